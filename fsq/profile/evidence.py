"""What the rows of each date show, measured: dates × features per kind of evidence.

Some evidence points at single records, such as a value that disagrees with its group; the rest
compares a date as a whole with the dates before it, such as a mean.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fsq.profile.groups import (
    Grouping,
    count_effective_groups,
    count_groups,
    count_shared,
    count_valued,
    find_disagreeing,
)
from fsq.profile.measures import Evidence, add_moments, add_share
from fsq.profile.regression import find_lacking
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.sides import find_contradicting
from fsq.profile.spikes import find_spikes
from fsq.profile.step_evidence import measure_steps, measure_steps_again, measure_subgroups
from fsq.profile.structure import Structure
from fsq.profile.twins import find_untwinned

# Compared with the dates just before: what drifts over a season.
TRAILING = (
    "mean", "spread", "absent", "zero", "spike", "still", "returned", "residual_mean",
    "residual_spread", "step_mean", "step_size",
)  # fmt: skip
# Compared with all clean dates: what is rare, or zero, however a season goes.
RARE = (
    "table_absent", "group_absent", "group_same", "group_still", "copied", "disagree", "contradict",
    "leap", "jump", "outlier", "extreme", "leak",
)  # fmt: skip
METRICS = (*TRAILING, *RARE)
ONE_SIDED = ("absent", "still", "returned", *RARE)  # less of it is no fault
UNSETTLED = ("disagree", "contradict")  # judged after a break, too
# What a record shows beside the one before it, or beside its other features.
OF_RECORDS = ("leap", "still", "group_still", "group_absent", "extreme", "leak")
OF_TABLES = ("jump", "copied")  # the same, by all features of a table

_EXTREME = 2.0  # times the residual that one in a thousand exceeds
# Measures whose spread by chance depends on how many values there are.
_DRAWN = ("spread", "zero", "spike", "residual_spread")
_OFTEN_FLAT = 0.1  # share of dates on which a feature has one value
_MANY_GROUPS = 30  # per date: enough for statistics
FEW_GROUPS = 5  # per date: from so many on no single one decides
MOST_GROUPS = 0.5  # share of a date's groups that speaks for the date


def measure(rows: Rows, structure: Structure, fold: Codes) -> Evidence:
    """Measure every date of the rows.

    Args:
        rows: of any dates.
        structure: what normally holds.
        fold: of each record; see ``Regressions.predict_residuals``.
    """
    out = Evidence()
    known = ~np.isnan(rows.values)
    add_moments(out, rows, rows.values, "mean", "spread")
    add_share(out, rows, "absent", rows.is_default)
    add_share(out, rows, "zero", known & (rows.values == 0), known)
    spiking, share = find_spikes(rows)
    out.hits["spike"], out.measures["spike"] = spiking, share
    out.counts["spike"] = rows.sum_per_date(known)
    measure_steps(out, rows, structure)
    measure_subgroups(out, rows, structure)
    _measure_residuals(out, rows, structure, fold)
    _measure_groups(out, rows, structure)
    _count_by_groups(out, rows, structure)
    _leave_out_few(out.measures, rows, structure.groupings, ("spread",), known)
    out.silent = _find_silent(rows, structure)
    _leave_out(out)
    return out


def measure_again(evidence: Evidence, rows: Rows, structure: Structure) -> Evidence:
    """The same evidence, where other records are faulty than when it was measured.

    Args:
        evidence: ``measure`` of the same rows. Its measures stay; what it shows of each record is
            brought up to date in place, since that takes most of the memory.
        rows: which of them are faulty decides what each record is compared with.
        structure: what normally holds.
    """
    out = measure_steps_again(evidence, rows, structure)
    _leave_out(out)
    return out


def _count_by_groups(out: Evidence, rows: Rows, structure: Structure) -> None:
    """Count what is one value per group once per group: chance drew no more of them.

    Groups of different sizes count as so many of one size (Kish's effective sample size).
    """
    for grouping in structure.groupings:
        if grouping.columns and set(grouping.columns) <= rows.codes.keys():
            of = list(grouping.features)
            groups = count_effective_groups(rows, grouping)[:, None]
            for metric in _DRAWN:
                out.counts[metric][:, of] = np.minimum(out.counts[metric][:, of], groups)
    if structure.tied:
        of = list(structure.tied)
        shared = count_shared(rows, structure.tied)
        for metric in _DRAWN:
            out.counts[metric][:, of] = np.minimum(out.counts[metric][:, of], shared)
        # The sides of a few events may well agree.
        few = shared < 2 * FEW_GROUPS
        out.measures["spread"][:, of] = np.where(few, np.nan, out.measures["spread"][:, of])


def _leave_out_few(
    measures: dict[str, Matrix],
    rows: Rows,
    groupings: Iterable[Grouping],
    metrics: Iterable[str],
    known: Mask,
) -> None:
    """Drop what a few of many groups say of a date: the gusts of one hour are no spread.

    Args:
        measures: per metric, dates × features.
        rows: of any dates.
        groupings: features that are one value per group.
        metrics: those to drop.
        known: records × features: which values the metrics were measured on.
    """
    for grouping in groupings:
        if grouping.columns and set(grouping.columns) <= rows.codes.keys():
            of = list(grouping.features)
            every = count_effective_groups(rows, grouping)[:, None]
            valued = count_valued(rows, grouping, known[:, of])
            few = (valued < FEW_GROUPS) & (valued < MOST_GROUPS * every) & np.isfinite(every)
            for metric in metrics:
                measures[metric][:, of] = np.where(few, np.nan, measures[metric][:, of])


def _find_silent(rows: Rows, structure: Structure) -> dict[str, list[int]]:
    """Per metric, what says nothing: of features that are one value per group, or per date.

    Such a feature has as many values as groups, so its rows are no sample of its past.
    """
    daily = [f for g in structure.groupings if not g.columns for f in g.features]
    grouped = {f: g for g in structure.groupings for f in g.features}
    groups = {g.columns: count_groups(rows, g) for g in structure.groupings}
    few = [f for f, g in grouped.items() if groups[g.columns] < _MANY_GROUPS]
    very_few = [f for f, g in grouped.items() if groups[g.columns] < FEW_GROUPS]
    unrelated = [f for f in range(len(rows.names)) if f not in structure.past_of_label]
    # What is one value on many dates has no spread to be compared with.
    flat = np.flatnonzero(_find_flat(rows).mean(axis=0) > _OFTEN_FLAT).tolist()
    out: dict[str, list[int]] = {metric: [] for metric in METRICS}
    for metric, silent in out.items():
        if metric in TRAILING and metric not in ("absent", "mean"):
            silent += flat
        if metric in ("outlier", "extreme"):
            silent += structure.grouped
        if metric in ("residual_mean", "residual_spread"):
            silent += [*few, *structure.tied]
        if metric in ("step_mean", "step_size"):
            silent += very_few
        if metric == "leak":
            silent += [*structure.grouped, *unrelated]
        if metric in ("group_same", "group_still", "jump"):
            silent += structure.grouped
        if metric not in ("absent", "table_absent", "group_absent", "disagree", "contradict"):
            silent += daily
    return out


def _leave_out(out: Evidence) -> None:
    """Drop what says nothing of a feature."""
    for metric, silent in out.silent.items():
        out.measures[metric][:, silent] = np.nan


def _measure_residuals(out: Evidence, rows: Rows, structure: Structure, fold: Codes) -> None:
    regressions = structure.regressions
    shape = rows.values.shape
    residual, limit = np.full(shape, np.nan), np.full(shape[1], np.inf)
    beyond = np.zeros(shape, dtype=np.bool_)
    if regressions is not None:
        residual = regressions.predict_residuals(rows.values, fold)
        limit = regressions.outlier
        far = regressions.find_beyond(rows.values, find_lacking(rows))
        beyond = regressions.find_extrapolated(far)
    out.measures |= measure_residuals(rows, residual, limit, beyond, structure.groupings)
    known = ~np.isnan(residual)
    out.counts |= dict.fromkeys(("outlier", "extreme"), rows.sum_per_date(known))
    learned = rows.sum_per_date(known & ~beyond)
    out.counts |= dict.fromkeys(("residual_mean", "residual_spread"), learned)
    with np.errstate(invalid="ignore"):
        out.hits["outlier"] = np.abs(residual) > limit
        out.hits["extreme"] = np.abs(residual) > _EXTREME * limit


def measure_residuals(
    rows: Rows, residual: Matrix, limit: Matrix, beyond: Mask, groupings: Iterable[Grouping]
) -> dict[str, Matrix]:
    """What the residuals of each date show, per metric: dates × features.

    Args:
        rows: of any dates.
        residual: records × features, in usual sizes.
        limit: of each feature; a residual that exceeds it is an outlier.
        beyond: records × features, see ``Regressions.find_extrapolated``. They say nothing of a
            date as a whole, since the weather of a new season moves all of its rows.
        groupings: features that are one value per group.
    """
    part = Evidence()
    usual = np.where(beyond, np.nan, np.clip(residual, -30, 30))
    metrics = "residual_mean", "residual_spread"
    add_moments(part, rows, usual, *metrics)
    _leave_out_few(part.measures, rows, groupings, metrics, ~np.isnan(usual))
    with np.errstate(invalid="ignore"):
        far = np.abs(residual) / limit
        add_share(part, rows, "outlier", far > 1, ~np.isnan(far))
    part.measures["extreme"] = np.log(np.maximum(_take_largest(rows, far), 1.0))
    part.measures["extreme"][part.counts["outlier"] == 0] = np.nan
    return part.measures


def _find_flat(rows: Rows) -> Mask:
    """Dates × features: whether all values are the same; not so without values."""
    absent = np.isnan(rows.values)
    low = rows.reduce_per_date(np.minimum, np.where(absent, np.inf, rows.values), np.inf)
    high = rows.reduce_per_date(np.maximum, np.where(absent, -np.inf, rows.values), -np.inf)
    return np.asarray(low == high)


def _take_largest(rows: Rows, amounts: Matrix) -> Matrix:
    return np.maximum(rows.reduce_per_date(np.maximum, np.nan_to_num(amounts), 0.0), 0.0)


def _measure_groups(out: Evidence, rows: Rows, structure: Structure) -> None:
    """Values that disagree with their group, and values that contradict another one."""
    shape = rows.values.shape
    hits, judged = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    for grouping in structure.groupings:
        if set(grouping.scope) <= rows.codes.keys():
            off, seen = find_disagreeing(rows, grouping)
            hits[:, grouping.features] |= off
            judged[:, grouping.features] |= seen
    add_share(out, rows, "disagree", hits, judged)
    hits, judged = np.zeros_like(hits), np.zeros_like(judged)
    found = [(m.feature, find_contradicting(rows, m)) for m in structure.mirrors]
    found += [(t.feature, find_untwinned(rows, t)) for t in structure.twins]
    for feature, (off, seen) in found:
        hits[:, feature] |= off
        judged[:, feature] |= seen
    add_share(out, rows, "contradict", hits, judged)
