"""Features whose values are distributed differently than on earlier dates."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, MIN_ROWS, SEASON_UNDER_WAY, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text
from fsq.profile.rows import Codes, Matrix


class ShiftThresholds(Thresholds):
    """When a population stability index (PSI) stands out."""

    psi_bins: Annotated[int, Field(ge=2, le=100)] = 10
    """Bins of the histograms."""
    psi_above: Annotated[float, Field(gt=0)] = 0.5
    """Population stability index that is worth reporting."""
    psi_yellow: Annotated[float, Field(gt=0)] = 1.0
    """Index from which the severity is yellow."""
    psi_noise: Annotated[float, Field(ge=0)] = 5.0
    """The index must exceed this times (bins - 1) / distinct values, which is chance."""
    psi_over_usual: Annotated[float, Field(ge=1)] = 2.0
    """The index must be so many times that of the earlier dates among themselves."""
    rising = (("psi_above", "psi_yellow"),)


def _describe(f: Facts) -> Text:
    return Text(
        f"{f.feature}: distribution shifted (PSI {f.evidence['psi']:.2f}, usually up to "
        f"{f.evidence['usual_psi']:.2f})",
        f"The values come from {f.table}; check whether their unit, scale or definition changed.",
    )


SHIFT = Kind(
    "distribution_shift",
    "values are distributed differently than on earlier dates",
    ("yellow", "info"),
    _describe,
    (HISTORY, SEASON_UNDER_WAY, MIN_ROWS),
    in_sql=False,
    is_fault=False,  # weather and form shift, too: what lasts is the new normal
    of_values=True,
)


class DistributionShift(Check):
    """Compare each required feature's histogram with those of the earlier dates."""

    stage = Stage.UNEXPLAINED
    thresholds = ShiftThresholds
    kinds = (SHIFT,)

    def find(self, ctx: Context) -> None:
        """Report features that no other finding names and whose index stands out."""
        limits, contract = ShiftThresholds.of(ctx.contract), ctx.contract
        explained = ctx.list_explained()
        ordered: tuple[Matrix, Codes] | None = None
        for at, day in ctx.iterate_dates():
            if ctx.has_profile and day in ctx.judged_dates:
                continue  # it would be for information, and nobody asked
            history = ctx.find_history(at)
            if not SHIFT.can_evaluate(ctx, at) or history is None:
                continue
            ordered = ordered or _order_values(ctx)
            values, bounds = ordered
            compared = [*history, at]
            window = np.concatenate([values[bounds[d] : bounds[d + 1]] for d in compared])
            sizes = np.diff(bounds)[compared]
            dates = np.repeat(np.arange(len(sizes)), sizes)
            for f in contract.features:
                if (day, f.name) in explained or f.optional:
                    continue
                shift = _measure_shift(window[:, f.index], dates, len(sizes) - 1, ctx, limits)
                if shift is None:
                    continue
                index, usual = shift
                look = index >= limits.psi_yellow and not ctx.follows_break(at)
                look &= not ctx.has_profile  # which knows how far such indices go
                SHIFT.report(
                    ctx,
                    at,
                    "yellow" if look else "info",
                    f.upstream_table,
                    [f],
                    ctx.rows[at],
                    f.upstream_table,
                    psi=round(index, 3),
                    usual_psi=round(usual, 3),
                )


def _order_values(ctx: Context) -> tuple[Matrix, Codes]:
    """The values date by date, and where each date begins; where the last one ends, too."""
    order = np.argsort(ctx.date_index, kind="stable")
    bounds = np.searchsorted(ctx.date_index[order], np.arange(len(ctx.dates) + 1))
    return ctx.values[order], bounds


def _measure_shift(
    values: Matrix, dates: np.ndarray, last: int, ctx: Context, limits: ShiftThresholds
) -> tuple[float, float] | None:
    """The index of the last date, and the largest of an earlier one, if the last stands out."""
    rules, present = ctx.contract.diagnosis, ~np.isnan(values)
    values, dates = values[present], dates[present]
    sizes = np.bincount(dates, minlength=last + 1)
    compared = (sizes[:last] >= rules.min_rows).sum()
    if sizes[last] < rules.min_rows or compared < rules.history_min_days:
        return None
    before, now = np.sort(values[dates < last]), np.sort(values[dates == last])
    places = np.arange(1, limits.psi_bins) * ((len(before) - 1) / limits.psi_bins)
    edges = _drop_repeated(before[places.astype(np.int64)])
    total = _count_in_bins(before, edges)
    index = measure_psi(_count_in_bins(now, edges), total)
    # Rows of one group may share a value: what counts is how many values there are.
    chance = limits.psi_noise * len(edges) / len(_drop_repeated(now))
    if index < max(limits.psi_above, chance):
        return None
    bins, width = np.searchsorted(edges, values, side="right"), len(edges) + 1
    cells = np.bincount(dates * width + bins, minlength=(last + 1) * width)
    counts = cells.reshape(last + 1, width).astype(np.float64)
    usual = max(measure_psi(counts[d], total - counts[d]) for d in range(last) if sizes[d])
    return (index, usual) if index >= limits.psi_over_usual * usual else None


def _drop_repeated(ordered: Matrix) -> Matrix:
    """The distinct ones of some values in order; ``np.unique`` would sort them again."""
    return np.concatenate([ordered[:1], ordered[1:][ordered[1:] != ordered[:-1]]])


def _count_in_bins(ordered: Matrix, edges: Matrix) -> Matrix:
    """How many of some values in order lie before, between and after the edges."""
    below = np.searchsorted(ordered, edges)
    return np.diff(np.concatenate([[0], below, [len(ordered)]])).astype(np.float64)


def measure_psi(now: Matrix, before: Matrix) -> float:
    """Population stability index of two histograms; an empty bin counts as half a row.

    >>> measure_psi(np.array([50.0, 50.0]), np.array([500.0, 500.0]))
    0.0
    """
    p = np.maximum(now, 0.5) / np.maximum(now, 0.5).sum()
    q = np.maximum(before, 0.5) / np.maximum(before, 0.5).sum()
    return float(((p - q) * np.log(p / q)).sum())
