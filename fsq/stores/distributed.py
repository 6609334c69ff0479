"""Stores that many processes fill side by side, and that one makes visible at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import polars as pl

from fsq.stores import LedgerEntry, Store, WriteResult


@dataclass(frozen=True, slots=True)
class WriterCommitMessage:
    """What one task has written, invisible as yet.

    Attributes:
        name: of the file or stream; no other attempt at the task has the same.
        rows: how many it holds.
        size: bytes, as far as the store tells.
        facts: what the store needs to know of it to make it visible; JSON.
    """

    name: str
    rows: int
    size: int
    facts: dict[str, Any]


class DataWriter(Protocol):
    """Where tasks write: small, and sent to every process."""

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write the scored rows of a task's whole dates, to where nobody sees them."""
        ...


class BatchWrite(Protocol):
    """One run's way into a store: tasks write parts, and ``commit`` makes them visible."""

    def committed(self, run_id: str) -> bool:
        """Whether a run of this id has been committed."""
        ...

    def prepare(self, empty: pl.DataFrame) -> DataWriter:
        """Check that the store can take scored rows of these columns, and make a place for them."""
        ...

    def commit(
        self, parts: Sequence[WriterCommitMessage], ledger: Mapping[date, LedgerEntry], run_id: str
    ) -> WriteResult | None:
        """Put the parts in the place of all rows of the ledger's dates, at once or not at all.

        None if a run of this id has come first: then nothing was done.
        """
        ...

    def discard(self) -> None:
        """Remove what no commit has made visible, as far as possible."""
        ...


def open_batch_write(store: Store, since: int | None = None) -> BatchWrite:
    """A new way into a store.

    Args:
        store: the store.
        since: in place, the version that the rows are computed from, as for ``Store.replace``.
    """
    from fsq.stores.delta.store import DeltaStore

    if isinstance(store, DeltaStore):
        from fsq.stores.delta.distributed import DeltaBatchWrite

        return DeltaBatchWrite(store, since)
    from fsq.stores.bigquery.distributed import BigQueryBatchWrite
    from fsq.stores.bigquery.store import BigQueryStore

    assert isinstance(store, BigQueryStore)  # noqa: S101 - there is no other kind
    return BigQueryBatchWrite(store, since)
