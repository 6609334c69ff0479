"""A BigQuery table that many processes fill: a PENDING stream each, one commit, one MERGE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import add
from typing import Any

import polars as pl
import pyarrow as pa
from google.cloud.bigquery import SchemaField

from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult
from fsq.stores.bigquery import ledger as ledgers
from fsq.stores.bigquery import runs
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.merge import Mode
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.store import (
    BigQueryStore,
    choose_mode,
    drop_staging,
    fill_null_arrays,
    find_stamps,
    get_version,
    select_columns_to_send,
)
from fsq.stores.bigquery.stream import Retry, split_requests
from fsq.stores.bigquery.validate import require_quality_columns, validate_rows
from fsq.stores.bigquery.verify import RowCounts
from fsq.stores.bigquery.write import commit_streams, write_stream


@dataclass(frozen=True)
class BigQueryDataWriter:
    """A run's staging table, of which every task fills one stream.

    Args:
        staging: the table.
        columns: its columns.
        fields: of the target.
        mode: what the merge will do.
        retry: how patiently to send.
    """

    staging: TableName
    columns: Sequence[str]
    fields: Sequence[SchemaField]
    mode: Mode
    retry: Retry

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Fill one stream and finalize it; nobody sees its rows before the commit.

        Raises:
            InputError: the rows do not fit the table, or the server names bad ones.
            StoreError: the server refused or did not recover.
        """
        tables = [to_arrow(fill_null_arrays(frame)) for frame in scored]
        rows = pa.concat_tables(tables).select(self.columns)
        validate_rows(
            rows, self.fields, self.staging.dotted, inserts=self.mode is not Mode.IN_PLACE
        )
        pieces = [p for b in rows.to_batches() for p in split_requests(b)]
        with open_clients(self.staging.project, self.staging.location) as clients:
            name = write_stream(
                clients.writer.transport, self.staging.path, pieces, self.retry
            ).name
        count = RowCounts.of(rows)
        facts = {
            "elements": count.elements,
            "stamps": {d.isoformat(): s.isoformat() for d, s in find_stamps(rows).items()},
        }
        return WriterCommitMessage(
            name, rows.num_rows, sum(pa.ipc.get_record_batch_size(p) for p in pieces), facts
        )


class BigQueryBatchWrite:
    """One run's way into a BigQuery table; see ``fsq.stores.BatchWrite`` for the methods.

    A run's id is kept once its rows are there. A driver that is killed just before that merges
    the same rows once more when it is started again, which changes nothing but their stamp.
    """

    def __init__(self, store: BigQueryStore, since: int | None) -> None:
        self._store = store
        self._since = since
        self._retry = store.retry or Retry()
        self._place: BigQueryDataWriter | None = None

    def committed(self, run_id: str) -> bool:
        """Whether a run of this id is among those that are remembered."""
        with self._store.connect() as clients:
            return runs.is_recorded(clients.tables, self._store.name, run_id)

    def create_writer(self, empty: pl.DataFrame) -> BigQueryDataWriter:
        """Make the table, if there is none, and the run's staging table.

        Raises:
            InputError: the rows do not fit the table's schema.
            StoreError: the service refused.
        """
        table = to_arrow(fill_null_arrays(empty))
        require_quality_columns(table)
        with self._store.connect() as clients:
            target = self._store.target(clients, table.schema)
            mode = choose_mode(target, self._since)
            columns = select_columns_to_send(table.schema, target, mode)
            inserts = mode is not Mode.IN_PLACE
            validate_rows(table.select(columns), target.schema, self._store.uri, inserts=inserts)
            staging = self._store.staged(clients, target, columns)
            self._place = BigQueryDataWriter(staging, columns, target.schema, mode, self._retry)
        return self._place

    def commit(
        self,
        messages: Sequence[WriterCommitMessage],
        ledger: Mapping[date, LedgerEntry],
        run_id: str,
    ) -> WriteResult | None:
        """Commit every stream at once, read back, merge, read back, remember.

        Raises:
            StoreError: the service refused or did not recover; the rows are there as a whole
                or not at all.
        """
        place = self._place
        assert place is not None, "create_writer comes first"  # noqa: S101
        days = sorted(ledger)
        with self._store.connect() as clients:
            if runs.is_recorded(clients.tables, self._store.name, run_id):
                return None
            commit_streams(
                clients.writer.transport,
                place.staging.path,
                [p.name for p in messages],
                self._retry,
            )
            wanted = reduce(add, map(_count, messages))
            self._store.merge(clients, place.staging, wanted, place.columns, days, place.mode)
            stamps = reduce(lambda a, b: a | b, map(_stamps, messages))
            ledgers.write_ledger(clients.tables, self._store.name, stamps, ledger)
            runs.record_run(clients.tables, self._store.name, run_id)
            drop_staging(clients, place.staging)
            version = get_version(clients.tables.get_table(self._store.name.dotted))
            return WriteResult(wanted.rows, len(days), version)

    def abort(self) -> None:
        """Drop the staging table, and with it every stream."""
        if self._place is not None:
            try:
                with self._store.connect() as clients:
                    drop_staging(clients, self._place.staging)
            except StoreError:
                pass  # it expires by itself; the fault that led here is what matters


def _stamps(part: WriterCommitMessage) -> dict[date, datetime]:
    told: dict[str, str] = part.facts["stamps"]
    return {date.fromisoformat(d): datetime.fromisoformat(s) for d, s in told.items()}


def _count(part: WriterCommitMessage) -> RowCounts:
    elements: dict[str, Any] = part.facts["elements"]
    return RowCounts(part.rows, elements, frozenset(_stamps(part).values()))
