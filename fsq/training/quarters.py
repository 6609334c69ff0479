"""Entities in quarters, from those with the lowest values of a measure to the highest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.records import Positions
from fsq.training.result import Matrix
from fsq.training.rows import SortedRows

_QUARTERS = 4
Codes = npt.NDArray[np.int64]


def split_entities(rows: SortedRows, keys: Sequence[str], measure: Matrix) -> pl.Series:
    """The quarter of each record's entity, as categories; NULL where none is known.

    Args:
        rows: the records.
        keys: the columns that name an entity; one without a key has no quarter.
        measure: of each record, NaN where unknown; an entity is ranked by its median.
    """
    entities = rows.number(keys)
    first, middle = _take_medians(entities, measure)
    ranked = _rank(rows, keys, entities, first, middle)
    quarters: npt.NDArray[np.uint8] = np.full(len(first), _QUARTERS, dtype=np.uint8)
    names: list[str | None] = [None] * (_QUARTERS + 1)
    starts = _find_starts(len(ranked))
    for quarter, (start, end) in enumerate(zip(starts, [*starts[1:], len(ranked)], strict=True)):
        quarters[ranked[start:end]] = quarter
        if start < end:
            names[quarter] = _name_quarter(quarter, middle[ranked[start]], middle[ranked[end - 1]])
    return pl.Series("group", names, pl.Categorical).gather(quarters[entities])


def _find_starts(entities: int) -> list[int]:
    """Where each quarter starts.

    >>> _find_starts(9)
    [0, 3, 5, 7]
    """
    return [-(-entities * quarter // _QUARTERS) for quarter in range(_QUARTERS)]


def _name_quarter(quarter: int, low: float, high: float) -> str:
    """The name of a quarter in a table.

    >>> _name_quarter(0, 1.26, 7.0)
    '1 of 4: 1.3 to 7.0'
    """
    bounds = pl.DataFrame({"low": [low], "high": [high]})
    text = pl.format(
        "{} of {}: {} to {}",
        pl.lit(quarter + 1),
        pl.lit(_QUARTERS),
        pl.col("low").round(1),
        pl.col("high").round(1),
    )
    return str(bounds.select(text).item())


def _take_medians(entities: Codes, measure: Matrix) -> tuple[Positions, Matrix]:
    """The first record of each entity, and its median; NaN where nothing is known.

    Only entities with several records are grouped: a large date has millions with one.
    """
    counts = np.bincount(entities)
    first: Positions = np.zeros(len(counts), dtype=np.uint32)
    middle = np.full(len(counts), np.nan)
    several = counts[entities] > 1
    single = np.flatnonzero(~several)
    first[entities[single]], middle[entities[single]] = single, measure[single]
    records = np.flatnonzero(several)
    grouped = (
        pl.DataFrame({"entity": entities[records], "first": records, "measure": measure[records]})
        .group_by("entity")
        .agg(pl.col("first").min(), pl.col("measure").fill_nan(None).median())
    )
    at = grouped["entity"].to_numpy()
    first[at], middle[at] = grouped["first"].to_numpy(), grouped["measure"].to_numpy()
    return first, middle


def _rank(
    rows: SortedRows, keys: Sequence[str], entities: Codes, first: Positions, middle: Matrix
) -> Codes:
    """The known entities by their medians, and by their keys where a quarter ends among equals."""
    known = ~np.isnan(middle)
    for key in keys:
        known &= rows.map(key, lambda values: values.is_not_null()).to_numpy()[first]
    ranked = np.flatnonzero(known)
    ranked = ranked[np.argsort(middle[ranked], kind="stable")]
    ordered = middle[ranked]
    ends = [at for at in _find_starts(len(ranked)) if 0 < at < len(ranked)]
    for value in {float(ordered[at]) for at in ends if ordered[at - 1] == ordered[at]}:
        equal = slice(np.searchsorted(ordered, value), np.searchsorted(ordered, value, "right"))
        ranked[equal] = entities[rows.sort(first[ranked[equal]], keys)]
    return ranked
