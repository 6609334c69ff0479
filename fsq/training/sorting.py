"""Puts records in order by their columns, a large number of them range by range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.records import Records

Order = npt.NDArray[np.uint32]
_AT_ONCE = 2_000_000  # records whose columns are in memory while they are sorted
_SAMPLE = 10_000  # values that tell where the ranges lie
_MOST_RANGES = 50


def sort_records(records: Records, by: Sequence[str], positions: Order | None = None) -> Order:
    """The positions of records in order of some columns, as Polars sorts them: NULL comes first.

    Args:
        records: to sort.
        by: the columns; records that are equal in all of them may come in any order.
        positions: of the records to sort; None for all.

    >>> rows = Records.of(pl.DataFrame({"day": [2, 1, 1], "player": ["a", "c", "b"]}))
    >>> sort_records(rows, ["day", "player"]).tolist()
    [2, 1, 0]
    """
    # A column of one value, as the date often is, would only make the sort larger.
    telling = [c for c in by if _varies(records, c)]
    every = np.arange(records.height, dtype=np.uint32) if positions is None else positions
    return _sort(records, telling, every)


def _varies(records: Records, name: str) -> bool:
    seen: pl.Series | None = None
    for piece in records.iterate([name]):
        values = piece.to_series()
        seen = (values if seen is None else pl.concat([seen, values])).unique()
        if len(seen) > 1:
            return True
    return False


def _sort(records: Records, by: Sequence[str], positions: Order) -> Order:
    if not by or len(positions) < 2:
        return positions
    few = len(positions) <= _AT_ONCE
    splitters = None if few else _choose_splitters(records, by[0], positions)
    if splitters is None or splitters.is_empty():
        frame = records.take(positions, by)
        order: Order = frame.select(pl.arg_sort_by(by)).to_series().to_numpy()
        return positions[order]
    places = _find_places(records, by[0], splitters)[positions]
    parts = []
    for place in range(2 * len(splitters) + 1):
        # Those that equal a splitter differ in the other columns only.
        rest = by[1:] if place % 2 else by
        parts.append(_sort(records, rest, positions[places == place]))
    return np.concatenate(parts)


def _choose_splitters(records: Records, name: str, positions: Order) -> pl.Series:
    """Values of a column that cut the records into ranges of about the same size."""
    wanted = min(len(positions) // _AT_ONCE + 1, _MOST_RANGES)
    some = np.linspace(0, len(positions) - 1, min(_SAMPLE, len(positions))).astype(np.int64)
    sample = records.take(positions[some], [name]).to_series().drop_nulls().sort()
    cuts = np.linspace(0, len(sample), wanted + 2)[1:-1].astype(np.int64)
    return sample.gather(cuts).unique().sort()


def _find_places(records: Records, name: str, splitters: pl.Series) -> npt.NDArray[np.uint8]:
    """The range of each value: twice the splitters below it, and one more if it equals one."""

    def find(values: pl.Series) -> pl.Series:
        found = np.zeros(len(values), dtype=np.uint8)
        for at in range(len(splitters)):
            splitter = splitters.slice(at, 1)
            for beyond in (values >= splitter, values > splitter):
                found += beyond.fill_null(False).to_numpy()
        return pl.Series(found)

    return records.map(name, find).to_numpy()
