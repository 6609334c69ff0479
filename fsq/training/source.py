"""Scored rows as a frame or a store, and the few columns that a training set reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import polars as pl

from fsq.contract import Contract
from fsq.schema.nested import select_columns, selectable_names
from fsq.schema.tables import AnyRows, is_stored, read_rows
from fsq.stores import Store
from fsq.utils.forks import require_whole_process


@dataclass(frozen=True)
class Source:
    """Scored rows of some dates, not read yet.

    Args:
        rows: all of their columns.
        schema: of these rows.
        store: the store that holds them, if any; it can read single fields of the detail.
        start: first date; None for no bound.
        end: last date, included; None for no bound.
        every: the rows of a frame, whatever their date; None for a store.
    """

    rows: pl.LazyFrame
    schema: pl.Schema
    store: Store | None
    start: date | None
    end: date | None
    every: pl.LazyFrame | None = None

    @property
    def columns(self) -> set[str]:
        """Names that can be read, fields of the detail included."""
        return selectable_names(self.schema)

    def narrow(self, columns: Iterable[str]) -> pl.LazyFrame:
        """Read these columns only; a field of the detail becomes a list per record."""
        wanted = list(dict.fromkeys(columns))
        if self.store is not None:
            return self.store.read(self.start, self.end, wanted)
        return self.rows.select(select_columns(wanted))

    def read_parts(self, fields: Sequence[str]) -> pl.LazyFrame:
        """The rows, with these fields of the detail at least."""
        if self.store is None:
            return self.rows
        return self.store.read(self.start, self.end, fields=fields)

    def read_before(self, first: date, day: str, fields: Sequence[str]) -> pl.LazyFrame | None:
        """The same of the rows between ``first`` and ``start``, by the column ``day``."""
        if self.start is None or self.start == date.min:
            return None
        last = self.start - timedelta(days=1)
        if self.store is not None:
            return self.store.read(first, last, fields=fields)
        if self.every is None:
            return None
        return self.every.filter(pl.col(day).is_between(first, last))


def open_source(
    scored: AnyRows, contract: Contract, start: date | None, end: date | None, headline: str
) -> Source:
    """Open the rows from ``start`` to ``end``, whatever they come as.

    Raises:
        InputError: ``scored`` holds no rows.
        StoreError: the store does not exist.
    """
    require_whole_process()
    store: Store | None = None
    if is_stored(scored):
        store = cast("Store", scored)
        rows = store.read(start, end)
    else:
        rows = read_rows(scored, "scored", headline).lazy()
    schema = rows.collect_schema()
    day = contract.table.date
    every = None if store is not None else rows
    if store is None and day in schema:
        rows = rows if start is None else rows.filter(pl.col(day) >= start)
        rows = rows if end is None else rows.filter(pl.col(day) <= end)
    return Source(rows, schema, store, start, end, every)
