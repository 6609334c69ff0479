"""How far a date stands out, and from where on that is an alarm within the budget of false ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fsq.profile.evidence import METRICS, RARE
from fsq.profile.rows import Codes, Mask, Matrix

Columns: TypeAlias = slice | Sequence[int]
ALL = slice(None)
TRAILING_DATES = 14
MIN_TRAILING = 5
_FEATURES_AT_ONCE = 64  # so that windows of thousands of features take little memory
_TAIL = 0.1  # share of the clean dates from which the tail is extrapolated
_FLOORS = {
    "returned": 0.01, "table_absent": 0.004, "group_absent": 0.004, "group_same": 0.01,
    "group_still": 0.004, "copied": 0.004, "disagree": 0.002, "contradict": 0.002, "jump": 0.003,
    "leap": 0.003, "outlier": 0.003, "step_mean": 0.1, "spread": 0.03, "residual_mean": 0.05,
    "extreme": 0.3, "leak": 0.01, "step_size": 0.01, "residual_spread": 0.05, "absent": 0.005,
    "zero": 0.01, "spike": 0.01, "still": 0.01,
}  # fmt: skip
_LEAST_MEAN = 0.03  # of the spread within a date
_MARGIN = 1.2  # other dates differ more from the clean ones than those do from each other
_ALLOWED = 0.01  # share of the clean dates whose distance is left out of the tail
_UNKNOWN = 1e30  # the scale of what clean dates do not show: nothing stands out from it
_WIDEST = 3.5  # scales that clean dates may lie apart, a few left out
_PRIOR = 5.5  # a limit that short histories cannot bring down
_PRIORS = {"leak": 4.8}  # few features, and no heavy tail
_PRIOR_DATES = 10.0  # how slowly the prior fades
_LEAST_DATES = 5  # with fewer measures of a feature nothing is known of their spread


@dataclass(frozen=True)
class Limits:
    """How the evidence of clean dates is spread.

    Attributes:
        scales: per metric, each feature's usual distance from the dates it is compared with.
        centers: per metric of ``RARE``, each feature's usual value.
        typical: per metric, the usual number of values behind each measure.
        alarm: per metric, the distance that keeps the budget.
        most: per metric, the largest distance of a clean date.
        dates: how many clean dates these were learned from.
    """

    scales: Mapping[str, Matrix]
    centers: Mapping[str, Matrix]
    typical: Mapping[str, Matrix]
    alarm: Mapping[str, float]
    most: Mapping[str, float]
    dates: int

    def find_centers(
        self,
        measures: Matrix,
        metric: str,
        clean: Mask,
        of: Columns = ALL,
        at: Codes | None = None,
    ) -> Matrix:
        """What each date is compared with: the clean dates just before it, or all.

        Args:
            measures: dates × features.
            metric: of the measures.
            clean: the dates that count, for each feature: dates × features.
            of: positions of the features, where there are not all of them.
            at: positions of the dates that are wanted; None for all.
        """
        if metric in RARE:
            height = len(measures) if at is None else len(at)
            return np.broadcast_to(self.centers[metric][of], (height, measures.shape[1]))
        return take_trailing(measures, clean, at)

    def scale_distances(
        self, measures: Matrix, counts: Matrix, metric: str, center: Matrix, of: Columns = ALL
    ) -> Matrix:
        """How far measures lie from their centers, in scales."""
        width = self.measure_widths(counts, metric, center, of)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((measures - center) / width)

    def measure_widths(
        self, counts: Matrix, metric: str, center: Matrix, of: Columns = ALL
    ) -> Matrix:
        """How wide one scale is for measures of so many values."""
        chance = _measure_chance(center, counts, metric)
        with np.errstate(divide="ignore", invalid="ignore"):
            fewer = np.maximum(1.0, self.typical[metric][of] / counts)  # few spread further
        return np.asarray(np.sqrt(self.scales[metric][of] ** 2 * fewer + chance))


def take_trailing(measures: Matrix, clean: Mask, at: Codes | None = None) -> Matrix:
    """The median of the clean dates just before each date; NaN if they are too few.

    Args:
        measures: dates × features.
        clean: the dates that count, for each feature: dates × features.
        at: positions of the dates that are wanted; None for all.
    """
    usable = clean & ~np.isnan(measures)
    wanted = np.arange(len(measures)) if at is None else at
    out = np.full((len(wanted), measures.shape[1]), np.nan)
    for first in range(0, measures.shape[1], _FEATURES_AT_ONCE):
        some = slice(first, first + _FEATURES_AT_ONCE)
        out[:, some] = _take_window_medians(measures[:, some], usable[:, some], wanted)
    return out


def _take_window_medians(measures: Matrix, usable: Mask, wanted: Codes) -> Matrix:
    """The median of the last few usable measures of each feature before each wanted date."""
    if not len(measures):
        return np.empty((0, measures.shape[1]))
    before: Codes = np.cumsum(usable, axis=0) - usable
    # The usable measures of each feature in a row, after as many that are larger than any.
    known = np.full((TRAILING_DATES + len(measures), measures.shape[1]), np.inf)
    dates, features = np.nonzero(usable)
    known[TRAILING_DATES + before[dates, features], features] = measures[dates, features]
    every = np.lib.stride_tricks.sliding_window_view(known, TRAILING_DATES, axis=0)
    ends = before[wanted]
    windows = np.sort(every[ends, np.arange(measures.shape[1])], axis=2)
    ends = ends[:, :, None]
    count = np.minimum(ends, TRAILING_DATES)
    low = np.take_along_axis(windows, np.maximum(count - 1, 0) // 2, axis=2)
    high = np.take_along_axis(windows, count // 2, axis=2)
    return np.where(ends >= MIN_TRAILING, low / 2 + high / 2, np.nan)[:, :, 0]


def learn_limits(
    measures: Mapping[str, Matrix], counts: Mapping[str, Matrix], clean: Mask, budget: float
) -> Limits:
    """Learn from clean dates.

    Args:
        measures: per metric, dates × features.
        counts: per metric, the values behind each measure.
        clean: the dates to learn from.
        budget: false alarms per date, of all metrics together.
    """
    scales: dict[str, Matrix] = {}
    centers: dict[str, Matrix] = {}
    typical: dict[str, Matrix] = {}
    alarm: dict[str, float] = {}
    most: dict[str, float] = {}
    share = budget / len(METRICS)
    for metric in METRICS:
        values, n = measures[metric], counts[metric]
        centers[metric] = (
            take_middle(values[clean]) if metric in RARE else np.zeros(values.shape[1])
        )
        middle = take_middle(n[clean])
        typical[metric] = np.where(middle > 0, middle, 1.0)
        limits = Limits(scales, centers, typical, {}, {}, int(clean.sum()))
        center = limits.find_centers(values, metric, np.broadcast_to(clean[:, None], values.shape))
        chance = take_middle(_measure_chance(center, n, metric)[clean])
        scale = _measure_scale((values - center)[clean])
        floor = np.full(values.shape[1], _FLOORS.get(metric, 1e-6))
        if metric == "mean":  # however exactly the dates' means agree
            floor = _LEAST_MEAN * np.exp(take_middle(measures["spread"][clean]))
        scales[metric] = np.sqrt(np.maximum(scale**2 - chance, 0) + floor**2)
        z = limits.scale_distances(values, n, metric, center)[clean]
        worst = _take_most(z)
        prior = _PRIORS.get(metric, _PRIOR)
        alarm[metric], most[metric] = _extrapolate(worst, share, prior)
    return Limits(scales, centers, typical, alarm, most, int(clean.sum()))


def _measure_scale(off: Matrix) -> Matrix:
    """A robust spread: of the middle, or of the tail if that is heavier than a normal one.

    The two largest are left out: history may hold a fault that nobody has found. What only some of
    the dates show is known less well, so that it counts as spread further.
    """
    out = np.full(off.shape[1], _UNKNOWN)
    most_dates = (~np.isnan(off)).sum(axis=0).max(initial=0)
    for f in range(off.shape[1]):
        sizes = np.abs(off[~np.isnan(off[:, f]), f])
        if sizes.size >= _LEAST_DATES:
            ordered = np.sort(sizes)
            spared = min(2, len(ordered) // 8)
            most = ordered[len(ordered) - spared - 1]
            tail = float(np.quantile(ordered[: len(ordered) - spared], 0.95))
            scale = max(1.4826 * np.median(sizes), tail / 1.96, float(most) / _WIDEST)
            out[f] = scale * (1 + _PRIOR_DATES / sizes.size) / (1 + _PRIOR_DATES / most_dates)
    return out


def _measure_chance(center: Matrix, counts: Matrix, metric: str) -> Matrix:
    """The variance that so few values have by chance, if nothing is wrong; 0 if unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric in ("spread", "residual_spread"):
            return np.asarray(0.5 / np.maximum(counts - 1, 1))
        if metric in ("mean", "residual_mean", "step_mean", "step_size", "leak", "extreme"):
            return np.zeros(center.shape)
        p = np.clip(center, 0.0, 1.0)
        return np.asarray((p * (1 - p) + 0.5 / np.maximum(counts, 1)) / np.maximum(counts, 1))


def take_deviation(values: Matrix) -> Matrix:
    """The spread of each column, robustly; 0 where there is nothing."""
    center = take_middle(values)
    return np.asarray(1.4826 * take_middle(np.abs(values - center)))


def take_middle(values: Matrix) -> Matrix:
    """The median of each column; 0 where there is nothing."""
    out = np.zeros(values.shape[1])
    for f in range(values.shape[1]):
        known = values[~np.isnan(values[:, f]), f]
        if known.size:
            out[f] = np.median(known)
    return out


def _take_most(z: Matrix) -> Matrix:
    """The largest distance of each date over the features; 0 where there is none."""
    return np.asarray(np.nan_to_num(np.abs(z), nan=0.0).max(axis=1, initial=0.0))


def _extrapolate(worst: Matrix, share: float, prior: float) -> tuple[float, float]:
    """The distance that a share of clean dates exceeds, and the largest seen."""
    n = len(worst)
    if not n:
        return np.inf, 0.0
    ordered = np.sort(worst)
    # A few dates may alarm: they do not widen the limit.
    kept = ordered[: n - max(min(1, n // 8), int(_ALLOWED * n))]
    tail = max(1, round(_TAIL * n))
    start = kept[-tail - 1] if tail < len(kept) else kept[0]
    excess = float(np.mean(kept[-tail:] - start))
    limit = start + excess * max(0.0, np.log(tail / n / share))
    prior *= 1 + _PRIOR_DATES / n
    return float(max(limit * _MARGIN, prior)), float(ordered[-1])
