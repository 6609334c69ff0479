"""A BigQuery table as a store: staged by PENDING streams, merged by key, read back."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.cloud import bigquery

from fsq.errors import StoreError
from fsq.intake.formats import holds_features
from fsq.schema.arrow import from_arrow, to_arrow
from fsq.schema.columns import COLUMN_NAMES, KEYS, LEGACY_FIELDS
from fsq.schema.nested import select_columns, selectable_names
from fsq.stores.base import LedgerEntry, WriteResult, table_disappeared
from fsq.stores.bigquery import ledger as ledgers
from fsq.stores.bigquery import verify as census
from fsq.stores.bigquery.client import Clients, open_clients
from fsq.stores.bigquery.fields import new_table, table_fields
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.merge import Merge, Mode
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.read import scan_table
from fsq.stores.bigquery.stream import Retry
from fsq.stores.bigquery.validate import require_quality_columns, validate_rows
from fsq.stores.bigquery.verify import RowCounts
from fsq.stores.bigquery.write import write_rows
from fsq.stores.validation import validate_keys
from fsq.utils.frames import filter_dates

# A staging table that nobody dropped, since its process was killed, goes by itself.
STAGING_LIFETIME = timedelta(days=1)

log = logging.getLogger("fsq")


class BigQueryStore:
    """A table in BigQuery; see ``fsq.stores.Store`` for the methods.

    Nothing is asked of the service until a method is called. Credentials are Application
    Default Credentials; see ``fsq.stores.bigquery.connect``.
    """

    def __init__(self, uri: str, retry: Retry | None = None) -> None:
        self.uri = uri
        self.name = TableName.parse(uri)
        self.retry = retry
        self._seen = False  # a table that was there is not made anew when it is gone

    def connect(self) -> AbstractContextManager[Clients]:
        """Open the clients, for a ``with``."""
        return open_clients(self.name.project, self.name.location)

    def read(
        self,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; dates and columns are pushed down.

        Raises:
            StoreError: there is no table, or it lacks one of the columns.
        """
        try:
            rows = scan_table(self.connect, self.name)
        except StoreError as error:
            if isinstance(error.__cause__, NotFound):
                raise StoreError(f"there is no table {self.uri}; backfill it first") from None
            raise
        if columns is not None:
            have = selectable_names(rows.collect_schema())
            if lacking := [c for c in columns if c not in have]:
                raise StoreError(f"{self.uri} lacks the columns {lacking}; backfill it anew")
        rows = filter_dates(rows, start, end)
        return rows if columns is None else rows.select(select_columns(columns))

    def version(self) -> int | None:
        """When the table was last changed, in milliseconds since 1970; None without a table."""
        with self.connect() as clients:
            table = self._table(clients)
            return None if table is None else get_version(table)

    def ledger(self) -> dict[date, LedgerEntry]:
        """What is remembered per date; a date that others have touched is not in it."""
        with self.connect() as clients:
            return ledgers.read_ledger(clients.tables, self.name)

    def billed_bytes(self, rows: int) -> int:
        """Logical bytes of so many of the table's rows, of average size, all columns included."""
        with self.connect() as clients:
            table = self._table(clients)
            if table is None or not table.num_rows:
                return 0
            return int(table.num_bytes * min(1.0, rows / table.num_rows))

    def replace(
        self,
        scored: pl.DataFrame | pa.Table,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Merge these rows into the table by their keys, at once or not at all.

        In a table of scored rows, those of the dates are replaced. In a table with upstream's
        own feature columns, the quality columns are set and new rows added; nothing else
        changes. With ``since`` the rows were computed from this very table: their quality is
        set where they still are.

        Args:
            scored: rows of whole dates.
            ledger: what to remember of each date, once the rows are there.
            since: version of this table that the rows were computed from.

        Raises:
            InputError: a key is absent, NULL or twice, or the rows do not fit the table's
                schema; nothing was sent.
            StoreError: the service refused or did not recover; the rows are there as a whole
                or not at all.
        """
        table = to_arrow(fill_null_arrays(scored))
        days = validate_keys(table)
        if not days:
            return WriteResult(0, 0, self.version() or -1)
        require_quality_columns(table)
        with self.connect() as clients:
            target = self.target(clients, table.schema)
            mode = choose_mode(target, since)
            sent = table.select(select_columns_to_send(table.schema, target, mode)).combine_chunks()
            validate_rows(sent, target.schema, self.uri, inserts=mode is not Mode.IN_PLACE)
            staging = self.staged(clients, target, sent.column_names)
            try:
                write_rows(clients.writer, staging.path, sent, retry=self.retry)
                self.merge(clients, staging, RowCounts.of(sent), sent.column_names, days, mode)
            finally:
                drop_staging(clients, staging)
            ledgers.write_ledger(clients.tables, self.name, find_stamps(table), ledger or {})
            return WriteResult(
                table.num_rows, len(days), get_version(self._table(clients) or target)
            )

    def target(self, clients: Clients, schema: pa.Schema) -> Any:
        """The table; it is made for rows of this schema if there is none."""
        return self._table(clients) or self._created(clients, schema)

    def _table(self, clients: Clients) -> Any | None:
        try:
            table = clients.tables.get_table(self.name.dotted)
        except NotFound:
            return None
        self._seen = True
        return table

    def _created(self, clients: Clients, schema: pa.Schema) -> Any:
        if self._seen:
            raise table_disappeared(self.uri)
        self._seen = True
        table = new_table(self.name, table_fields(schema))
        return clients.tables.create_table(table, exists_ok=True)

    def staged(self, clients: Clients, target: Any, columns: Sequence[str]) -> TableName:
        """A new table beside the target with these of its columns, for the caller to drop."""
        staging = self.name.beside(f"staging_{secrets.token_hex(6)}")
        fields = {f.name: f for f in target.schema}
        table = bigquery.Table(staging.dotted, schema=[fields[n] for n in columns])
        table.expires = datetime.now(UTC) + STAGING_LIFETIME
        clients.tables.create_table(table)
        return staging

    def merge(
        self,
        clients: Clients,
        staging: TableName,
        wanted: RowCounts,
        columns: Sequence[str],
        days: Sequence[date],
        mode: Mode,
    ) -> None:
        """Read the staged rows back, merge them into the table, and read them back there."""
        census.verify_counts("staged", wanted, staging, clients.tables)
        run_query(clients.tables, Merge(self.name, staging, columns, days, mode).sql())
        census.verify_counts("merged", wanted, self.name, clients.tables, days)


def choose_mode(target: Any, since: int | None) -> Mode:
    """What a merge may do to a table that is there."""
    if since is not None:
        return Mode.IN_PLACE
    return Mode.BESIDE if holds_features(f.name for f in target.schema) else Mode.WHOLE


def select_columns_to_send(schema: pa.Schema, target: Any, mode: Mode) -> list[str]:
    """The columns to send: the legacy three only where the target still has them."""
    there = {f.name.lower() for f in target.schema}
    ended = {n for n in LEGACY_FIELDS if n not in there}
    names = [n for n in schema.names if n not in ended]
    if mode is Mode.IN_PLACE:
        names = [n for n in names if n in KEYS or n in COLUMN_NAMES]
    return names


def fill_null_arrays(scored: pl.DataFrame | pa.Table) -> pl.DataFrame:
    """A NULL array, which BigQuery does not have, as the empty one that it reads back."""
    frame = scored if isinstance(scored, pl.DataFrame) else from_arrow(scored)
    lists = [n for n, t in frame.schema.items() if isinstance(t, pl.List)]
    return frame.with_columns(pl.col(n).fill_null([]) for n in lists if frame[n].has_nulls())


def find_stamps(table: pa.Table) -> dict[date, datetime]:
    """When the rows of each date were scored."""
    keys = pl.DataFrame(table.select(["game_date", "quality_computed_at"]))
    return dict(keys.group_by("game_date").max().iter_rows())


def get_version(table: Any) -> int:
    """When a table was last changed, in milliseconds since 1970."""
    return int(table.modified.timestamp() * 1000)


def drop_staging(clients: Clients, staging: TableName) -> None:
    """Drop a staging table, as far as possible."""
    try:
        clients.tables.delete_table(staging.dotted, not_found_ok=True)
    except (GoogleAPIError, OSError) as error:
        log.warning("%s could not be dropped; it expires by itself: %s", staging.dotted, error)
