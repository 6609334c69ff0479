"""What each feature should be, given the other features of its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fsq.profile.basis import CLIP, Basis, make_basis
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.steps import quantile_of_calm

_RIDGE = 1e-3
_MIN_EXPLAINED = 0.25  # share of the variance on dates that were not learned from
_MIN_ROWS = 300
_MAX_ROWS = 25_000  # more are thinned: enough for the weights, and quick
_BLOCK = 1_024  # records whose columns are in memory at once
_USUALLY_THERE = 0.3  # a feature that fewer records lack
_NEARLY_ALL = 0.9  # share of a date's records
_LACKING = 0.2  # share of such features that a record may lack
_OUTLIER = 0.999  # quantile of the residuals of dates that were not learned from
_FOLDS = 5
_MATTERS = 0.3  # usual residuals that a feature moves another one by, when it moves by its scale


@dataclass(frozen=True)
class Regressions:
    """For each feature that the others explain, how they do.

    Attributes:
        basis: that turns records into columns.
        gram: products of the columns with each other, over the dates learned from.
        moment: products of the columns with the scaled values.
        weights: folds + 1 × columns × features; the last is of all dates. NaN where the others do
            not explain a feature.
        explained: share of each feature's variance.
        spread: usual size of each residual, scaled.
        outlier: the size that one residual in a thousand exceeds, scaled.
    """

    basis: Basis
    gram: Matrix
    moment: Matrix
    weights: Matrix
    explained: Matrix
    spread: Matrix
    outlier: Matrix
    _solved: dict[tuple[int, ...], Matrix] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def predict_residuals(self, values: Matrix, fold: Codes) -> Matrix:
        """Residuals of each record in usual sizes; NaN where a value or an explanation is absent.

        Args:
            values: records × features.
            fold: of each record, without which it is judged; -1 for none.
        """
        out = np.full(values.shape, np.nan)
        for k in np.unique(fold):
            out[fold == k] = self._subtract(values[fold == k], self.weights[k])
        return out

    def predict_without(
        self, values: Matrix, suspects: Sequence[Sequence[int]], wanted: Sequence[int]
    ) -> list[Matrix]:
        """The same, where suspects explain nothing, not even each other.

        Args:
            values: records × features.
            suspects: each time some features; the records are only expanded once.
            wanted: the features whose residuals are asked for.

        Returns:
            For each of the suspects, records × the features wanted.
        """
        of = list(wanted)
        unexplained = np.isnan(self.weights[-1][:, of]).all(axis=0)
        parts = [_solve(self.gram, self.moment, self.basis, s, of)[:, of] for s in suspects]
        weights = np.concatenate(parts, axis=1)
        weights[:, np.tile(unexplained, len(parts))] = np.nan
        return np.split(self._subtract(values, weights, of * len(parts)), len(parts), axis=1)

    def predict_value(self, values: Matrix, f: int, suspects: Sequence[int]) -> Matrix:
        """What a feature of each record should be, given all but the suspects; NaN if unknown."""
        if np.isnan(self.weights[-1][:, f]).all():
            return np.full(len(values), np.nan)
        key = (f, *suspects)
        if key not in self._solved:  # a fault that lasts has the same suspects on all its dates
            solved = _solve(self.gram, self.moment, self.basis, suspects, (f,))
            self._solved[key] = solved[:, [f]]
        residual = self._subtract(values, self._solved[key], [f])[:, 0]
        return np.asarray(values[:, f] - residual * self.spread[f] * self.basis.scale[f])

    def find_beyond(self, values: Matrix, lacking: Mask | None = None) -> Mask:
        """Records × features: where a feature is beyond what was learned.

        So is one that its whole date lacks, and which is usually there: a window that the first
        dates cannot fill.

        Args:
            values: records × features.
            lacking: ``find_lacking`` of the records; None for none.
        """
        beyond = self._find_unreached(values)
        if lacking is not None:
            beyond |= lacking & (self.basis.absent < _USUALLY_THERE)
        return beyond

    def find_extrapolated(
        self, beyond: Mask, suspects: Sequence[int] = (), wanted: Sequence[int] | None = None
    ) -> Mask:
        """Records × features: where a feature is beyond what was learned, or one that it hangs on.

        Args:
            beyond: ``find_beyond`` of the records.
            suspects: features that explain nothing.
            wanted: the features that are asked for; None for all.
        """
        of = list(range(beyond.shape[1]) if wanted is None else wanted)
        owner, weights = self.basis.owner, np.abs(np.nan_to_num(self.weights[-1]))
        pull = np.zeros((beyond.shape[1], beyond.shape[1]))
        np.add.at(pull, owner[1:], weights[1:])
        pull[list(suspects)] = 0.0
        np.fill_diagonal(pull, np.inf)
        matters = (pull > _MATTERS * self.spread)[:, of]
        some = np.flatnonzero(beyond.any(axis=1))
        out = np.zeros((len(beyond), len(of)), dtype=np.bool_)
        out[some] = beyond[some].astype(np.float32) @ matters.astype(np.float32) > 0
        return out

    def _find_unreached(self, values: Matrix) -> Mask:
        with np.errstate(invalid="ignore"):
            low, high = self.basis.reach
            return np.asarray((values < low) | (values > high))

    def _subtract(self, values: Matrix, weights: Matrix, of: Sequence[int] | None = None) -> Matrix:
        """Residuals under some weights, one column of them for each of these features, or all."""
        own = np.arange(values.shape[1]) if of is None else np.array(of, dtype=np.int64)
        scaled = (values[:, own] - self.basis.center[own]) / self.basis.scale[own]
        predicted = np.empty_like(scaled)
        for start in range(0, len(values), _BLOCK):
            part = slice(start, start + _BLOCK)
            predicted[part] = self.basis.expand(values[part]) @ weights
        residual = (scaled - predicted) / self.spread[own]
        # A record that lacks far more than usual says too little about the rest.
        lacking = np.isnan(values) & (self.basis.absent < _USUALLY_THERE)
        most = max(2.0, _LACKING * float((self.basis.absent < _USUALLY_THERE).sum()))
        residual[lacking.sum(axis=1) > most] = np.nan
        drifting = np.flatnonzero(self.basis.drifting[own] > 0)
        if drifting.size:
            beyond = self._find_unreached(values)[:, own[drifting]]
            residual[:, drifting] = np.where(beyond, np.nan, residual[:, drifting])
        return np.asarray(residual)


def find_lacking(rows: Rows) -> Mask:
    """Records × features: whether nearly all records of the date lack the feature."""
    absent = np.isnan(rows.values)
    most = _NEARLY_ALL * rows.count[:, None]
    return np.asarray((rows.sum_per_date(absent) > most)[rows.date_index])


def learn_regressions(rows: Rows, clean: Mask) -> Regressions | None:
    """Fit every feature on the hinges of the others, cross-validated by dates.

    None with fewer than a few hundred records.
    """
    used = np.flatnonzero(clean[rows.date_index])
    used = used[:: max(1, len(used) // _MAX_ROWS)]
    if len(used) < _MIN_ROWS:
        return None
    values = rows.values[used]
    basis = make_basis(values, rows.date_index[used])
    columns = np.ascontiguousarray(basis.expand(values))
    scaled = (values - basis.center) / basis.scale
    target = np.clip(np.nan_to_num(scaled), -CLIP, CLIP)
    fold = assign_folds(len(rows.dates))[rows.date_index[used]]
    grams, moments = [], []
    for k in range(_FOLDS):
        part = columns[fold == k]
        grams.append(part.T @ part)
        moments.append(part.T @ target[fold == k])
    gram, moment = np.sum(grams, axis=0), np.sum(moments, axis=0)
    weights = [_solve(gram - g, moment - m, basis) for g, m in zip(grams, moments, strict=True)]
    weights.append(_solve(gram, moment, basis))
    width = len(rows.names)
    fitted = Regressions(
        basis, gram, moment, np.stack(weights), np.ones(width), np.ones(width), np.ones(width)
    )
    return _keep_explained(fitted, fitted.predict_residuals(values, fold), scaled, rows, used)


def assign_folds(dates: int) -> Codes:
    """The fold of each date: runs of a few dates, in turn, since neighbouring dates are similar."""
    return (np.arange(dates) // 5) % _FOLDS


def _solve(
    gram: Matrix,
    moment: Matrix,
    basis: Basis,
    suspects: Sequence[int] = (),
    wanted: Sequence[int] | None = None,
) -> Matrix:
    """Weights per feature, of all or those wanted, without its own columns and the suspects'."""
    owner = basis.owner
    out = np.zeros(moment.shape)
    kept = np.flatnonzero(~np.isin(owner, suspects) & (np.diag(gram) > 0))
    left = gram[np.ix_(kept, kept)]
    left[np.diag_indices_from(left)] += _RIDGE * max(float(gram[0, 0]), 1.0)
    inverse = np.linalg.inv(left)
    whole = inverse @ moment[kept]
    # One inverse serves all features: leaving out columns of a system is a small system again.
    for f in range(moment.shape[1]) if wanted is None else wanted:
        own = np.flatnonzero(owner[kept] == f)
        weights = whole[:, f]
        if own.size:
            inner = inverse[np.ix_(own, own)]
            weights = weights - inverse[:, own] @ np.linalg.solve(inner, weights[own])
            weights[own] = 0.0
        out[kept, f] = weights
    return out


def _keep_explained(
    fitted: Regressions, residual: Matrix, scaled: Matrix, rows: Rows, used: Codes
) -> Regressions:
    """Keep the features that are explained; measure how far residuals go."""
    width = residual.shape[1]
    explained, spread, outlier = np.zeros(width), np.ones(width), np.full(width, np.inf)
    weights = fitted.weights.copy()
    for f in range(width):
        known = residual[~np.isnan(residual[:, f]), f]
        whole = scaled[~np.isnan(scaled[:, f]), f]
        if known.size >= _MIN_ROWS and np.ptp(known) > 0:
            low, high = np.quantile(known, [0.01, 0.99])
            left = float(np.mean(np.clip(known, low, high) ** 2))
            explained[f] = 1 - left / max(float(np.var(whole)), 1e-12)
        if explained[f] < _MIN_EXPLAINED:
            weights[:, :, f] = np.nan
            continue
        spread[f] = max(float(np.mean(np.abs(np.clip(known, low, high)))), 1e-9)
        sizes = np.full(len(rows.date_index), np.nan)
        sizes[used] = np.abs(residual[:, f])
        outlier[f] = max(quantile_of_calm(sizes, rows, ~np.isnan(sizes), _OUTLIER), 1e-6)
    return replace(
        fitted, weights=weights, explained=explained, spread=spread, outlier=outlier / spread
    )
