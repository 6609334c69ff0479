"""Reading a large date from the middle of a file, so that little is read ahead.

Polars decodes the next row groups while it waits for whoever takes the rows: of row groups of
200,000 rows it holds gigabytes. A slice decodes what it needs, and starts without reading what lies
before it; not so of text files, nor of rows that a filter has thinned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date

import polars as pl

WINDOW_ROWS = 120_000
MANY_ROWS = 400_000  # a query of fewer is not split
_DENSE = 0.5  # share of the rows between the first and the last wanted one


def can_read_windows(rows: pl.LazyFrame) -> bool:
    """Whether slices of these rows are read without those before them.

    >>> can_read_windows(pl.LazyFrame({"points": [30]}))
    False
    """
    plan = rows.explain()
    scans = set(re.findall(r"(\w+) SCAN", plan))
    return (
        bool(scans)
        and scans <= {"Parquet", "Ipc"}
        and "SELECTION" not in plan
        and "FILTER" not in plan
    )


def split_rows(rows: pl.LazyFrame) -> list[pl.LazyFrame]:
    """The rows as windows, if they can be read so and are many; else as they are."""
    height = rows.select(pl.len()).collect().item() if can_read_windows(rows) else 0
    starts = range(0, height, WINDOW_ROWS) if height > MANY_ROWS else []
    return [rows.slice(start, WINDOW_ROWS) for start in starts] or [rows]


def find_extent(rows: pl.LazyFrame, column: str, days: Collection[date]) -> range | None:
    """Where the rows of some dates lie; None if others lie between them, and many.

    Args:
        rows: all of them.
        column: of dates.
        days: the dates.
    """
    chosen = rows.select(column).with_row_index("row").filter(pl.col(column).is_in(list(days)))
    found = chosen.select(first=pl.col("row").min(), last=pl.col("row").max(), count=pl.len())
    first, last, count = found.collect(engine="streaming").row(0)
    if not count or count < _DENSE * (last - first + 1):
        return None
    return range(first, last + 1)


def read_windows(
    rows: pl.LazyFrame, column: str, days: Collection[date], extent: range
) -> Iterator[pl.DataFrame]:
    """The rows of some dates within an extent, in order, a few at a time."""
    for start in range(extent.start, extent.stop, WINDOW_ROWS):
        window = rows.slice(start, min(WINDOW_ROWS, extent.stop - start))
        found = window.filter(pl.col(column).is_in(list(days))).collect()
        if found.height:
            yield found
