"""Labels that do not follow the features as on other dates: joined to other records, shuffled."""

from __future__ import annotations

import numpy as np

from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import LabelData, LabelFault, Matrix

_LEAST = 0.4  # correlation of labels and prediction: below, the features say too little
_LOST = 0.4  # share of the usual correlation that is left
_SURE = 6.0  # standard errors, and robust standard deviations of the dates' correlations
_PER_FEATURE = 20  # records, so that the fit does not follow noise
_SPREAD = 0.6  # of the predictions, against what is usual
_FEWEST = 30  # labels of a date
_FEWEST_DATES = 4
_FITTED = 5_000  # records are enough for a fit


def find_unrelated_labels(data: LabelData) -> list[LabelFault]:
    """Report dates on which the features say little about the labels, but usually say much."""
    chosen = np.flatnonzero(data.has_label)
    codes, size = data.date_codes[chosen], len(data.dates)
    rows = np.bincount(codes, minlength=size)
    few_dates = (rows >= _FEWEST).sum() < _FEWEST_DATES
    if few_dates or len(chosen) < _PER_FEATURE * len(data.features):
        return []
    labels = _rank(data.labels[chosen])
    predicted = _rank(_predict(data, chosen, labels))
    correlation, spread = _correlate_by(codes, size, labels, predicted)
    judged = (rows >= _FEWEST) & ~np.isnan(correlation)
    # Where features are absent or all alike, as when a season starts, they say little of labels.
    judged &= spread >= _SPREAD * (np.median(spread[judged]) if judged.any() else 0.0)
    if judged.sum() < _FEWEST_DATES:
        return []
    usual = float(np.median(correlation[judged]))
    if usual < _LEAST:
        return []
    with np.errstate(invalid="ignore"):
        strength = np.arctanh(np.clip(correlation, -0.999, 0.999))
        lost = np.median(strength[judged]) - strength
        chance = 1 / np.sqrt(np.maximum(rows - 3, 1))
        # Dates differ by more than chance where their records share one weather, say.
        spread = 1.4826 * np.median(np.abs(lost[judged]))
        sure = lost >= _SURE * np.maximum(chance, spread)
        found = np.flatnonzero(judged & sure & (correlation <= _LOST * usual))
    if not len(found):
        return []
    records = data.on_dates(found)
    worst = float(correlation[found].min())
    return [
        LabelFault(
            "label_unrelated",
            "red",
            f"{data.label} of {format_dates(data.dates[i] for i in found)} does not follow the "
            "features as on other dates",
            f"What the features predict correlates {worst:.2f} with it, usually {usual:.2f}. The "
            "labels may belong to other records, or the features may.",
            f"join {data.label} again for these dates, and check the features",
            records,
            evidence={"correlation": worst, "usual_correlation": usual},
        )
    ]


def _rank(values: Matrix) -> Matrix:
    """Ranks scaled to -1 to 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle = ends - (counts + 1) / 2
    return np.asarray(2 * middle[inverse] / max(len(values) - 1, 1) - 1)


def _predict(data: LabelData, chosen: np.ndarray, labels: Matrix) -> Matrix:
    """A linear fit of the labels; an absent value counts as its feature's mean."""
    some, width = slice(None, None, max(len(labels) // _FITTED, 1)), len(data.features)
    # Copied, since a view of some records would keep the feature's values of all.
    every = range(width)
    sample = np.stack([_scale(data.values.get(f)[chosen])[some].copy() for f in every], axis=1)
    gram = sample.T @ sample + np.eye(width)
    weights = np.linalg.solve(gram, sample.T @ labels[some])
    out = np.zeros(len(chosen))
    for feature, weight in enumerate(weights):
        out += weight * _scale(data.values.get(feature)[chosen])
    return out


def _scale(values: Matrix) -> Matrix:
    """Values in standard deviations from their mean, which stands for absent ones."""
    known = ~np.isnan(values)
    count = max(int(known.sum()), 1)
    centred = np.where(known, values - np.where(known, values, 0.0).sum() / count, 0.0)
    scale = np.sqrt((centred**2).sum() / count)
    # A few huge values, which a broken job may write, must not decide the fit.
    return np.clip(centred / scale, -5, 5) if scale > 0 else np.zeros_like(centred)


def _correlate_by(codes: np.ndarray, size: int, x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    """Per code: Pearson's correlation, NaN where one side is constant, and the spread of y."""

    def total(values: Matrix) -> Matrix:
        return np.bincount(codes, values, minlength=size).astype(np.float64)

    n = np.maximum(np.bincount(codes, minlength=size), 1)
    covariance = total(x * y) / n - total(x) / n * (total(y) / n)
    variances = [total(v * v) / n - (total(v) / n) ** 2 for v in (x, y)]
    scale = np.sqrt(np.maximum(variances[0] * variances[1], 0.0))
    r = np.divide(covariance, scale, out=np.full(size, np.nan), where=scale > 1e-12)
    return r, np.sqrt(np.maximum(variances[1], 0.0))
