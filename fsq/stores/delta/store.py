"""A Delta table as a store: each date is replaced in one transaction, which holds its ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from fsq.contract import Contract
from fsq.errors import StoreError, StoreRefusedError
from fsq.schema.arrow import to_arrow
from fsq.schema.nested import detail_field, select_columns
from fsq.schema.tables import AnyRows
from fsq.stores.attempts import ATTEMPTS, wait_before_retry
from fsq.stores.base import (
    LedgerEntry,
    WriteResult,
    store_not_found,
    table_disappeared,
    write_conflict,
)
from fsq.stores.column_fit import ColumnFit
from fsq.stores.delta.column_types import fit_to_table
from fsq.stores.delta.ledger import make_commit_metadata, read_ledger, read_origin
from fsq.stores.delta.location import locate
from fsq.stores.delta.protocol import (
    append_only_error,
    is_append_only,
    read_unknown_feature,
    require_store,
    require_writable,
)
from fsq.stores.delta.read import has_plain_files, scan_detail_fields, scan_rows, scan_with_fields
from fsq.stores.delta.side import load_side, save_side
from fsq.stores.delta.table import LakeTable
from fsq.stores.delta.write import (
    create_table,
    delta_write_errors,
    find_dates,
    overwrite_dates,
)
from fsq.stores.origin import Origin, OriginOfRows, list_contract_names
from fsq.stores.read_errors import first_line
from fsq.stores.side import SideTable, SideTables
from fsq.stores.validation import CANNOT_READ, read_scored, require_columns, validate_keys
from fsq.utils.arguments import DateLike, Names, read_names
from fsq.utils.dates import read_date_range
from fsq.utils.forks import require_whole_process


class DeltaStore(OriginOfRows, SideTables):
    """A Delta table in a folder or a bucket; see ``fsq.stores.Store`` for the methods.

    Args:
        path: the folder, or a URI such as ``s3://bucket/path``; there need not be a table yet.
        contract: of the rows to write; None for what the table remembers.
        source: URI of the source of the rows to write; None for what the table remembers.

    Raises:
        InputError: the URI cannot be used.
        StoreError: the place holds something else, or delta-rs would misread its path.
    """

    def __init__(
        self, path: str, contract: Contract | None = None, source: str | None = None
    ) -> None:
        self.location = locate(path)  # where the table is, or will be
        super().__init__(self.location.given, contract, source)
        self._seen = False  # a table that disappears is not created again
        if not self._is_table():
            self.location.require_free()

    @property
    def path(self) -> str:
        """The absolute path of the folder, or the URI."""
        return self.location.path

    def _is_table(self) -> bool:
        require_whole_process()
        exists = self.location.is_table()
        self._seen = self._seen or exists
        return exists

    def load_table(self, version: int | None = None) -> LakeTable:
        """The table as it is now, or as it was at a version.

        Raises:
            StoreError: there is no table, its log cannot be read, or delta-rs lacks a feature
                that it needs.
        """
        require_whole_process()
        try:
            return LakeTable(self.location.path, version=version)
        except TableNotFoundError:
            raise store_not_found(self.uri) from None
        except (DeltaError, OSError) as error:
            if (refused := read_unknown_feature(error, self.uri)) is not None:
                raise refused from error
            raise StoreError(f"{self.uri} cannot be read: {first_line(error)}") from error

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
        fields: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; dates and columns are pushed down.

        Raises:
            InputError: an argument is not a date or a name.
            StoreError: there is no table, or it lacks one of the columns.
            StoreRefusedError: it has features that no store can have.
        """
        first, last = read_date_range(start, end, CANNOT_READ)
        columns = read_names(columns, "columns", CANNOT_READ)
        table, date_column = self.load_table(), self.contract.table.date
        require_store(table.full_protocol(), self.uri)
        require_columns([date_column], pl.Schema(table.schema()), self.uri)
        if columns is None and fields is not None and has_plain_files(table):
            return scan_with_fields(table, date_column, first, last, fields)
        rows = scan_rows(table, self.uri, date_column, first, last)
        if columns is None:
            return rows
        require_columns(columns, rows.collect_schema(), self.uri)
        if any(detail_field(c) for c in columns) and has_plain_files(table):
            return scan_detail_fields(table, date_column, first, last, columns)
        return rows.select(select_columns(columns))

    def scan(self) -> pl.LazyFrame:
        """All rows, lazily; the table may be one that can be a source, but not a store.

        Raises:
            StoreError: there is no table.
            StoreRefusedError: neither Polars nor delta-rs can read it.
        """
        return scan_rows(self.load_table(), self.uri, "", None, None)

    def fit(self, columns: Mapping[str, pl.DataType], table: LakeTable | None = None) -> ColumnFit:
        """How rows of these columns fit the table.

        Args:
            columns: the rows' columns and their types.
            table: the table, if it is loaded already.

        Raises:
            StoreError: the table cannot be read.
            StoreRefusedError: it has features that fsq does not write, or no dates.
        """
        if table is None and not self._is_table():
            return fit_to_table(self.uri, columns, None)
        table = table or self.load_table()
        require_writable(table.full_protocol(), self.uri)
        fit = fit_to_table(self.uri, columns, table)
        if (day := self.contract.table.date) in fit.added:
            raise StoreRefusedError(
                f"{self.uri} is a table without {day}, by which rows are replaced; name another "
                "folder"
            )
        return fit

    def check_dates(self, days: Sequence[date]) -> None:
        """Refuse dates that an append-only table holds already.

        Raises:
            StoreRefusedError: the table is append-only and has rows of them.
        """
        if not self._is_table() or not is_append_only(table := self.load_table()):
            return
        if found := find_dates(table, self.contract.table.date, days):
            raise append_only_error(self.uri, found)

    def replace(
        self,
        scored: AnyRows,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Replace all rows of these dates, all at once or not at all.

        A conflict with a concurrent writer is retried on the newer version of the table, which
        is safe because whole dates are replaced. Columns that an older table lacks are added.

        Args:
            scored: rows of whole dates, as a frame or table of any library; rows of other dates
                in the store are not touched.
            ledger: the entry of each date, written in the same transaction.
            since: version of this table that the rows were computed from. A later commit that
                touches their dates is then an error, not retried: the rows are outdated.

        Raises:
            InputError: a key is missing, NULL or duplicated, the rows were scored with another
                contract than the store's, or the table cannot hold their values; nothing is
                written.
            StoreError: the table cannot be written, other writers kept committing first, or
                they changed these dates after ``since``.
        """
        table = self._fit_rows(read_scored(scored))
        origin = self.adopt_contract(list_contract_names(table))
        days = validate_keys(table, self.contract.table)
        if not days:
            return WriteResult(0, 0, self.load_table().version() if self._is_table() else -1)
        properties = CommitProperties(
            custom_metadata=make_commit_metadata(days, ledger or {}, origin)
        )
        for attempt in range(ATTEMPTS):
            try:
                with delta_write_errors(self.uri):
                    self.create(table.schema)
                target = self.load_table(since)
                # Others may have changed the table's columns since the rows were fitted to it.
                fit = self.fit(pl.DataFrame(table.schema.empty_table()).schema, target)
                fit.require_arrow(table)
                table = fit.apply_arrow(table)
                with delta_write_errors(self.uri, target):
                    version = overwrite_dates(
                        target, table, self.contract.table.date, days, properties, self.uri
                    )
                self._seen = True
                conflict = since is not None and version != since + 1
                return WriteResult(table.num_rows, len(days), version, conflict=conflict)
            except CommitFailedError as error:
                if since is not None:
                    raise write_conflict(self.uri) from error
                last_error = error
                wait_before_retry(attempt)
        raise StoreError(
            f"{self.uri}: other writers committed first {ATTEMPTS} times; run it again. "
            f"{first_line(last_error)}"
        )

    def _fit_rows(self, scored: pl.DataFrame | pa.Table) -> pa.Table:
        """The rows with the types that the table has, or will have."""
        if isinstance(scored, pa.Table):
            return scored
        fit = self.fit(scored.schema)
        fit.require(fit.find_losses(scored.lazy()))
        return to_arrow(fit.apply(scored))

    def create(self, schema: pa.Schema) -> None:
        """Create the table, if there is none yet.

        Raises:
            StoreError: there was one, and it disappeared.
        """
        if self._is_table():
            return
        if self._seen:
            raise table_disappeared(self.uri)
        try:
            create_table(self.location.path, schema)
        except DeltaError:
            # Another process created it first: fine if there is a table now.
            if not self._is_table():
                raise

    def version(self) -> int | None:
        """Current version of the table; None if there is no table."""
        return int(self.load_table().version()) if self._is_table() else None

    def origin(self) -> Origin | None:
        """What the last commit of rows says of their contract and source."""
        return read_origin(self.load_table(), self.uri) if self._is_table() else None

    def ledger(self) -> dict[date, LedgerEntry]:
        """The entry of each date; a change by another tool invalidates the dates before it."""
        return read_ledger(self.load_table()) if self._is_table() else {}

    def load_side(self, name: str) -> SideTable | None:
        """A side table and its version; None if there is none."""
        return load_side(self.location.path, name)

    def save_side(self, name: str, frame: pl.DataFrame, since: int | None) -> None:
        """Replace a side table, if it still has this version.

        Raises:
            SideConflictError: it has another one.
            StoreError: the store has no table yet, or the side table cannot be written.
        """
        if not self._is_table():
            raise store_not_found(self.uri)
        save_side(self.location.path, name, frame, since)
