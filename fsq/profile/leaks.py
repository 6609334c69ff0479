"""How far features move towards the label of the same record, which they cannot know yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fsq.profile.rows import Matrix, Rows, read_number

_MIN_ROWS = 20
_NO_REST = 1e-6  # share of the steps' squares that a slope leaves at least


def measure_leaks(
    rows: Rows, label: str | None, step: Matrix, wanted: Sequence[int] | None = None
) -> tuple[Matrix, Matrix]:
    """The slope of each feature's steps on the label, and how precise it is.

    Args:
        rows: of any dates.
        label: the carried column that features predict; None if none is known.
        step: records × features, each value less the one before it.
        wanted: the features that are asked for; None for all.

    Returns:
        Two matrices, dates × features: the slopes, NaN where there are too few records; and one
        over the square of their standard errors, 0 where there is none.
    """
    shape = (len(rows.dates), len(rows.names))
    slopes, precisions = np.full(shape, np.nan), np.zeros(shape)
    if label is None or label not in rows.carried.columns:
        return slopes, precisions
    of = list(range(shape[1]) if wanted is None else wanted)
    slopes[:, of], precisions[:, of] = _measure_slopes(
        rows, read_number(rows.carried[label]), rows.values[:, of], step[:, of]
    )
    return slopes, precisions


def _measure_slopes(rows: Rows, values: Matrix, own: Matrix, step: Matrix) -> tuple[Matrix, Matrix]:
    """The same of some features, by their values and steps; ``values`` are those of the label."""
    known = ~np.isnan(step) & ~np.isnan(values)[:, None]
    total = rows.sum_per_date(known)

    def add_sums(amounts: Matrix) -> tuple[Matrix, Matrix]:
        each = np.where(known, amounts, 0.0)
        return each, rows.sum_per_date(each)

    def covary(x: tuple[Matrix, Matrix], y: tuple[Matrix, Matrix]) -> Matrix:
        return rows.sum_per_date(x[0] * y[0]) - x[1] * y[1] / total

    ahead, before, steps = map(add_sums, (values[:, None], own - step, step))
    with np.errstate(invalid="ignore", divide="ignore"):
        # The slope on the label beside that on the previous value, which goes with both.
        ll, bb, lb = covary(ahead, ahead), covary(before, before), covary(ahead, before)
        ls, bs, ss = covary(ahead, steps), covary(before, steps), covary(steps, steps)
        squares = ll * bb - lb**2
        slope = (ls * bb - bs * lb) / squares
        left = ss - slope * ls - (bs * ll - ls * lb) / squares * bs
        precision = squares / bb * (total - 3) / np.maximum(left, _NO_REST * ss)
    slope[(total < _MIN_ROWS) | ~(squares > 0)] = np.nan
    # What never moves has no slope to speak of.
    precision[~np.isfinite(precision)] = 0.0
    return slope, precision
