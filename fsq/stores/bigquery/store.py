"""A BigQuery table as a store: rows are staged in PENDING streams, merged by key, verified."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa
from google.api_core.exceptions import NotFound

from fsq.contract import Contract
from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.schema.nested import select_columns, selectable_names
from fsq.schema.tables import AnyRows
from fsq.stores.base import LedgerEntry, WriteResult, table_disappeared
from fsq.stores.bigquery.client import Clients, open_clients
from fsq.stores.bigquery.column_types import fit_to_table
from fsq.stores.bigquery.fields import new_table, table_fields
from fsq.stores.bigquery.ledger import read_ledger, write_ledger
from fsq.stores.bigquery.merge import Mode, choose_mode, select_columns_to_send
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.origin import read_origin, write_origin
from fsq.stores.bigquery.read import scan_table
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.side import load_side, save_side
from fsq.stores.bigquery.staging import create_staging, drop_staging, merge_staging
from fsq.stores.bigquery.validate import require_quality_columns, validate_rows
from fsq.stores.bigquery.verify import RowCounts
from fsq.stores.bigquery.write import fill_null_arrays, find_stamps, write_rows
from fsq.stores.column_fit import ColumnFit
from fsq.stores.origin import Origin, OriginOfRows, list_contract_names
from fsq.stores.side import SideTable, SideTables
from fsq.stores.validation import CANNOT_READ, read_scored, validate_keys
from fsq.utils.arguments import DateLike, Names, read_names
from fsq.utils.dates import read_date_range
from fsq.utils.forks import require_whole_process
from fsq.utils.frames import filter_dates


class BigQueryStore(OriginOfRows, SideTables):
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
        self.name = TableName.parse(uri)
        self.retry = retry
        self._seen = False  # a table that disappears is not created again

    def connect(self) -> AbstractContextManager[Clients]:
        """Open the clients, as a context manager."""
        require_whole_process()
        return open_clients(self.name.project, self.name.location)

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; dates and columns are pushed down.

        Raises:
            InputError: an argument is no date, or no name.
            StoreError: there is no table, or it lacks one of the columns.
        """
        first, last = read_date_range(start, end, CANNOT_READ)
        columns = read_names(columns, "columns", CANNOT_READ)
        try:
            rows = scan_table(self.connect, self.name, self.contract.table.date)
        except StoreError as error:
            if isinstance(error.__cause__, NotFound):
                raise StoreError(f"there is no table {self.uri}; backfill it first") from None
            raise
        if columns is not None:
            existing = selectable_names(rows.collect_schema())
            if missing := [c for c in columns if c not in existing]:
                raise StoreError(f"{self.uri} lacks the columns {missing}; backfill it again")
        rows = filter_dates(rows, self.contract.table.date, first, last)
        return rows if columns is None else rows.select(select_columns(columns))

    def version(self) -> int | None:
        """Time of the last change, in milliseconds since 1970; None if there is no table."""
        with self.connect() as clients:
            table = self._get(clients)
            return None if table is None else get_version(table)

    def ledger(self) -> dict[date, LedgerEntry]:
        """The ledger entry of each date; dates that others have changed since are left out."""
        date_column = self.contract.table.date
        with self.connect() as clients:
            return read_ledger(clients.tables, self.name, date_column)

    def origin(self) -> Origin | None:
        """What the table beside this one says of the rows' contract and source."""
        with self.connect() as clients:
            return read_origin(clients.tables, self.name, self.uri)

    def remember(self, clients: Clients, origin: Origin) -> None:
        """Record where the rows come from, unless it is recorded already.

        This comes before their merge: a run that is killed in between leaves a ledger that tells
        the old rows from the new ones.
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
            if self._get(clients) is None:
                raise StoreError(f"there is no table {self.uri}; backfill it first")
            save_side(clients.tables, self.name, name, frame, since, self.uri)

    def billed_bytes(self, rows: int) -> int:
        """Logical bytes of this many of the table's rows, at their average size."""
        with self.connect() as clients:
            table = self._get(clients)
            if table is None or not table.num_rows:
                return 0
            return int(table.num_bytes * min(1.0, rows / table.num_rows))

    def fit(self, columns: Mapping[str, pl.DataType]) -> ColumnFit:
        """How rows of these columns fit the table."""
        with self.connect() as clients:
            table = self._get(clients)
        target = None if table is None else table.schema
        return fit_to_table(self.uri, columns, target, self.contract.output)

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
        rows = read_scored(scored)
        if isinstance(rows, pl.DataFrame):
            fit = self.fit(rows.schema)
            fit.require(fit.find_losses(rows.lazy()))
            rows = fit.apply(rows)
        table = to_arrow(fill_null_arrays(rows))
        origin = self.adopt_contract(list_contract_names(table))
        contract = origin.contract
        days = validate_keys(table, contract.table)
        if not days:
            return WriteResult(0, 0, self.version() or -1)
        require_quality_columns(table, contract.output)
        with self.connect() as clients:
            target = self.get_or_create(clients, table.schema)
            mode = choose_mode(target, since)
            columns = select_columns_to_send(table.schema, target, mode, contract)
            sent = table.select(columns).combine_chunks()
            types = pl.DataFrame(sent.schema.empty_table()).schema
            fit = fit_to_table(self.uri, types, target.schema, contract.output)
            fit.require_arrow(sent)
            sent = fit.apply_arrow(sent)
            inserts = mode is not Mode.IN_PLACE
            validate_rows(sent, target.schema, self.uri, contract.output, inserts=inserts)
            staging = create_staging(clients, self.name, target, columns)
            try:
                write_rows(clients.writer, staging.path, sent, retry=self.retry)
                counts = RowCounts.of(sent)
                self.remember(clients, origin)
                merge_staging(clients, self.name, staging, counts, columns, days, mode, contract)
            finally:
                drop_staging(clients, staging)
            day = contract.table.date
            write_ledger(clients.tables, self.name, day, find_stamps(table, day), ledger or {})
            version = get_version(self._get(clients) or target)
            return WriteResult(table.num_rows, len(days), version)

    def get_or_create(self, clients: Clients, schema: pa.Schema) -> Any:
        """The table; it is created for rows of this schema if there is none.

        Raises:
            StoreError: there was one, and it disappeared.
        """
        return self._get(clients) or self._create(clients, schema)

    def _get(self, clients: Clients) -> Any | None:
        try:
            table = clients.tables.get_table(self.name.dotted)
        except NotFound:
            return None
        self._seen = True
        return table

    def _create(self, clients: Clients, schema: pa.Schema) -> Any:
        if self._seen:
            raise table_disappeared(self.uri)
        self._seen = True
        table = new_table(
            self.name, table_fields(schema, self.contract.output), self.contract.output
        )
        return clients.tables.create_table(table, exists_ok=True)


def get_version(table: Any) -> int:
    """Time of a table's last change, in milliseconds since 1970."""
    return int(table.modified.timestamp() * 1000)
