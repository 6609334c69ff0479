"""Writes to a Delta table by many processes or threads: files, made visible by commits."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date

import polars as pl

from fsq.errors import InputError, StoreError
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult, table_disappeared
from fsq.stores.delta.commit import (
    commit_files,
    delete_uncommitted,
    list_obstacles,
    prepare_table,
)
from fsq.stores.delta.files import DeltaDataWriter
from fsq.stores.delta.protocol import is_append_only, list_rules
from fsq.stores.delta.store import DeltaStore
from fsq.stores.objects.uri import is_object_uri
from fsq.stores.read_errors import store_read_errors
from fsq.stores.validation import validate_written


class DeltaGroupWrite:
    """A write by several threads; see ``fsq.stores.GroupWrite`` for the methods.

    Args:
        store: the table, one that ``takes_files`` allows.
        empty: no rows, with the columns to write.
        since: the version that the table must still have; None for any.

    Raises:
        StoreError: the table cannot be written, or others have changed it.
    """

    in_memory = False

    def __init__(self, store: DeltaStore, empty: pl.DataFrame, since: int | None) -> None:
        self._store = store
        self._since = prepare_table(store, empty, since)
        self._writer = make_writer(store)
        self._committed: list[str] = []

    def write(self, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write a file, which no reader sees before it is committed.

        Raises:
            StoreError: the folder cannot be written.
        """
        return self._writer.write(0, scored)

    def commit(
        self, parts: Sequence[WriterCommitMessage], ledger: Mapping[date, LedgerEntry]
    ) -> WriteResult:
        """Add the files, and replace those that hold the same dates.

        Raises:
            InputError: a key is NULL or duplicated.
            StoreError: other writers kept committing first, or in place the table has changed.
        """
        with store_read_errors(self._store.uri):
            validate_written(self._writer.scan(parts), self._store.contract.table)
        result = commit_files(self._store, self._writer, parts, ledger, self._since)
        assert result is not None, "only a named transaction is committed before"  # noqa: S101
        self._committed += [part.name for part in parts]
        if self._since is not None:
            self._since = result.version
        return result

    def abort(self) -> None:
        """Delete the files that are not committed.

        Raises:
            StoreError: the table disappeared, which is then what went wrong.
        """
        with suppress(StoreError, OSError):  # what went wrong before is what people must see
            delete_uncommitted(self._store, self._writer, self._committed)
        if self._store.version() is None:
            raise table_disappeared(self._store.uri)


def takes_files(store: DeltaStore, empty: pl.DataFrame) -> bool:
    """Whether finished files with these columns can be added to a table, or to a new one.

    delta-rs's own writer does what this needs not: it splits partitions, checks rules, generates
    columns, writes the feed of changes, merges structs of other fields, and knows object stores.
    """
    if is_object_uri(store.path):
        return False
    if store.version() is None:
        return True
    table = store.load_table()
    if list_obstacles(table, store.uri) or list_rules(table) or is_append_only(table):
        return False
    types, paths = pl.Schema(table.schema()), pl.DataFrame(table.get_add_actions(flatten=True))
    known = all(types.get(c, dtype) == dtype for c, dtype in empty.schema.items())
    # Escaped names, and files of other folders, which a shallow copy has.
    plain = paths.is_empty() or not paths["path"].str.contains(r"[%:]").any()
    return known and plain


def make_writer(store: DeltaStore) -> DeltaDataWriter:
    """A writer of files with a table's columns, whose names no other run uses."""
    types = pl.Schema(store.load_table().schema())
    prefix = f"fsq-{secrets.token_hex(6)}"
    return DeltaDataWriter(store.path, prefix, dict(types), store.contract.table)


class DeltaBatchWrite:
    """A write to a Delta table; see ``fsq.stores.BatchWrite`` for the methods.

    The transaction records the run's id, so that a run is never committed twice.
    """

    def __init__(self, store: DeltaStore, since: int | None) -> None:
        self._store = store
        self._since = since
        self._writer: DeltaDataWriter | None = None
        self._unclear = False  # whether a commit was tried, and nobody knows yet what came of it

    def committed(self, run_id: str) -> bool:
        """Whether the table's log has a run with this id."""
        if self._store.version() is None:
            return False
        return self._store.load_table().transaction_version(_application_id(run_id)) is not None

    def create_writer(self, empty: pl.DataFrame) -> DeltaDataWriter:
        """Create the table, or add the columns that it lacks.

        Raises:
            InputError: the table has features that this writer does not support.
            StoreError: it cannot be written, or others have changed it.
        """
        if self._store.version() is not None:
            problems = list_obstacles(self._store.load_table(), self._store.uri)
            if problems:
                cure = "write to another folder, or run it without Spark"
                raise InputError([f"{p}; {cure}" for p in problems], "Spark cannot fill the store")
        self._since = prepare_table(self._store, empty, self._since)
        self._writer = make_writer(self._store)
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
        application, self._unclear = _application_id(run_id), True
        result = commit_files(self._store, writer, messages, ledger, self._since, application)
        self._unclear = False
        if result is not None:
            with suppress(StoreError, OSError):  # strays of repeated tasks harm nobody
                delete_uncommitted(self._store, writer, [m.name for m in messages])
        return result

    def abort(self) -> None:
        """Delete the run's files, unless the table names them.

        After a commit that failed in a bucket, they are left: it may arrive there yet.
        """
        if self._writer is None or (self._unclear and is_object_uri(self._store.path)):
            return
        with suppress(StoreError, OSError):
            delete_uncommitted(self._store, self._writer, ())


def _application_id(run_id: str) -> str:
    return f"fsq-{run_id}"
