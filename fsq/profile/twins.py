"""Which features equal a carried column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.profile.groups import measure_tolerance
from fsq.profile.rows import Mask, Matrix, Rows, read_number

_MIN_HOLDS = 0.995
_MIN_ROWS = 100


@dataclass(frozen=True, slots=True)
class Twin:
    """A feature that equals a carried column.

    Attributes:
        column: its name.
        feature: position of the feature.
    """

    column: str
    feature: int


def learn_twins(rows: Rows, clean: Mask) -> tuple[Twin, ...]:
    """Find carried numbers and flags that a feature equals in clean history."""
    used = clean[rows.date_index]
    out = []
    for name in rows.carried.columns:
        column = _read(rows, name)
        if column is None:
            continue
        for f in range(len(rows.names)):
            known = used & ~np.isnan(column) & ~np.isnan(rows.values[:, f])
            if known.sum() < _MIN_ROWS or not np.ptp(column[known]):
                continue
            if _equal(rows.values[known, f], column[known]).mean() >= _MIN_HOLDS:
                out.append(Twin(name, f))
    return tuple(out)


def find_untwinned(rows: Rows, twin: Twin) -> tuple[Mask, Mask]:
    """Records whose feature differs from the column, and records that can be judged."""
    column = expect_twin(rows, twin)
    values = rows.values[:, twin.feature]
    known = ~np.isnan(column) & ~np.isnan(values)
    return known & ~_equal(values, column), known


def expect_twin(rows: Rows, twin: Twin) -> Matrix:
    """What each record's feature should be; NaN where the column does not say."""
    column = _read(rows, twin.column) if twin.column in rows.carried.columns else None
    return np.full(len(rows.date_index), np.nan) if column is None else column


def _equal(values: Matrix, column: Matrix) -> Mask:
    return np.asarray(np.abs(values - column) <= measure_tolerance(column))


def _read(rows: Rows, name: str) -> Matrix | None:
    column = rows.carried[name]
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return None
    return read_number(column)
