"""Statistics of a file's columns, by which readers of a Delta table skip files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from fsq.contract.table import Table

# A longer text says little more of where its rows lie, and the log keeps it for each file.
_MAX_LETTERS = 64


class FileStatistics:
    """Collects the statistics of a file while its rows are written, piece by piece.

    The least and the greatest value of keys, dates and flat numbers are kept. Where a number is
    NaN or infinite there are none, since JSON has no such values and engines order NaN differently.

    Args:
        table: which columns are keys.

    >>> from fsq.contract import load_contract
    >>> statistics = FileStatistics(load_contract().table)
    >>> for points in ([10.0, None], [float("nan")]):
    ...     names = ["james", "curry"][: len(points)]
    ...     statistics.add(pl.DataFrame({"player_lookup": names, "points": points}))
    >>> statistics.to_dict()["minValues"], statistics.to_dict()["nullCount"]
    ({'player_lookup': 'curry'}, {'player_lookup': 0, 'points': 1})
    """

    def __init__(self, table: Table) -> None:
        self._key = table.key
        self._pieces: list[pl.DataFrame] = []
        self.rows = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Take the rows of one piece into account."""
        names = self.choose_columns(rows.schema)
        self.rows += rows.height
        if not rows.height:
            return
        one = [
            pl.struct(
                pl.col(c).min().alias("min"),
                pl.col(c).max().alias("max"),
                pl.col(c).null_count().alias("nulls"),
                _is_bounded(c, rows.schema[c]).alias("bounded"),
            ).alias(c)
            for c in names
        ]
        self._pieces.append(rows.select(one))

    def choose_columns(self, types: Mapping[str, pl.DataType]) -> list[str]:
        """The columns that have statistics: keys, dates and flat numbers."""
        return [
            c
            for c, t in types.items()
            if t.is_integer()
            or t.is_float()
            or isinstance(t, pl.Date)
            or (c in self._key and isinstance(t, pl.String))
        ]

    def to_dict(self) -> dict[str, Any]:
        """The statistics in the form of Delta's log."""
        out: dict[str, Any] = {"numRecords": self.rows}
        lowest: dict[str, Any] = {}
        highest: dict[str, Any] = {}
        nulls: dict[str, int] = {}
        every = pl.concat(self._pieces, how="diagonal") if self._pieces else pl.DataFrame()
        for column in every:
            pieces = column.struct.unnest()
            nulls[column.name] = int(pieces["nulls"].sum())
            if not pieces["bounded"].all():
                continue
            ends = pieces["min"].min(), pieces["max"].max()
            for values, value in zip((lowest, highest), ends, strict=True):
                if value is not None and not _is_long(value):
                    values[column.name] = value.isoformat() if isinstance(value, date) else value
        return out | {"minValues": lowest, "maxValues": highest, "nullCount": nulls}


def _is_bounded(column: str, dtype: pl.DataType) -> pl.Expr:
    """Whether the least and the greatest value can be stated."""
    if dtype.is_float():
        return pl.col(column).is_finite().all()
    return pl.lit(value=True)


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > _MAX_LETTERS
