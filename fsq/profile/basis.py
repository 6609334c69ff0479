"""Hinges of each feature, by which records become the columns of a regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsq.profile.rows import Codes, Matrix

_KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)
CLIP = 8.0  # scaled values beyond it would pull the weights
_MIN_DRIFT_DATES = 10
_DRIFT = 0.8  # rank correlation of the dates' means with time
_DRIFTED = 0.5  # of the spread within a date


@dataclass(frozen=True)
class Basis:
    """Hinges of each feature: how a record becomes the columns of a regression.

    Attributes:
        center: of each feature.
        scale: of each feature; 1 where it does not vary.
        knots: features × knots, in units of the scale; NaN where a feature has fewer.
        absent: share of the records that lack each feature.
        reach: 2 × features, the least and the largest value; beyond them nothing was learned.
        drifting: 1 for features that rise or fall from date to date, such as counts of a season.
    """

    center: Matrix
    scale: Matrix
    knots: Matrix
    absent: Matrix
    reach: Matrix
    drifting: Matrix

    @property
    def owner(self) -> Codes:
        """The feature of each column; -1 for the intercept."""
        width, knots = self.knots.shape
        return np.asarray(np.r_[-1, np.repeat(np.arange(width), knots + 2)])

    def expand(self, values: Matrix) -> Matrix:
        """Columns: 1, then per feature its value, whether it is absent, and its hinges."""
        # A column is one piece of memory while it is computed, which takes half the time.
        scaled = np.ascontiguousarray(((np.clip(values, *self.reach) - self.center) / self.scale).T)
        absent = np.isnan(scaled)
        scaled[absent] = 0.0
        np.clip(scaled, -CLIP, CLIP, out=scaled)
        width, n = scaled.shape
        knots = self.knots.shape[1]
        out = np.empty((1 + width * (knots + 2), n))
        out[0] = 1.0
        block = out[1:].reshape(width, knots + 2, n)
        block[:, 0] = scaled
        block[:, 1] = absent
        # No value reaches a knot that is not there, and one that is absent reaches none.
        scaled[absent] = -np.inf
        bounds = np.where(np.isnan(self.knots), np.inf, self.knots)
        np.subtract(scaled[:, None], bounds[:, :, None], out=block[:, 2:])
        np.maximum(block[:, 2:], 0.0, out=block[:, 2:])
        return out.T


def make_basis(values: Matrix, date_index: Codes) -> Basis:
    """Learn the hinges of features from records, of which those of a date have one index."""
    width = values.shape[1]
    reach, drifting = np.vstack([np.full(width, -np.inf), np.full(width, np.inf)]), np.zeros(width)
    center, scale = np.zeros(width), np.ones(width)
    knots = np.full((width, len(_KNOTS)), np.nan)
    for f in range(width):
        known = values[~np.isnan(values[:, f]), f]
        if known.size < 2:
            continue
        low, middle, high = np.quantile(known, [0.01, 0.5, 0.99])
        center[f] = middle
        spread = float(np.std(np.clip(known, low, high)))
        scale[f] = spread if spread > 0 else 1.0
        found = np.unique((np.quantile(known, _KNOTS) - middle) / scale[f])
        knots[f, : len(found)] = found
        reach[:, f] = known.min(), known.max()
        drifting[f] = _drifts(known, date_index[~np.isnan(values[:, f])])
    return Basis(center, scale, knots, np.isnan(values).mean(axis=0), reach, drifting)


def _drifts(values: Matrix, date_index: Codes) -> bool:
    """Whether the means of the dates rise, or fall, from the first to the last."""
    dates, place, count = np.unique(date_index, return_inverse=True, return_counts=True)
    if len(dates) < _MIN_DRIFT_DATES:
        return False
    means = np.bincount(place, weights=values) / count
    rank = np.argsort(np.argsort(means))
    order = np.corrcoef(rank, np.arange(len(dates)))[0, 1]
    off = values - means[place]
    within = np.std(np.clip(off, *np.quantile(off, [0.01, 0.99])))
    fifth = max(1, len(dates) // 5)
    moved = abs(means[-fifth:].mean() - means[:fifth].mean())
    return bool(abs(order) >= _DRIFT and moved > within * _DRIFTED)
