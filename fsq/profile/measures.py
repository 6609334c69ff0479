"""Figures of each date, and the records behind them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fsq.profile.moves import Moves
from fsq.profile.rows import Mask, Matrix, Rows

# Smaller standard deviations count as this much: a share of the usual one; without any, a number.
LEAST_SPREAD, NO_SPREAD = 1e-3, 1e-9


@dataclass
class Evidence:
    """Measures of dates, and the records behind them.

    Attributes:
        measures: per metric, dates × features; NaN where it cannot be measured.
        counts: per metric, how many values each was measured on.
        hits: per metric that points at records: records × features.
        without: what residuals show of a feature, the last of the key, on each date where the
            others of the key explain nothing; as far as anybody has asked.
        moves: how the records follow those before them, once that is measured.
        silent: per metric, the features of which it says nothing, on whatever date.
    """

    measures: dict[str, Matrix] = field(default_factory=dict)
    counts: dict[str, Matrix] = field(default_factory=dict)
    hits: dict[str, Mask] = field(default_factory=dict)
    moves: Moves | None = None
    without: dict[tuple[int, ...], dict[str, Matrix]] = field(default_factory=dict)
    silent: dict[str, list[int]] = field(default_factory=dict)


def add_share(
    out: Evidence,
    rows: Rows,
    name: str,
    hits: Mask,
    judged: Mask | None = None,
    total: Matrix | None = None,
) -> None:
    """Add the share of the judged values of each date that are hits.

    Args:
        out: gets it.
        rows: of any dates.
        name: of the metric.
        hits: records × features.
        judged: the same; None if all values are judged.
        total: how many those are, dates × features, if somebody has counted them.
    """
    if judged is None:
        total = np.repeat(rows.count[:, None], hits.shape[1], axis=1)
    else:
        hits, total = hits & judged, rows.sum_per_date(judged) if total is None else total
    with np.errstate(invalid="ignore", divide="ignore"):
        out.measures[name] = rows.sum_per_date(hits) / total
    out.counts[name], out.hits[name] = total.copy(), hits


def add_moments(out: Evidence, rows: Rows, amounts: Matrix, mean: str, spread: str) -> None:
    """Add the mean of each date, and the logarithm of the standard deviation."""
    add_mean(out, rows, amounts, mean)
    known, center, total = ~np.isnan(amounts), out.measures[mean], out.counts[mean]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.where(known, amounts - center[rows.date_index], 0.0)
        deviation = np.sqrt(rows.sum_per_date(off * off) / (total - 1))
    deviation[total < 2] = np.nan
    floor = np.array(
        [LEAST_SPREAD * np.median(d[d > 0]) if (d > 0).any() else NO_SPREAD for d in deviation.T]
    )
    out.measures[spread] = np.log(np.maximum(deviation, floor))
    out.counts[spread] = total


def add_mean(out: Evidence, rows: Rows, amounts: Matrix, name: str) -> None:
    """Add the mean of each date, and how many amounts it has."""
    known = ~np.isnan(amounts)
    total = rows.sum_per_date(known)
    with np.errstate(invalid="ignore", divide="ignore"):
        out.measures[name] = rows.sum_per_date(np.where(known, amounts, 0.0)) / total
    out.counts[name] = total
