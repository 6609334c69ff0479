"""A Delta table that many processes fill: their files become visible in one transaction."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import RemoveAction

from fsq.errors import InputError, StoreError
from fsq.schema.arrow import arrow_schema, plain_type
from fsq.stores.attempts import ATTEMPTS, wait_before_retry
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult, write_conflict
from fsq.stores.delta.files import DeltaDataWriter, make_add_action
from fsq.stores.delta.ledger import make_commit_metadata
from fsq.stores.delta.location import locate
from fsq.stores.delta.store import DeltaStore
from fsq.stores.delta.write import delta_write_errors
from fsq.stores.origin import Origin


class DeltaBatchWrite:
    """A write to a Delta table; see ``fsq.stores.BatchWrite`` for the methods.

    Files of replaced dates may hold other dates too: those rows go into new files, and the
    transaction that adds the new files removes the old ones. It also records the run's id, so a
    run is never committed twice.
    """

    def __init__(self, store: DeltaStore, since: int | None) -> None:
        self._store = store
        self._since = since
        self._writer: DeltaDataWriter | None = None

    def committed(self, run_id: str) -> bool:
        """Whether the table's log has a run with this id."""
        if self._store.version() is None:
            return False
        return self._store.load_table().transaction_version(_application_id(run_id)) is not None

    def create_writer(self, empty: pl.DataFrame) -> DeltaDataWriter:
        """Create the table, or add the columns that it lacks.

        Raises:
            InputError: the table has features that this writer does not support.
            StoreError: it cannot be written, or its columns have other types.
        """
        schema = arrow_schema(empty.schema)
        with delta_write_errors(self._store.uri):
            self._store.create(schema)
            table = self._store.load_table()
            _require_plain_table(table, self._store.uri)
            self._require_unchanged(table)
            if set(schema.names) - {f.name for f in table.schema().fields}:
                write_deltalake(table, schema.empty_table(), mode="append", schema_mode="merge")
                if self._since is not None:
                    self._since += 1
                    self._require_unchanged(table)
            types = pa.schema(table.schema().to_arrow())
            types = pa.schema([pa.field(f.name, plain_type(f.type)) for f in types])
            prefix = f"fsq-{secrets.token_hex(6)}"
            self._writer = DeltaDataWriter(
                self._store.uri, prefix, types, self._store.contract.table
            )
        return self._writer

    def commit(
        self,
        messages: Sequence[WriterCommitMessage],
        ledger: Mapping[date, LedgerEntry],
        run_id: str,
    ) -> WriteResult | None:
        """Add the files, replace those that hold the same dates, and record the run's id.

        Raises:
            StoreError: a file is missing or incomplete, other writers kept committing first, or
                in place the table has changed.
        """
        writer = self._writer
        assert writer is not None, "create_writer comes first"  # noqa: S101
        days = sorted(ledger)
        _require_files(writer, messages)
        application = _application_id(run_id)
        origin = Origin(self._store.contract, self._store.source)
        for attempt in range(ATTEMPTS):
            table = self._store.load_table()
            if table.transaction_version(application) is not None:
                return None
            self._require_unchanged(table)
            properties = CommitProperties(
                custom_metadata=make_commit_metadata(days, ledger, origin),
                max_commit_retries=0,  # a concurrent commit may add files of these dates
                app_transactions=[Transaction(application, 1)],
            )
            try:
                with delta_write_errors(self._store.uri):
                    removed, rewritten = _rewrite_files(table, writer, days)
                    added = [make_add_action(m) for m in (*messages, *rewritten)]
                    table.create_write_transaction(
                        [*added, *removed],
                        "append",
                        table.schema(),
                        commit_properties=properties,
                    )
            except CommitFailedError:
                wait_before_retry(attempt)
                continue
            writer.delete_files(keep=[m.name for m in (*messages, *rewritten)])
            return WriteResult(sum(m.rows for m in messages), len(days), table.version() + 1)
        raise StoreError(
            f"{self._store.uri}: other writers committed first {ATTEMPTS} times; run it again"
        )

    def abort(self) -> None:
        """Delete the run's files."""
        if self._writer is not None:
            self._writer.delete_files()

    def _require_unchanged(self, table: DeltaTable) -> None:
        if self._since is not None and table.version() != self._since:
            raise write_conflict(self._store.uri)


def _application_id(run_id: str) -> str:
    return f"fsq-{run_id}"


def _require_files(writer: DeltaDataWriter, messages: Sequence[WriterCommitMessage]) -> None:
    if not messages:
        return
    found = locate(writer.folder).open_files().get_file_info([m.name for m in messages])
    for message, file in zip(messages, found, strict=True):
        if file.size != message.size:
            cure = "the executors and the driver must share the store's folder"
            raise StoreError(f"{writer.folder}/{message.name} is not as written; {cure}")


def _rewrite_files(
    table: DeltaTable, writer: DeltaDataWriter, days: Sequence[date]
) -> tuple[list[RemoveAction], list[WriterCommitMessage]]:
    """The files to remove, those with rows of these dates, and new files with their other rows."""
    removed, rewritten = [], []
    for file in _find_files(table, writer.table.date, days):
        matching, total = writer.count_rows(file["path"], days)
        if matching == 0:
            continue
        if matching < total:
            rewritten.append(writer.copy_other_dates(file["path"], days))
        now = int(time.time() * 1000)
        removed.append(RemoveAction(file["path"], True, now, file["size_bytes"], {}))
    return removed, rewritten


def _find_files(
    table: DeltaTable, date_column: str, days: Sequence[date]
) -> Iterator[dict[str, Any]]:
    """The table's files whose range of dates includes one of these, or is unknown."""
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    if not days or files.is_empty():
        return
    lowest, highest = f"min.{date_column}", f"max.{date_column}"
    for column in (lowest, highest):
        if column not in files.columns:
            files = files.with_columns(pl.lit(None, pl.Date).alias(column))
    dates = pl.Series(days).sort()
    first = dates.search_sorted(files[lowest].fill_null(dates[0]), side="left")
    last = dates.search_sorted(files[highest].fill_null(dates[-1]), side="right")
    yield from files.filter(first < last).iter_rows(named=True)


def _require_plain_table(table: DeltaTable, uri: str) -> None:
    protocol, metadata = table.protocol(), table.metadata()
    problems = []
    if metadata.partition_columns:
        problems.append(f"{uri} is partitioned by {metadata.partition_columns}")
    if protocol.min_reader_version > 1 or protocol.min_writer_version > 2:
        problems.append(f"{uri} uses features beyond plain Delta: {protocol}")
    if any("delta.invariants" in json.dumps(f.metadata) for f in table.schema().fields):
        problems.append(f"{uri} has invariants")
    if problems:
        cure = "write to another folder, or run it without Spark"
        raise InputError([f"{p}; {cure}" for p in problems], "Spark cannot fill the store")
