"""What normally holds, learned from clean dates, and does not hold on a date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, Feature
from fsq.diagnosis.attribution import Blame, find_blame
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage
from fsq.diagnosis.checks.constant_values import SILENT_DEFAULT
from fsq.diagnosis.checks.upstream import DEFAULT_RISE, WROTE_PART, UpstreamThresholds
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.learning import find_calm_dates, learn_from
from fsq.diagnosis.long_detail import list_plain_columns
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.naming import Cause, Clues, name_cause
from fsq.profile import Evidence, Profile, judge, measure_dates

_RED = 2.0  # times the limit; clean dates have not come near
_RED_LEVEL = 4.0  # the same, where nothing says what happened
_MOSTLY_JUDGED = 0.3  # share of the features that are compared, for a date to count as judged
_RED_SHARE = 0.05  # of a date's records

CLEAN_DATES = Need("clean dates to learn from", "too few clean dates to learn what normally holds")


def _text(what: str, cause: str) -> Any:
    def describe(f: Facts) -> Text:
        words = f.evidence
        return Text(
            f"{f.feature}: " + what.format(**words, rows=f.rows),
            cause.format(**words, table=f.table, job=f.job, names=f.names),
        )

    return describe


def _kind(name: str, meaning: str, what: str, cause: str) -> Kind:
    text = _text(what, cause)
    return Kind(
        name, meaning, ("red", "yellow"), text, (CLEAN_DATES,), in_sql=False, of_values=True
    )


OLD = _kind(
    "old_values",
    "values are those of the record before, where they should have moved",
    "the values of before, for {rows}",
    "{table} seems to hold an old copy: {share:.0%} of the values have not moved.",
)
WRONG_ENTITY = _kind(
    "wrong_entity",
    "values are usual ones, but of another entity",
    "values of another record, for {rows}",
    "The values are usual ones, but not of these records: a join of {table} may have gone wrong.",
)
WRONG_UNIT = _kind(
    "wrong_unit",
    "values are off by a factor",
    "values are {factor:g} times what they were, for {rows}",
    "{table} may have changed its unit or sign.",
)
SWAPPED = _kind(
    "swapped_features",
    "two features have changed places",
    "values look like those of {with}",
    "{table} may have written its columns in another order.",
)
CLAMPED = _kind(
    "clamped_values",
    "values are cut off at a bound that they used to exceed",
    "cut off at {value:g}",
    "Values beyond {value:g} used to occur; {job} may clip them now.",
)
ROUNDED = _kind(
    "rounded_values",
    "values are rounded that used not to be",
    "rounded to multiples of {grid:g}",
    "{table} may have changed the type or the precision of its columns.",
)
TOO_COMMON = _kind(
    "value_too_common",
    "one value is far more common than it was, though it is not the default",
    "{value:g} for {share:.0%} of the values, usually {usual_share:.0%}",
    "{job} may have written a placeholder instead of values.",
)
LEAK = _kind(
    "leak",
    "a feature knows what it is to predict",
    "moves with {label} of the same record",
    "The window of {table} seems to include the event that is to be predicted.",
)
OUTLIERS = _kind(
    "outlier_values",
    "a few values are far from what the record's other features and its past tell",
    "far off for {rows}",
    "The other features, or the values before, tell of something else.",
)
LEVEL = _kind(
    "level_shift",
    "values as a whole lie elsewhere than on clean dates",
    "values lie elsewhere than usual",
    "Check whether {table} changed its definition, scale or window.",
)
_KINDS = {
    k.name: k
    for k in (
        OLD, WRONG_ENTITY, WRONG_UNIT, SWAPPED, CLAMPED, ROUNDED, TOO_COMMON, LEAK, OUTLIERS, LEVEL
    )
}  # fmt: skip


def _choose_kind(ctx: Context, name: str, table: str, features: list[Feature]) -> Kind:
    if name == SILENT_DEFAULT.name:
        return SILENT_DEFAULT
    if name == DEFAULT_RISE.name:
        required = [f for f in ctx.tables[table] if not f.optional]
        return WROTE_PART if 1 < len(required) <= len(features) else DEFAULT_RISE
    return _KINDS[name]


def _prepare(ctx: Context) -> tuple[Profile, Evidence] | None:
    """The profile, given or learned, and what the rows show under it; None without."""
    spared = np.array([d in ctx.asked_dates for d in ctx.dates], dtype=np.bool_)
    profile = ctx.profile or learn_from(ctx, spared)
    if profile is None or not ctx.dates:
        return None
    return profile, measure_dates(profile, ctx.profile_rows)


class ProfileEvidence(Check):
    """Hold each date against what was learned from clean dates."""

    stage = Stage.PROFILE
    kinds = tuple(_KINDS.values())

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """All plain columns: any of them may group the records."""
        return list_plain_columns(schema, contract)

    def find(self, ctx: Context) -> None:
        """Report what stands out and no check before has explained."""
        state = ctx.remember("profile", lambda: _prepare(ctx))
        if state is None:
            for at, _ in ctx.iterate_dates():
                for kind in self.kinds:
                    kind.note_unmet(ctx, at, CLEAN_DATES)
            return
        profile, evidence = state
        ctx.has_profile = True
        ctx.leaning = dict(zip(profile.names, profile.structure.leaning.tolist(), strict=True))
        judged = judge(profile, ctx.profile_rows, ctx.find_faulty(), evidence)
        strength = judged.measure_strength(find_calm_dates(ctx, profile.dates))
        place = {name: f for f, name in enumerate(ctx.contract.names)}
        expected = [np.nan if f.expected is None else f.expected for f in ctx.contract.features]
        for at, day in ctx.iterate_dates():
            ctx.judgements[day] = judged, strength
            known = ~np.isnan(judged.distances["mean"][at])
            if known.mean() > _MOSTLY_JUDGED:
                ctx.settled_dates.add(day)
            if any(s.day == day and s.severity == "red" and not s.features for s in ctx.signals):
                continue  # rows are missing: what is left is no sample of the date
            explained = [place[f] for d, f in ctx.list_explained() if d == day]
            blamed = find_blame(judged, strength, at, explained)
            clues = Clues(judged, at, np.array(expected))
            causes = [(b, name_cause(clues, b, blamed)) for b in blamed]
            self._report(ctx, at, causes, profile.limits.dates)

    def _report(
        self, ctx: Context, at: int, causes: list[tuple[Blame, Cause]], clean_dates: int
    ) -> None:
        """One signal per kind and table."""
        groups: dict[tuple[str, str], list[tuple[Blame, Cause]]] = {}
        for blame, cause in causes:
            table = ctx.contract.features[blame.feature].upstream_table
            groups.setdefault((cause.kind, table), []).append((blame, cause))
        for (name, table), members in groups.items():
            strongest, cause = max(members, key=lambda m: m[0].strength)
            masks = [c.named for _, c in members if c.named is not None]
            named = np.any(masks, axis=0) if masks else None
            rows = ctx.rows[at] if named is None else (named & (ctx.date_index == at)).sum()
            features: list[Feature] = [ctx.contract.features[b.feature] for b, _ in members]
            kind = _choose_kind(ctx, name, table, features)
            severity: Severity = "yellow"
            sure = _RED if kind is not LEVEL else _RED_LEVEL
            if strongest.strength >= sure and rows >= _RED_SHARE * ctx.rows[at]:
                severity = "red"
            facts = dict(cause.facts)
            if name == DEFAULT_RISE.name:  # as red as the check of upstream tables would have it
                rise = facts["default_share"] - facts["usual_share"]
                limits = UpstreamThresholds.of(ctx.contract)
                severity = "red" if rise >= limits.default_rise_red else "yellow"
            if kind is SILENT_DEFAULT:
                facts |= {
                    "expected_value": facts.pop("value"),
                    "expected_share": facts.pop("share"),
                }
            facts["signals"] = {m: round(s, 2) for m, s in strongest.metrics.items()}
            facts["clean_dates"] = clean_dates
            kind.report(ctx, at, severity, table, features, rows, table, named, **facts)
