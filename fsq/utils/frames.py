"""Lazy frames: filtering by date, reading in batches, and scanning a custom source."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.io.plugins import register_io_source

from fsq.errors import StoreError
from fsq.utils.arguments import DateLike
from fsq.utils.dates import read_date_range


def filter_dates(
    rows: pl.LazyFrame, column: str, start: DateLike | None, end: DateLike | None
) -> pl.LazyFrame:
    """Keep the rows whose date lies between start and end, both included.

    None leaves that side open. With a bound, rows without a date are dropped.

    >>> from datetime import date
    >>> rows = pl.LazyFrame({"day": [date(2026, 2, 5), date(2026, 2, 6), None]})
    >>> filter_dates(rows, "day", "2026-02-06", None).collect()["day"].to_list()
    [datetime.date(2026, 2, 6)]
    """
    first, last = read_date_range(start, end, "no rows can be read")
    if first is not None:
        rows = rows.filter(pl.col(column) >= first)
    return rows if last is None else rows.filter(pl.col(column) <= last)


def count_duplicates(rows: pl.LazyFrame) -> int:
    """How many rows would have to go so that all differ.

    Only their hashes are kept in memory. Rows with the same hash are then compared themselves.

    >>> count_duplicates(pl.LazyFrame({"player": ["james", "curry", "james"]}))
    1
    """
    if all_differ(rows):
        return 0
    counts = rows.group_by(pl.all()).len().select(pl.col("len").sum() - pl.len())
    return int(counts.collect(engine="streaming").item())


def all_differ(rows: pl.LazyFrame) -> bool:
    """Whether the rows' hashes all differ, and so the rows: many times cheaper than grouping.

    >>> all_differ(pl.LazyFrame({"player": ["james", "curry"]}))
    True
    """
    hashed = rows.select(pl.struct(pl.all()).hash().alias("hash"))
    hashes = hashed.collect(engine="streaming").to_series().to_numpy(writable=True)
    hashes.sort()  # NumPy sorts numbers several times faster than Polars
    return not (hashes[1:] == hashes[:-1]).any()


def take_rows(frame: pl.DataFrame, positions: npt.NDArray[np.integer]) -> pl.DataFrame:
    """The rows at some positions, in their order; nothing is copied where they follow each other.

    >>> take_rows(pl.DataFrame({"points": [30, 41, 27]}), np.array([1, 2]))["points"].to_list()
    [41, 27]
    """
    if len(positions) and (np.diff(positions) == 1).all():
        return frame.slice(int(positions[0]), len(positions))
    return frame[positions.astype(np.uint32)]


def read_batches(
    rows: pl.LazyFrame, size: int, expected: int | None = None
) -> Iterator[pl.DataFrame]:
    """Read a query in batches of about ``size`` rows, in order, and count the rows again.

    Polars' batches simply end when their reader panics, over a file that was truncated, say.

    Args:
        rows: the query.
        size: of a batch.
        expected: how many rows there are, if somebody has counted them.

    Raises:
        StoreError: the second count differs.

    >>> [batch.height for batch in read_batches(pl.LazyFrame({"pace_score": [1.0, 2.0]}), 8_000)]
    [2]
    """
    seen = 0
    for batch in rows.collect_batches(chunk_size=size, maintain_order=True):
        seen += batch.height
        yield batch
    if expected is None:
        expected = rows.select(pl.len()).collect().item()
    if expected != seen:
        raise StoreError("the rows changed while they were read; run it again")


def read_parts(
    rows: pl.LazyFrame, size: int, expected: int | None = None
) -> Iterator[pl.DataFrame]:
    """The same in parts of at least ``size`` rows, but for the last; there is one, maybe empty.

    >>> [part.height for part in read_parts(pl.LazyFrame({"pace_score": [1.0, 2.0]}), 8_000)]
    [2]
    """
    empty = pl.DataFrame(schema=rows.collect_schema())
    waiting: list[pl.DataFrame] = []
    parts = 0
    for batch in read_batches(rows, size, expected):
        waiting.append(batch)
        if sum(b.height for b in waiting) >= size:
            yield pl.concat(waiting)
            parts, waiting = parts + 1, []
    if waiting or not parts:
        yield pl.concat([empty, *waiting])


def scan_batches(
    read: Callable[[set[str], pl.Expr | None], Iterator[pl.DataFrame]],
    schema: pl.Schema,
    *,
    validate_schema: bool = False,
) -> pl.LazyFrame:
    """Scan a custom source lazily; columns, filters and ``head`` are pushed down.

    Args:
        read: yields batches, given the predicate, and the columns that it or the result needs. A
            batch may hold more columns, and rows that the predicate rejects: both are removed here.
        schema: of all columns.
        validate_schema: check each batch against the schema.

    >>> def read(needed, predicate):
    ...     yield pl.DataFrame({"player": ["james", "curry"], "points": [30, 41]})
    >>> rows = scan_batches(read, pl.Schema({"player": pl.String, "points": pl.Int64}))
    >>> rows.filter(pl.col("points") > 40).select("player").collect().item()
    'curry'
    """

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        selected = list(schema) if columns is None else columns
        needed = {*selected, *(() if predicate is None else predicate.meta.root_names())}
        left = n_rows
        for batch in read(needed, predicate):
            rows = batch if predicate is None else batch.filter(predicate)
            rows = rows.select(selected)
            if left is not None:
                rows = rows.head(left)
                left -= rows.height
            yield rows
            if left == 0:
                return

    return register_io_source(source, schema=schema, validate_schema=validate_schema, is_pure=False)
