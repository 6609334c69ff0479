"""A Delta table that many processes fill: their files become visible in one transaction."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import RemoveAction

from fsq.errors import InputError, StoreError
from fsq.schema.arrow import arrow_schema, plain_type
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult, write_conflict
from fsq.stores.delta.files import DeltaDataWriter, added
from fsq.stores.delta.store import ATTEMPTS, DeltaStore, pause, to_remember


class DeltaBatchWrite:
    """One run's way into a Delta table; see ``fsq.stores.BatchWrite`` for the methods.

    Files of replaced dates may hold other dates too: those rows are written anew, and old files
    are removed in the transaction that adds the new ones. The run's id stands in the same
    transaction, so that a run is never committed twice.
    """

    def __init__(self, store: DeltaStore, since: int | None) -> None:
        self._store = store
        self._since = since
        self._place: DeltaDataWriter | None = None

    def committed(self, run_id: str) -> bool:
        """Whether a run of this id is in the table's log."""
        if self._store.version() is None:
            return False
        return self._store.table().transaction_version(_application(run_id)) is not None

    def create_writer(self, empty: pl.DataFrame) -> DeltaDataWriter:
        """Make the table, or add to it the columns that it lacks.

        Raises:
            InputError: the table has features for which its files cannot be written from here.
            StoreError: it cannot be written, or its columns have other types.
        """
        schema = arrow_schema(empty.schema)
        with _told(self._store.uri):
            self._store.create(schema)
            table = self._store.table()
            _supported(table, self._store.uri)
            self._unchanged(table)
            if set(schema.names) - {f.name for f in table.schema().fields}:
                write_deltalake(table, schema.empty_table(), mode="append", schema_mode="merge")
                if self._since is not None:
                    self._since += 1
                    self._unchanged(table)
            types = pa.schema(table.schema().to_arrow())
            types = pa.schema([pa.field(f.name, plain_type(f.type)) for f in types])
            self._place = DeltaDataWriter(self._store.uri, f"fsq-{secrets.token_hex(6)}", types)
        return self._place

    def commit(
        self,
        messages: Sequence[WriterCommitMessage],
        ledger: Mapping[date, LedgerEntry],
        run_id: str,
    ) -> WriteResult | None:
        """One transaction: the parts, the rest of the files they touch, and the run's id.

        Raises:
            StoreError: a file is not there as its task told, others kept winning, or in place
                the table has been changed.
        """
        place = self._ready()
        days = sorted(ledger)
        for part in messages:
            path = Path(place.folder) / part.name
            if not path.is_file() or path.stat().st_size != part.size:
                cure = "the store's folder must be one that all executors and the driver share"
                raise StoreError(f"{path} is not here as an executor has written it; {cure}")
        application = _application(run_id)
        for attempt in range(ATTEMPTS):
            table = self._store.table()
            if table.transaction_version(application) is not None:
                return None
            self._unchanged(table)
            properties = CommitProperties(
                custom_metadata=to_remember(days, ledger),
                max_commit_retries=0,  # another's commit may have files of these dates: look again
                app_transactions=[Transaction(application, 1)],
            )
            try:
                with _told(self._store.uri):
                    old, rest = _replaced(table, place, days)
                    table.create_write_transaction(
                        [*map(added, messages), *map(added, rest), *old],
                        "append",
                        table.schema(),
                        commit_properties=properties,
                    )
            except CommitFailedError:
                pause(attempt)
                continue
            place.discard(but=[p.name for p in (*messages, *rest)])
            return WriteResult(sum(p.rows for p in messages), len(days), table.version() + 1)
        raise StoreError(f"{self._store.uri}: other writers won {ATTEMPTS} times; run it again")

    def abort(self) -> None:
        """Remove the run's files."""
        if self._place is not None:
            self._place.discard()

    def _ready(self) -> DeltaDataWriter:
        assert self._place is not None, "create_writer comes first"  # noqa: S101
        return self._place

    def _unchanged(self, table: DeltaTable) -> None:
        if self._since is not None and table.version() != self._since:
            raise write_conflict(self._store.uri)


def _application(run_id: str) -> str:
    return f"fsq-{run_id}"


def _replaced(
    table: DeltaTable, place: DeltaDataWriter, days: Sequence[date]
) -> tuple[list[RemoveAction], list[WriterCommitMessage]]:
    """The files that hold rows of these dates, and what is left of them in new files."""
    old, rest = [], []
    for file in _candidates(table, days):
        of_these, rows = place.count(file["path"], days)
        if of_these == 0:
            continue
        if of_these < rows:
            rest.append(place.rest(file["path"], days))
        now = int(time.time() * 1000)
        old.append(RemoveAction(file["path"], True, now, file["size_bytes"], {}))
    return old, rest


def _candidates(table: DeltaTable, days: Sequence[date]) -> Iterator[dict[str, Any]]:
    """The table's files whose range of dates has one of these, or is unknown."""
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    if not days or files.is_empty():
        return
    for column in ("min.game_date", "max.game_date"):
        if column not in files.columns:
            files = files.with_columns(pl.lit(None, pl.Date).alias(column))
    wanted = pl.Series(days).sort()
    first = wanted.search_sorted(files["min.game_date"].fill_null(wanted[0]), side="left")
    last = wanted.search_sorted(files["max.game_date"].fill_null(wanted[-1]), side="right")
    yield from files.filter(first < last).iter_rows(named=True)


def _supported(table: DeltaTable, uri: str) -> None:
    protocol, metadata = table.protocol(), table.metadata()
    problems = []
    if metadata.partition_columns:
        problems.append(f"{uri} is partitioned by {metadata.partition_columns}")
    if protocol.min_reader_version > 1 or protocol.min_writer_version > 2:
        problems.append(f"{uri} has features beyond plain Delta: {protocol}")
    if any("delta.invariants" in json.dumps(f.metadata) for f in table.schema().fields):
        problems.append(f"{uri} has invariants")
    if problems:
        cure = "write to another folder, or run it without Spark"
        raise InputError([f"{p}; {cure}" for p in problems], "the store cannot be filled by Spark")


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Faults of the library as one clear error; a lost race stays what it is."""
    try:
        yield
    except CommitFailedError:
        raise
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{uri} cannot be written: {error}") from error
    except Exception as error:
        # delta-rs reports faults of its query engine as bare Exception.
        if type(error) is not Exception:
            raise
        raise StoreError(f"{uri} cannot be written: {error}") from error
