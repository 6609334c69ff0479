"""What a value should have been, by its group, its past or the record's other features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from fsq.profile.groups import measure_tolerance, take_middles
from fsq.profile.rows import Mask, Matrix, Rows
from fsq.profile.sides import expect_from_side
from fsq.profile.structure import Structure
from fsq.profile.twins import expect_twin

_STEPS = 3.0  # usual steps from which a value contradicts the one before
_SIZES = 3.0  # usual residuals from which a value contradicts the other features
_LEAST = 0.2  # of a feature's spread: a rough estimate contradicts nothing nearer


def expect_values(
    rows: Rows,
    before: Matrix,
    structure: Structure,
    f: int,
    suspects: Sequence[int],
    wanted: Mask,
) -> tuple[Matrix, pl.Series]:
    """What a feature's values should have been, by the first that contradicts each.

    Args:
        rows: of one date.
        before: the value of each record's previous record; NaN without one.
        structure: what normally holds.
        f: position of the feature.
        suspects: features that are at fault, which explain nothing.
        wanted: the records that are asked for.

    Returns:
        Per record the value, NaN where it is not asked for or nothing contradicts it, and who says
        so, in words.
    """
    values = rows.values[:, f]
    expected = np.full(len(values), np.nan)
    by = np.full(len(values), None, dtype=np.object_)
    left = wanted & ~np.isnan(values)
    sources = _list_sources(rows, before, structure, f, suspects)
    while left.any() and (source := next(sources, None)) is not None:
        told, off, word = source
        with np.errstate(invalid="ignore"):
            new = left & (np.abs(values - told) > off)
        expected[new], by[new] = told[new], word
        left &= ~new
    return expected, pl.Series(by.tolist(), dtype=pl.String)


def _list_sources(
    rows: Rows, before: Matrix, structure: Structure, f: int, suspects: Sequence[int]
) -> Iterator[tuple[Matrix, Matrix, str]]:
    """What each source expects of the records, how far a value may lie from it, and its name."""
    for twin in structure.twins:
        if twin.feature == f:
            told = expect_twin(rows, twin)
            yield told, measure_tolerance(told), twin.column
    for grouping in structure.groupings:
        if f in grouping.features and set(grouping.scope) <= rows.codes.keys():
            told = take_middles(rows.values[:, f], rows.code_group(grouping.scope))
            names = " and ".join([*grouping.columns, "date"])
            yield told, measure_tolerance(told), f"others of the same {names}"
    for mirror in structure.mirrors:
        if mirror.feature == f and mirror.other not in {*suspects} - {f}:
            told = expect_from_side(rows, mirror)
            word = f"{rows.names[mirror.other]} of the other {mirror.side}"
            yield told, measure_tolerance(told), word
    carriers, learned = structure.carriers, structure.regressions
    least = 0.0 if learned is None else _LEAST * learned.basis.scale[f]
    if np.isfinite(carriers.leaps[f]):
        carrier = carriers.names[f]
        word = f"the previous record of its {carrier}" if carrier else "its previous record"
        size = max(_STEPS * carriers.scales[f], least)
        yield before, np.full(len(before), size), word
    if learned is not None:
        told = learned.predict_value(rows.values, f, [s for s in suspects if s != f])
        size = max(_SIZES * learned.spread[f] * learned.basis.scale[f], least)
        yield told, np.full(len(told), size), "its other features"
