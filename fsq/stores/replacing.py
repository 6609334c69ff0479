"""Writing groups of dates to a store that takes each commit as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl
import pyarrow as pa

from fsq.schema.arrow import Convert, to_arrow
from fsq.stores.base import LedgerEntry, Store, WriteResult, write_conflict


class ReplacingWrite:
    """Keeps what threads write in memory, and hands it to the store's ``replace``.

    Args:
        store: the store.
        convert: chooses the Arrow types.
        since: the version that the table must still have; None for any.
    """

    in_memory = True

    def __init__(self, store: Store, convert: Convert, since: int | None) -> None:
        self._store, self._convert, self._since = store, convert, since

    def write(self, scored: Iterable[pl.DataFrame]) -> pa.Table:
        """Convert the rows piece by piece, so that only one copy of them exists."""
        return pa.concat_tables(to_arrow(piece, convert=self._convert) for piece in scored)

    def commit(self, parts: Sequence[pa.Table], ledger: Mapping[date, LedgerEntry]) -> WriteResult:
        """Replace the dates.

        Raises:
            InputError: the store cannot hold the rows.
            StoreError: it cannot be written, or others have changed it.
        """
        result = self._store.replace(pa.concat_tables(parts), ledger, self._since)
        # A concurrent write may also have changed dates that are still to be written.
        if result.conflict:
            raise write_conflict(self._store.uri)
        if self._since is not None:
            self._since = result.version
        return result

    def abort(self) -> None:
        """Do nothing: nothing is written before it is committed."""
