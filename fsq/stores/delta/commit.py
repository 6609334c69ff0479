"""Commits of finished files: those of whole dates in, those that held the same dates out."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import RemoveAction

from fsq.errors import StoreError
from fsq.schema.arrow import arrow_schema
from fsq.stores.attempts import ATTEMPTS, wait_before_retry
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult, write_conflict
from fsq.stores.delta.files import DeltaDataWriter, make_add_action
from fsq.stores.delta.ledger import make_commit_metadata, read_history
from fsq.stores.delta.location import locate
from fsq.stores.delta.store import DeltaStore
from fsq.stores.delta.write import delta_write_errors
from fsq.stores.objects.uri import is_object_uri
from fsq.stores.origin import Origin

# Of a commit's metadata: what tells it from those of other writers.
_COMMIT = "fsq_commit"


def prepare_table(store: DeltaStore, empty: pl.DataFrame, since: int | None) -> int | None:
    """Create the table, or add the columns that it lacks.

    Args:
        store: the table.
        empty: no rows, with the columns to write.
        since: the version that the table must still have; None for any.

    Returns:
        The version that it must have from now on; None for any.

    Raises:
        StoreError: it cannot be written, or has another version.
    """
    schema = arrow_schema(empty.schema)
    for attempt in range(ATTEMPTS):
        try:
            with delta_write_errors(store.uri):
                added = _add_columns(store, schema, since)
        except CommitFailedError as error:  # another writer was first, maybe with the same columns
            if since is not None:
                raise write_conflict(store.uri) from error
            wait_before_retry(attempt)
            continue
        if since is None or not added:
            return since
        require_unchanged(store, store.load_table(), since + 1)
        return since + 1
    raise _lost_races(store)


def _add_columns(store: DeltaStore, schema: pa.Schema, since: int | None) -> bool:
    """Create the table, or add the columns that it lacks; whether it lacked some."""
    store.create(schema)
    table = store.load_table()
    require_unchanged(store, table, since)
    if set(schema.names) <= {f.name for f in table.schema().fields}:
        return False
    write_deltalake(table, schema.empty_table(), mode="append", schema_mode="merge")
    return True


def _lost_races(store: DeltaStore) -> StoreError:
    return StoreError(f"{store.uri}: other writers committed first {ATTEMPTS} times; run it again")


def require_unchanged(store: DeltaStore, table: DeltaTable, since: int | None) -> None:
    """Refuse a table with another version than the rows were computed from.

    Raises:
        StoreError: it has one.
    """
    if since is not None and table.version() != since:
        raise write_conflict(store.uri)


def list_obstacles(table: DeltaTable, uri: str) -> list[str]:
    """Why finished files cannot be added to a table: what only delta-rs's own writer does."""
    protocol, metadata = table.protocol(), table.metadata()
    fields = table.schema().fields
    problems = []
    if metadata.partition_columns:
        problems.append(f"{uri} is partitioned by {metadata.partition_columns}")
    if protocol.min_reader_version > 1 or protocol.min_writer_version > 2:
        problems.append(f"{uri} uses features beyond plain Delta: {protocol}")
    if any("delta.invariants" in json.dumps(f.metadata) for f in fields):
        problems.append(f"{uri} has invariants")
    return problems


def commit_files(
    store: DeltaStore,
    writer: DeltaDataWriter,
    messages: Sequence[WriterCommitMessage],
    ledger: Mapping[date, LedgerEntry],
    since: int | None,
    application: str | None = None,
) -> WriteResult | None:
    """Add files and replace those that hold the same dates, all at once or not at all.

    Files of replaced dates may hold other dates too: those rows go into new files, and the
    transaction that adds the new files removes the old ones. A commit whose answer was lost looks
    as if it had failed, or as if another writer had been first; the log tells them apart.

    Args:
        store: the table.
        writer: of the files.
        messages: the files.
        ledger: the dates, with the entry of each.
        since: the version that the table must still have; None for any.
        application: name of a transaction that is committed once only; None for none.

    Returns:
        None if the transaction was committed before: then nothing is done.

    Raises:
        StoreError: a file is missing or incomplete, other writers kept committing first, or the
            table has another version than ``since``.
    """
    days, origin = sorted(ledger), Origin(store.contract, store.source)
    _require_files(writer, messages)
    token, rows = secrets.token_hex(8), sum(m.rows for m in messages)
    for attempt in range(ATTEMPTS):
        table = store.load_table()
        if application is not None and table.transaction_version(application) is not None:
            return None
        require_unchanged(store, table, since)
        rewritten: list[WriterCommitMessage] = []
        try:
            with delta_write_errors(store.uri):
                removed = _rewrite_files(table, writer, days, rewritten)
        except BaseException:
            writer.delete(rewritten)
            raise
        try:
            with delta_write_errors(store.uri):
                table.create_write_transaction(
                    [*map(make_add_action, (*messages, *rewritten)), *removed],
                    "append",
                    table.schema(),
                    commit_properties=CommitProperties(
                        # Not blind: others must see that rows of these dates were replaced.
                        custom_metadata={
                            **make_commit_metadata(days, ledger, origin),
                            "isBlindAppend": False,
                            _COMMIT: token,
                        },
                        max_commit_retries=0,  # a concurrent commit may add files of these dates
                        app_transactions=[Transaction(application, 1)] if application else None,
                    ),
                )
        except (CommitFailedError, StoreError) as error:
            version = _find_commit(store, token, table.version())
            if version is not None:
                return WriteResult(rows, len(days), version)
            if isinstance(error, StoreError):
                if not is_object_uri(store.path):  # there, it may arrive yet
                    writer.delete(rewritten)
                raise
            writer.delete(rewritten)
            wait_before_retry(attempt)
            continue
        return WriteResult(rows, len(days), table.version() + 1)
    raise _lost_races(store)


def _find_commit(store: DeltaStore, token: str, since: int) -> int | None:
    """The version that a commit made after another version; None if it is not there.

    Raises:
        StoreError: the log cannot be read, so nobody knows.
    """
    table = store.load_table()
    newer = table.version() - since
    found = (c for c in read_history(table, newer) if c.get(_COMMIT) == token) if newer else ()
    return next((int(c["version"]) for c in found), None)


def delete_uncommitted(store: DeltaStore, writer: DeltaDataWriter, keep: Iterable[str]) -> None:
    """Delete a run's files, but none that the table names.

    Args:
        store: the table.
        writer: of the files.
        keep: names of files that were committed, whatever the table says.

    Raises:
        StoreError: the table cannot be read; nothing was deleted, since nobody knows what it names.
    """
    named: list[str] = []
    if store.version() is not None:
        files = pl.DataFrame(store.load_table().get_add_actions(flatten=True))
        named = [] if files.is_empty() else files["path"].to_list()
    writer.delete_files(keep={*named, *keep})


def _require_files(writer: DeltaDataWriter, messages: Sequence[WriterCommitMessage]) -> None:
    if not messages:
        return
    found = locate(writer.folder).open_files().get_file_info([m.name for m in messages])
    for message, file in zip(messages, found, strict=True):
        if file.size != message.size:
            cure = "the executors and the driver must share the store's folder"
            raise StoreError(f"{writer.folder}/{message.name} is not as written; {cure}")


def _rewrite_files(
    table: DeltaTable,
    writer: DeltaDataWriter,
    days: Sequence[date],
    rewritten: list[WriterCommitMessage],
) -> list[RemoveAction]:
    """The files to remove, those with rows of these dates; new ones with their other rows."""
    removed = []
    for file in _find_files(table, writer.table.date, days):
        matching, total = writer.count_rows(file["path"], days)
        if matching == 0:
            continue
        if matching < total:
            rewritten.append(writer.copy_other_dates(file["path"], days))
        now = int(time.time() * 1000)
        removed.append(RemoveAction(file["path"], True, now, file["size_bytes"], {}))
    return removed


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
