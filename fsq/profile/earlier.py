"""A feature's values on the dates before each date, without a look at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fsq.profile.rows import Codes, Mask, Matrix


@dataclass(frozen=True)
class Earlier:
    """The known values of a feature in order, and when they were seen.

    Attributes:
        values: in order.
        day: position of the date of each.
        before: how many values the dates before each date have.
    """

    values: Matrix
    day: Codes
    before: Codes
    _on_grid: dict[float, Codes] = field(default_factory=dict, init=False, repr=False)

    def take_quantiles(self, at: int, shares: Sequence[float]) -> Matrix:
        """Quantiles of the values of the dates before one that has some before it, interpolated.

        >>> earlier = order_values(np.array([10.0, 20.0, 30.0]), np.array([0, 0, 1]), 2)
        >>> earlier.take_quantiles(1, [0.5]).tolist()
        [15.0]
        """
        values = self.values[self.day < at]
        place = np.array(shares) * (len(values) - 1)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, len(values) - 1)
        return _interpolate(values[low], values[high], place - low)

    def measure_on_grid(self, at: int, grid: float) -> float:
        """The share of the values of earlier dates that are multiples of a number."""
        if grid not in self._on_grid:
            days = self.day[lies_on(self.values, grid)]
            counts = np.bincount(days, minlength=len(self.before))
            self._on_grid[grid] = np.cumsum(counts) - counts
        return float(self._on_grid[grid][at] / self.before[at])


def order_values(values: Matrix, day: Codes, dates: int) -> Earlier:
    """Put the known values of a feature in order.

    Args:
        values: one per record; NaN where there is none.
        day: the position of each record's date.
        dates: how many there are.
    """
    known = ~np.isnan(values)
    values, day = values[known], day[known]
    order = np.argsort(values, kind="stable")
    counts = np.bincount(day, minlength=dates)
    return Earlier(values[order], day[order], np.cumsum(counts) - counts)


def lies_on(values: Matrix, grid: float) -> Mask:
    """Which values are multiples of a number."""
    return np.asarray(np.abs(values / grid - np.round(values / grid)) < 1e-9)


def _interpolate(low: Matrix, high: Matrix, share: Matrix) -> Matrix:
    """A point between two numbers, as ``np.quantile`` computes it."""
    rise = high - low
    return np.where(share >= 0.5, high - rise * (1 - share), low + rise * share)
