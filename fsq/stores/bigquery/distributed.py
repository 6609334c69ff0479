"""A BigQuery table that many processes fill: a PENDING stream each, one commit, one MERGE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import add, or_
from typing import Any

import polars as pl
import pyarrow as pa
from google.cloud.bigquery import SchemaField

from fsq.contract import Contract
from fsq.errors import StoreError
from fsq.stores.base import LedgerEntry, WriterCommitMessage, WriteResult
from fsq.stores.bigquery import ledger as ledgers
from fsq.stores.bigquery import runs
from fsq.stores.bigquery.carried import to_service_arrow, widen_decimals
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.merge import Mode, choose_mode, make_merge, select_columns_to_send
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import require_lasting_partitions
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.staging import create_staging, drop_staging, merge_staging
from fsq.stores.bigquery.store import BigQueryStore
from fsq.stores.bigquery.stream import split_requests
from fsq.stores.bigquery.table import get_version
from fsq.stores.bigquery.validate import require_quality_columns, validate_rows
from fsq.stores.bigquery.verify import RowCounts
from fsq.stores.bigquery.write import (
    commit_streams,
    fill_null_arrays,
    fill_stream,
    finalize_streams,
    find_stamps,
)
from fsq.stores.origin import Origin


@dataclass(frozen=True)
class BigQueryDataWriter:
    """Writes into a run's staging table; each task fills one stream.

    Args:
        staging: the table.
        columns: its columns.
        fields: of the target.
        mode: what the merge will do.
        contract: of the rows.
        retry: how to retry.
    """

    staging: TableName
    columns: Sequence[str]
    fields: Sequence[SchemaField]
    mode: Mode
    contract: Contract
    retry: Retry

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Fill one stream; its rows stay invisible until the driver finalizes and commits it.

        Raises:
            InputError: the rows do not fit the table, or the server rejects some of them.
            StoreError: the server refused or did not recover.
        """
        tables = [to_service_arrow(fill_null_arrays(frame)) for frame in scored]
        rows = widen_decimals(pa.concat_tables(tables).select(self.columns), self.fields)
        output, day = self.contract.output, self.contract.table.date
        validate_rows(rows, self.fields, self.staging.dotted, output, inserts=self.mode.inserts)
        batches = [r for b in rows.to_batches() for r in split_requests(b)]
        with open_clients(
            self.staging.project, self.staging.location, self.staging.options
        ) as clients:
            transport = clients.writer.transport
            name = fill_stream(transport, self.staging.path, batches, self.retry).name
        facts = {
            "elements": RowCounts.of(rows).elements,
            "stamps": {d.isoformat(): s.isoformat() for d, s in find_stamps(rows, day).items()},
        }
        size = sum(pa.ipc.get_record_batch_size(b) for b in batches)
        return WriterCommitMessage(name, rows.num_rows, size, facts)


class BigQueryBatchWrite:
    """A write to a BigQuery table; see ``fsq.stores.BatchWrite`` for the methods.

    A run's id is recorded once its rows are merged. If the driver is killed just before that,
    the next start merges the same rows again, which changes nothing but their time stamp.
    """

    def __init__(self, store: BigQueryStore, since: int | None) -> None:
        self._store = store
        self._since = since
        self._retry = store.retry or Retry()
        self._writer: BigQueryDataWriter | None = None

    def committed(self, run_id: str) -> bool:
        """Whether a run with this id is recorded."""
        with self._store.connect() as clients:
            return runs.is_recorded(clients.tables, self._store.name, run_id)

    def create_writer(self, empty: pl.DataFrame) -> BigQueryDataWriter:
        """Create the table, if there is none, and the run's staging table.

        Raises:
            InputError: the rows do not fit the table's schema.
            StoreError: the service refused.
        """
        table = to_service_arrow(fill_null_arrays(empty))
        contract = self._store.contract
        require_quality_columns(table, contract.output)
        with self._store.connect() as clients:
            target = self._store.get_or_create(clients, table.schema)
            mode = choose_mode(target, self._since)
            columns = select_columns_to_send(table.schema, target, mode, contract)
            sent = widen_decimals(table.select(columns), target.schema)
            validate_rows(
                sent, target.schema, self._store.uri, contract.output, inserts=mode.inserts
            )
            staging = create_staging(clients, self._store.name, target, columns)
            self._writer = BigQueryDataWriter(
                staging, columns, target.schema, mode, contract, self._retry
            )
        return self._writer

    def commit(
        self,
        messages: Sequence[WriterCommitMessage],
        ledger: Mapping[date, LedgerEntry],
        run_id: str,
    ) -> WriteResult | None:
        """Commit all streams at once, verify, merge, verify, and record ledger and run.

        Raises:
            StoreError: the service refused or did not recover; either all rows are written or
                none.
        """
        writer, target, contract = self._writer, self._store.name, self._store.contract
        assert writer is not None, "create_writer comes first"  # noqa: S101
        days = sorted(ledger)
        with self._store.connect() as clients:
            if runs.is_recorded(clients.tables, target, run_id):
                return None
            table = clients.tables.get_table(target.dotted)
            require_lasting_partitions(table, contract.table.date, days)
            transport, streams = clients.writer.transport, {m.name: m.rows for m in messages}
            finalize_streams(transport, streams, self._retry)
            commit_streams(transport, writer.staging.path, [*streams], self._retry)
            counts = reduce(add, map(_parse_counts, messages))
            self._store.remember(clients, Origin(contract, self._store.source))
            merge = make_merge(
                target,
                table,
                writer.staging,
                writer.columns,
                days,
                writer.mode,
                contract,
            )
            merge_staging(clients, merge, counts)
            stamps = reduce(or_, map(_parse_stamps, messages))
            ledgers.write_ledger(clients.tables, target, contract.table.date, stamps, ledger)
            runs.record_run(clients.tables, target, run_id)
            drop_staging(clients, writer.staging)
            version = get_version(clients.tables.get_table(target.dotted))
            return WriteResult(counts.rows, len(days), version)

    def abort(self) -> None:
        """Drop the staging table, and with it every stream."""
        if self._writer is not None:
            try:
                with self._store.connect() as clients:
                    drop_staging(clients, self._writer.staging)
            except StoreError:
                pass  # the table expires by itself; the error that led here matters


def _parse_stamps(message: WriterCommitMessage) -> dict[date, datetime]:
    stamps: dict[str, str] = message.facts["stamps"]
    return {date.fromisoformat(d): datetime.fromisoformat(s) for d, s in stamps.items()}


def _parse_counts(message: WriterCommitMessage) -> RowCounts:
    elements: dict[str, Any] = message.facts["elements"]
    return RowCounts(message.rows, elements, frozenset(_parse_stamps(message).values()))
