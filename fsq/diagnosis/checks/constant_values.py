"""Features that should vary and do not, and defaults that are not marked as such."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Feature
from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import MIN_ROWS, MIN_ROWS_WITH_VALUE, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import CHANCE
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.groups import DAY, SUB
from fsq.diagnosis.messages import Facts, Text
from fsq.profile.rows import Mask, Matrix
from fsq.utils.text import plural

ENOUGH = 2.0  # so many times a feature's floor of distinct values must be possible
_SMALLER = 0.5  # of the usual mean: no date is like that
_SAME_FACTOR = 0.25  # how far the factors of mean and spread may differ
FEW = 4.0  # distinct values that must be possible before a single one tells


class ConstantThresholds(Thresholds):
    """How little the values of a feature may vary; shares of rows."""

    stuck_share: Share = 0.95
    """Share of rows with one value, where values should vary."""
    stuck_red_share: Share = 0.5
    """Below a feature's floors: red if one value has this share of the rows."""
    stuck_red_std: Share = 0.25
    """Below a feature's floors: red if the standard deviation is under this part of its floor."""
    rows_per_value: Annotated[Count, Field(ge=1)] = 20
    """A date with few groups may have few distinct values: one in so many rows is enough."""
    usual_value_share: Share = 0.2
    """Without floors, one value is no fault if so many values of earlier dates equal it."""
    silent_share: Share = 0.2
    """Share of values that equal the expected one exactly."""
    silent_rise: Share = 0.1
    """Rise of that share over the earlier dates' median."""
    silent_share_unmarked: Share = 0.6
    """The same share for features whose real values often equal it."""


def _describe_stuck(f: Facts) -> Text:
    e, count = f.evidence, f.evidence["distinct"]
    varies = "varies" if len(f.features) == 1 else "vary"
    state = f"{f.are} stuck" if f.signal.severity == "red" else f"{varies} too little"
    floor = f" (the contract's floor is {e['min_std']:g})" if e["min_std"] else ""
    measured = "" if len(f.features) == 1 else f.signal.features[0]  # the figures are of this one
    has, of = (f"{measured} has ", f" of {measured}") if measured else ("", "")
    return Text(
        f"{f.feature} {state}: {has}{plural(count, 'distinct value')} (about {e['mean']:g})",
        f"The standard deviation{of} is {e['std']:g}{floor}; {f.job} writes nearly the same value "
        "for every row.",
    )


def _describe_silent(f: Facts) -> Text:
    value = f"{f.evidence['expected_value']:g}"
    return Text(
        f"{f.feature} {f.are} silently default: {f.evidence['expected_share']:.0%} of the values "
        f"equal {value}",
        f"{f.job} wrote the default value {value} without marking it as a default; usually "
        f"{f.usual_share} of the values equal it.",
    )


STUCK = Kind(
    "stuck_constant",
    "a feature that should vary does not",
    ("red", "yellow"),
    _describe_stuck,
    (MIN_ROWS, MIN_ROWS_WITH_VALUE),
    of_values=True,
)
SILENT_DEFAULT = Kind(
    "silent_default",
    "values equal the default exactly, but are not marked as defaults",
    ("red", "yellow"),
    _describe_silent,
    (MIN_ROWS,),
    of_values=True,
)


class ConstantValues(Check):
    """Compare how much the values vary with the contract's floors and with earlier dates."""

    stage = Stage.VALUES
    thresholds = ConstantThresholds
    kinds = (STUCK, SILENT_DEFAULT)

    def find(self, ctx: Context) -> None:
        """Report stuck features, and silent defaults among those that are not stuck."""
        limits, least = ConstantThresholds.of(ctx.contract), ctx.contract.diagnosis.min_rows
        trusted, most = ctx.get_matrix("trusted"), ctx.get_matrix("most_common_share")
        expected = ctx.get_matrix("expected_rows") / np.maximum(trusted, 1)
        earlier = ctx.find_usual(expected)
        may_be_odd = _find_candidates(ctx, expected, earlier, limits)
        same_throughout = _find_defaults(ctx, limits)
        for at, _ in ctx.iterate_dates():
            can_be_stuck = STUCK.can_evaluate(ctx, at)  # notes it if not
            if not SILENT_DEFAULT.can_evaluate(ctx, at) or not can_be_stuck:
                if ctx.weighs_chance:
                    for f in (ctx.contract.features[i] for i in same_throughout.get(at, ())):
                        _judge_few_rows(ctx, f, at)
                continue
            few = [f.name for f in ctx.contract.features if trusted[at, f.index] < least]
            if few:
                STUCK.note_unmet(ctx, at, MIN_ROWS_WITH_VALUE, tuple(few))
            usual = earlier.get(at)
            for f in (ctx.contract.features[i] for i in np.flatnonzero(may_be_odd[at])):
                if trusted[at, f.index] < least:
                    continue
                share = float(expected[at, f.index])
                usual_share = 0.0 if usual is None else float(usual[f.index])
                same = round(most[at, f.index] * trusted[at, f.index])
                table = f.upstream_table
                if f.suspicious_default and share >= limits.stuck_share:
                    facts = _measure(ctx, f, at, share, usual_share)
                    SILENT_DEFAULT.report(ctx, at, "red", f.name, [f], same, table, **facts)
                elif _is_stuck(ctx, f, at, limits):
                    gone = not ctx.follows_break(at) and _is_gone(ctx, f, at, limits)
                    severity: Severity = "red" if gone else "yellow"
                    facts = _measure(ctx, f, at, share, usual_share)
                    STUCK.report(ctx, at, severity, f.name, [f], same, table, **facts)
                elif not _is_young(ctx, f, at) and _is_silent(
                    f, share, usual_share, usual is not None, limits
                ):
                    rows = round(share * trusted[at, f.index])
                    facts = _measure(ctx, f, at, share, usual_share)
                    SILENT_DEFAULT.report(ctx, at, "yellow", f.name, [f], rows, table, **facts)


def _find_defaults(ctx: Context, limits: ConstantThresholds) -> dict[int, list[int]]:
    """Positions of dates, and of the features whose values of that date are the default."""
    trusted, equal = ctx.get_matrix("trusted"), ctx.get_matrix("expected_rows")
    suspicious = np.array([f.suspicious_default for f in ctx.contract.features], dtype=np.bool_)
    found: dict[int, list[int]] = {}
    same = suspicious & (trusted > 0) & (equal >= limits.stuck_share * trusted)
    for at, f in np.argwhere(same).tolist():
        found.setdefault(at, []).append(f)
    return found


def _judge_few_rows(ctx: Context, f: Feature, at: int) -> None:
    """Report a feature that is the default throughout, if chance hardly explains it."""
    counted = ("trusted", "expected_rows", "distinct")
    trusted, equal, varied = (float(ctx.sum_before(name)[at, f.index]) for name in counted)
    usual = equal / max(trusted, 1)
    # One more default among the values that were known so far, however few they are.
    share = (usual * varied + 1) / (varied + 2)
    if share ** _count_independent(ctx, f, at) < CHANCE:
        known, hits = (ctx.get_matrix(n)[at, f.index] for n in ("trusted", "expected_rows"))
        facts = _measure(ctx, f, at, float(hits / known), usual)
        SILENT_DEFAULT.report(ctx, at, "red", f.name, [f], hits, f.upstream_table, **facts)


def _count_independent(ctx: Context, f: Feature, at: int) -> float:
    """How many of a date's values could differ, by what earlier dates have."""
    known = ctx.get_matrix("trusted")[:, f.index]
    compared = ctx.list_compared(at)
    if not len(compared):
        return 0.0
    possible = _estimate_distinct(ctx, f, at)
    if np.isinf(possible):
        per_value = ctx.get_matrix("distinct")[compared, f.index] / np.maximum(known[compared], 1)
        possible = float(per_value.max() * known[at])
    return min(possible, float(known[at]))


def _find_candidates(
    ctx: Context, expected: Matrix, earlier: dict[int, Matrix], limits: ConstantThresholds
) -> Mask:
    """Dates × features that may be stuck or silent defaults; the others surely are not.

    Args:
        ctx: the dates.
        expected: shares of the values that equal the expected one.
        earlier: what was usual of them, per date to check.
        limits: of the contract.
    """
    features, distinct = ctx.contract.features, ctx.get_matrix("distinct")
    floor = np.array([f.min_std or 0.0 for f in features])
    least = np.array([f.min_distinct or 0 for f in features])
    rise = expected.copy()
    for at, usual in earlier.items():
        rise[at] -= usual
    silent = np.minimum(limits.silent_share, limits.silent_share_unmarked)
    out = (distinct == 1) | (distinct < least) | (ctx.get_matrix("std") < floor)
    out |= ctx.get_matrix("most_common_share") >= limits.stuck_share
    out |= expected >= limits.stuck_share
    return np.asarray(out | ((expected >= silent) & (rise >= limits.silent_rise)))


def _measure(ctx: Context, f: Feature, at: int, share: float, usual_share: float) -> dict[str, Any]:
    return {
        "distinct": int(ctx.get_matrix("distinct")[at, f.index]),
        "std": round(float(ctx.get_matrix("std")[at, f.index]), 4),
        "expected_share": round(share, 4),
        "expected_value": f.expected,
        "min_std": f.min_std,
        "min_distinct": f.min_distinct,
        "usual_share": round(usual_share, 4),
        "mean": round(float(ctx.get_matrix("mean")[at, f.index]), 4),
    }


def _has_floor(f: Feature) -> bool:
    return f.min_std is not None or (f.min_distinct or 0) > 1


def _may_be_constant(f: Feature) -> bool:
    """Whether the contract says that one value on a date is enough."""
    return not _has_floor(f) and f.min_distinct is not None


def _is_young(ctx: Context, f: Feature, at: int) -> bool:
    """Whether there were few events yet from which the values could differ."""
    return bool(ctx.is_filling[at, f.index]) or ctx.starts_season(at)


def _is_stuck(ctx: Context, f: Feature, at: int, limits: ConstantThresholds) -> bool:
    if _may_be_constant(f) or not _hardly_varies(ctx, f, at, limits):
        return False
    return not _has_come_to_its_end(ctx, f, at)


def _hardly_varies(ctx: Context, f: Feature, at: int, limits: ConstantThresholds) -> bool:
    distinct = ctx.get_matrix("distinct")
    if not _has_floor(f):
        # Without a floor only a change tells: one value where there used to be several.
        if distinct[at, f.index] != 1:
            return False
        usual = ctx.compute_median_before(distinct, at)
        if usual is None or usual[f.index] < ctx.contract.diagnosis.history_days:
            return False
        return ctx.measure_usual_share(f, at) < limits.usual_value_share
    possible = _estimate_distinct(ctx, f, at)
    if possible < ENOUGH * (f.min_distinct or 1):
        # Few groups have few values, which may be near each other by chance.
        return bool(distinct[at, f.index] == 1 and possible >= FEW)
    if ctx.get_matrix("most_common_share")[at, f.index] >= limits.stuck_share:
        return True
    if _is_young(ctx, f, at):
        return False  # few events, few values
    rows = int(ctx.get_matrix("trusted")[at, f.index])
    least = min(f.min_distinct or 0, rows // limits.rows_per_value)
    narrow = f.min_std is not None and ctx.get_matrix("std")[at, f.index] < f.min_std
    narrow = narrow and not _is_scaled(ctx, f, at)
    return bool(narrow or distinct[at, f.index] < least)


def _is_scaled(ctx: Context, f: Feature, at: int) -> bool:
    """Whether the values are smaller by a factor, and a profile will tell so."""
    if ctx.profile is None or ctx.follows_break(at):
        return False
    ratios = []
    for name in ("mean", "std"):
        usual = ctx.compute_median_before(ctx.get_matrix(name), at)
        if usual is None or not abs(usual[f.index]) > 0:
            return False
        ratios.append(ctx.get_matrix(name)[at, f.index] / usual[f.index])
    mean, std = ratios
    return bool(abs(mean) < _SMALLER and abs(std / abs(mean) - 1) < _SAME_FACTOR) if mean else False


def _has_come_to_its_end(ctx: Context, f: Feature, at: int) -> bool:
    """Whether it is usual that values agree: after a break everybody may be at full rest."""
    if not ctx.follows_break(at):
        return False
    values = ctx.get_values(f.index)[ctx.date_index == at]
    return bool(np.isin(np.nanmedian(values), (f.min, f.max)))


def _estimate_distinct(ctx: Context, f: Feature, at: int) -> float:
    """How many values are possible: the most that earlier dates have for as many groups.

    Rows of one group may share a value, as those of a team do; so each subgroup, or else each
    group, may have one, even where earlier dates are stuck, too. Infinite where nothing tells.
    """
    compared, groups = ctx.list_compared(at), ctx.groups
    if not len(compared) or not (groups[[*compared, at]] > 0).all():
        return float("inf")
    per_group = ctx.get_matrix("distinct")[compared, f.index] / groups[compared]
    return float(max(per_group.max() * groups[at], _count_subgroups(ctx)[at]))


def _count_subgroups(ctx: Context) -> Matrix:
    """Subgroups of each date; its groups, where there are none."""
    if ctx.by_group.subgroup is None:
        return ctx.groups

    def count() -> Matrix:
        found = ctx.by_group.rows.group_by(DAY).agg(pl.col(SUB).n_unique())
        return ctx.align(found, SUB)[:, 0]

    return ctx.remember("subgroups per date", count)


def _is_gone(ctx: Context, f: Feature, at: int, limits: ConstantThresholds) -> bool:
    """Whether so little variation is left that the values carry no information."""
    most, std = ctx.get_matrix("most_common_share")[at, f.index], ctx.get_matrix("std")[at, f.index]
    floor = limits.stuck_red_std * (f.min_std or 0)
    return bool(most >= limits.stuck_share or most >= limits.stuck_red_share or std < floor)


def _is_silent(
    f: Feature, share: float, usual_share: float, compared: bool, limits: ConstantThresholds
) -> bool:
    marked = f.suspicious_default
    least = limits.silent_share if marked else limits.silent_share_unmarked
    applies = marked or (_has_floor(f) and compared)
    return applies and share >= least and share - usual_share >= limits.silent_rise
