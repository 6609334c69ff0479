"""A query's rows, batch by batch, all of them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fsq.errors import StoreError


def read_batches(rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """The rows in batches of about so many, in order; they are counted again at the end.

    Polars' batches just end when their reader panics, over a file that was cut meanwhile, say.

    Raises:
        StoreError: there were more or fewer rows than there are in the end.

    >>> [batch.height for batch in read_batches(pl.LazyFrame({"pace_score": [1.0, 2.0]}), 8_000)]
    [2]
    """
    seen = 0
    for batch in rows.collect_batches(chunk_size=size, maintain_order=True):
        seen += batch.height
        yield batch
    if rows.select(pl.len()).collect().item() != seen:
        raise StoreError("the rows changed while they were read; run it again")
