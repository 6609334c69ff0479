"""A BigQuery table as a store: rows are staged in PENDING streams, merged by key, verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from fsq.contract import Contract
from fsq.schema.nested import select_columns
from fsq.schema.tables import AnyRows
from fsq.stores.base import LedgerEntry, WriteResult, store_not_found
from fsq.stores.bigquery.carried import to_service_arrow, widen_decimals
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.column_types import fit_to_table
from fsq.stores.bigquery.columns import table_schema
from fsq.stores.bigquery.jobs import estimate_query
from fsq.stores.bigquery.kinds import require_readable, require_writable
from fsq.stores.bigquery.ledger import read_ledger, write_ledger
from fsq.stores.bigquery.merge import (
    Mode,
    choose_mode,
    format_touched,
    make_merge,
    select_columns_to_send,
)
from fsq.stores.bigquery.origin import read_origin, write_origin
from fsq.stores.bigquery.partitions import Partitioning, require_lasting_partitions
from fsq.stores.bigquery.read import scan_table
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.row_policies import require_every_row
from fsq.stores.bigquery.side import load_side, save_side
from fsq.stores.bigquery.staging import create_staging, drop_staging, merge_staging
from fsq.stores.bigquery.table import BigQueryTable, get_version
from fsq.stores.bigquery.validate import require_quality_columns, validate_rows
from fsq.stores.bigquery.verify import RowCounts
from fsq.stores.bigquery.write import fill_null_arrays, find_stamps, write_rows
from fsq.stores.column_fit import ColumnFit
from fsq.stores.costs import Workload
from fsq.stores.origin import Origin, list_contract_names
from fsq.stores.side import SideTable, SideTables
from fsq.stores.validation import CANNOT_READ, read_scored, require_columns, validate_keys
from fsq.utils.arguments import DateLike, Names, read_names
from fsq.utils.dates import read_date_range
from fsq.utils.frames import filter_dates


class BigQueryStore(BigQueryTable, SideTables):
    """A table in BigQuery; see ``fsq.stores.Store`` for the methods.

    The service is first contacted when a method is called. Credentials are Application Default
    Credentials; see ``fsq.stores.bigquery.client``.

    Args:
        uri: ``bigquery://project.dataset.table``.
        retry: how to retry writes; None for the defaults.
        contract: of the rows to write; None for what the table remembers.
        source: URI of the source of the rows to write; None for what the table remembers.

    Raises:
        InputError: the URI has another form.
    """

    def __init__(
        self,
        uri: str,
        retry: Retry | None = None,
        contract: Contract | None = None,
        source: str | None = None,
    ) -> None:
        super().__init__(uri, contract, source)
        self.retry = retry
        self._shows_every_row = False  # until it is checked

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
        fields: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; see ``fsq.stores.bigquery.read``.

        Raises:
            InputError: an argument is not a date or a name; it is a view or an external table, or
                row access policies hide rows.
            StoreError: there is no table, or it lacks one of the columns.
        """
        first, last = read_date_range(start, end, CANNOT_READ)
        columns = read_names(columns, "columns", CANNOT_READ)
        with self.connect() as clients:
            table = self.find(clients)
            if table is not None and not self._shows_every_row:
                require_every_row(clients.tables, self.name)
                self._shows_every_row = True
        if table is None:
            raise store_not_found(self.uri)
        if table.table_type != "TABLE":
            require_readable(table, self.name, self.contract.table.date)
        if columns is not None:
            require_columns(columns, table_schema(table.schema), self.uri)
        if first is None and last is None:
            rows = scan_table(self.connect, self.name, table, columns, fields)
        else:
            day = self.contract.table.date
            needed = None if columns is None else [*columns, day]
            rows = scan_table(self.connect, self.name, table, needed, fields)
            rows = filter_dates(rows, day, first, last)
        return rows if columns is None else rows.select(select_columns(columns))

    def ledger(self) -> dict[date, LedgerEntry]:
        """The ledger entry of each date; dates that others have changed since are left out."""
        date_column = self.contract.table.date
        with self.connect() as clients:
            table = self.find(clients)
            if table is None:
                return {}
            return read_ledger(clients.tables, self.name, Partitioning.of(table), date_column)

    def remember(self, clients: Clients, origin: Origin) -> None:
        """Record where the rows come from, unless it is recorded already.

        This happens before their merge: if a run is killed in between, the ledger still tells old
        rows from new ones.
        """
        known = read_origin(clients.tables, self.name, self.uri)
        if known is None or known.to_json() != origin.to_json():
            write_origin(clients.tables, self.name, origin)

    def load_side(self, name: str) -> SideTable | None:
        """A side table and its version; None if there is none."""
        with self.connect() as clients:
            return load_side(clients.tables, self.name, name)

    def save_side(self, name: str, frame: pl.DataFrame, since: int | None) -> None:
        """Replace a side table, if it still has this version.

        Raises:
            SideConflictError: it has another one.
            StoreError: the store has no table yet.
        """
        with self.connect() as clients:
            if self.get(clients) is None:
                raise store_not_found(self.uri)
            save_side(clients.tables, self.name, name, frame, since, self.uri)

    def estimate_touched_bytes(self, workload: Workload) -> int:
        """Logical bytes that the merges of a backfill are billed for in the table.

        A merge is billed for every partition that it touches as a whole: a table that is not
        partitioned by its dates for each commit, one of months for each month of each commit.
        """
        with self.connect() as clients:
            table = self.find(clients)
            if table is None or not table.num_rows:
                return 0
            day = self.contract.table.date
            dates = workload.rows.select(pl.col(day).drop_nulls().unique().sort()).collect()
            days = dates[day].to_list()
            if not days:
                return 0
            partitioning = Partitioning.of(table)
            where = format_touched(day, days, partitioning)
            sql = f"SELECT * FROM {self.name.sql} WHERE {where}"
            size = estimate_query(clients.tables, sql)
            if not size:  # a service that cannot tell
                share = workload.count / table.num_rows if partitioning.is_by(day) else 1.0
                size = int(table.num_bytes * min(1.0, share))
            return size * partitioning.count_scans(day, days, workload.commits)

    def fit(self, columns: Mapping[str, pl.DataType]) -> ColumnFit:
        """How rows of these columns fit the table.

        Raises:
            InputError: it is a view, a snapshot or an external table.
        """
        with self.connect() as clients:
            table = self.get(clients)
            if table is not None:
                require_writable(table, self.name)
            source = self.find_source_fields(clients) if table is None else {}
        target = None if table is None else table.schema
        return fit_to_table(self.uri, columns, target, self.contract.output, source)

    def replace(
        self,
        scored: AnyRows,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Merge these rows into the table by their keys, all at once or not at all.

        In a table of scored rows, the rows of these dates are replaced. In a table with
        upstream's own feature columns, the quality columns are set and new rows added; nothing
        else changes. With ``since`` the rows were computed from this table itself: quality is
        set on those that still exist.

        Args:
            scored: rows of whole dates, as a frame or table of any library.
            ledger: the entry of each date, kept once the rows are written.
            since: version of this table that the rows were computed from.

        Raises:
            InputError: a key is missing, NULL or duplicated, the rows were scored with another
                contract than the store's, or they do not fit the table's schema; nothing was sent.
            StoreError: the service refused or did not recover; either all rows are written or
                none.
        """
        table = self._fit_rows(read_scored(scored))
        origin = self.adopt_contract(list_contract_names(table))
        contract = origin.contract
        days = validate_keys(table, contract.table)
        if not days:
            return WriteResult(0, 0, self.version() or -1)
        require_quality_columns(table, contract.output)
        with self.connect() as clients:
            target = self.get_or_create(clients, table.schema)
            require_every_row(clients.tables, self.name)
            day = contract.table.date
            require_lasting_partitions(target, day, days)
            mode = choose_mode(target, since)
            columns = select_columns_to_send(table.schema, target, mode, contract)
            sent = self._fit_to_target(table.select(columns), target, mode, contract)
            staging = create_staging(clients, self.name, target, columns)
            merge = make_merge(self.name, target, staging, columns, days, mode, contract)
            try:
                write_rows(clients.writer, staging.path, sent, retry=self.retry)
                self.remember(clients, origin)
                merge_staging(clients, merge, RowCounts.of(sent))
            finally:
                drop_staging(clients, staging)
            write_ledger(clients.tables, self.name, day, find_stamps(table, day), ledger or {})
            version = get_version(self.get(clients) or target)
            return WriteResult(table.num_rows, len(days), version)

    def _fit_rows(self, rows: pl.DataFrame | pa.Table) -> pa.Table:
        """The rows with the types that the table has, or will have, and no NULL arrays."""
        if isinstance(rows, pl.DataFrame):
            fit = self.fit(rows.schema)
            fit.require(fit.find_losses(rows.lazy()))
            rows = fit.apply(rows)
        return to_service_arrow(fill_null_arrays(rows))

    def _fit_to_target(
        self, rows: pa.Table, target: Any, mode: Mode, contract: Contract
    ) -> pa.Table:
        """The rows as the table takes them: others may have changed it since they were fitted.

        Raises:
            InputError: they do not fit it.
        """
        types = pl.DataFrame(rows.schema.empty_table()).schema
        fit = fit_to_table(self.uri, types, target.schema, contract.output)
        fit.require_arrow(rows)
        rows = widen_decimals(fit.apply_arrow(rows), target.schema)
        validate_rows(rows, target.schema, self.uri, contract.output, inserts=mode.inserts)
        return rows
