"""What a backend is: how one kind of store is opened, and what it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Generic, TypeVar

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.schema.arrow import exact_type, plain_type
from fsq.schema.output import OutputSchema
from fsq.stores.base import BatchWrite, GroupWrite, Store
from fsq.stores.column_fit import ColumnFit, fit_columns
from fsq.stores.costs import CostEstimate, Workload
from fsq.stores.migration import LegacyDropResult, Migration
from fsq.stores.schema_diff import SchemaDiff
from fsq.utils.extras import require_extra

AnyStore = TypeVar("AnyStore", bound=Store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind of store can do, and what the rest of fsq must do for it.

    Attributes:
        remote: rows cross a network, so a backfill reads them once and spills them to disk.
        bills_bytes: reads and writes are billed by their bytes; ``estimate_costs`` works.
        column_updates: when a table is scored in place, only its quality columns are written;
            its other columns need not be read.
        exact_types: it knows times of day, and moments without a zone, which are carried as such.
        summary_table: ``fsq trend --store-summary`` can keep a table beside the store;
            ``write_summary`` works.
        ddl: the schema can be printed as SQL for it, and ``find_missing`` works.
        views: the views of ``fsq sql`` can be created beside a table.
        executor_packages: Python packages that Spark's executors need for it.
        executor_environment: environment variables that they need, where they are set; ``*``
            at the end of a name stands for any further letters.
    """

    remote: bool = False
    bills_bytes: bool = False
    column_updates: bool = False
    exact_types: bool = False
    summary_table: bool = False
    ddl: bool = False
    views: bool = False
    executor_packages: tuple[str, ...] = ()
    executor_environment: tuple[str, ...] = ()


class Backend(ABC, Generic[AnyStore]):
    """One kind of store; subclass it and register an instance with ``register_backend``.

    ``open`` is all that a backend must have. Import what needs an extra inside the methods, so
    that fsq starts without it.

    Attributes:
        name: what messages call this kind of store.
        schemes: the schemes of its URIs, such as ``bigquery`` for ``bigquery://...``.
        uri_form: how its URIs are written, for messages.
        extra: the extra of fsq that it needs, if any; see ``require_extra``.
        capabilities: what it can do.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]]
    uri_form: ClassVar[str]
    extra: ClassVar[str | None] = None
    capabilities: ClassVar[Capabilities] = Capabilities()

    @contextmanager
    def require_extra(self) -> Iterator[None]:
        """Around imports: if one fails, say which extra to install.

        Raises:
            InputError: an import failed.
        """
        if self.extra is None:
            yield
            return
        with require_extra(self.extra, f"{self.name} cannot be used"):
            yield

    @abstractmethod
    def open(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> AnyStore:
        """Open a store; its table need not exist yet.

        Args:
            uri: the store.
            contract: of the rows to write; None for what the table remembers.
            source: URI of the source of the rows to write; None for what the table remembers.
        """

    def identify_table(self, uri: str) -> str:
        """The same name for every URI of one table."""
        return uri

    def is_store(self, uri: str) -> bool:
        """Whether a source with this URI is a store, and not plain files."""
        return True

    def scan(self, uri: str) -> pl.LazyFrame:
        """All rows of a table that is a source, lazily."""
        return self.open(uri).read()

    def fit_columns(self, store: AnyStore, columns: Mapping[str, pl.DataType]) -> ColumnFit:
        """How rows of these columns fit a store's table; for dry runs, before anything is written.

        Raises:
            StoreError: the table cannot be read, or never be written.
        """
        exists = store.version() is not None
        table = store.read().collect_schema() if exists else None
        return fit_columns(store.uri, columns, table, lambda dtype: dtype)

    def check_dates(self, store: AnyStore, days: Sequence[date]) -> None:
        """Refuse dates whose rows a store's table does not let you replace.

        Raises:
            StoreRefusedError: rows of these dates cannot be replaced.
        """

    def open_group_write(
        self, store: AnyStore, empty: pl.DataFrame, since: int | None
    ) -> GroupWrite[Any]:
        """Begin a write by several threads; see ``fsq.stores.open_group_write``."""
        from fsq.stores.replacing import ReplacingWrite

        convert = exact_type if self.capabilities.exact_types else plain_type
        return ReplacingWrite(store, convert, since)

    def open_batch_write(self, store: AnyStore, since: int | None) -> BatchWrite:
        """Begin a write by many processes; see ``fsq.stores.open_batch_write``."""
        raise self._unsupported(store.uri, "cannot be filled by Spark", "run it without Spark")

    def migrate(self, uri: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
        """Add what a table lacks; see ``fsq.stores.migrate``."""
        raise self._unsupported(uri, "cannot be migrated", "backfill it into a new store")

    def find_missing(self, uri: str, output: OutputSchema) -> SchemaDiff:
        """What a table lacks; see ``fsq.stores.find_missing``."""
        raise self._unsupported(uri, "has no schema in SQL", "run `fsq schema migrate --dry-run`")

    def drop_legacy(
        self,
        uri: str,
        consumers: Sequence[str],
        contract: Contract,
        *,
        yes: bool,
        input_too: bool,
        snapshot: bool,
    ) -> LegacyDropResult:
        """Drop the legacy fields; see ``fsq.stores.drop_legacy``."""
        raise self._unsupported(uri, "keeps its legacy fields", "name a BigQuery table")

    def write_summary(self, uri: str, name: str, rows: pl.DataFrame) -> str:
        """Replace dates of a small table beside a store; the path of that table.

        The first column of the rows is their date.
        """
        raise self._unsupported(uri, "cannot keep a summary table", "leave out --store-summary")

    def estimate_costs(self, store: AnyStore, workload: Workload) -> CostEstimate:
        """What a backfill into a store would cost; for backends that bill bytes."""
        raise NotImplementedError(f"{self.name} bills bytes, but does not estimate them")

    def _unsupported(self, uri: str, problem: str, cure: str) -> InputError:
        return InputError([f"{uri} {problem}; {cure}"], f"{self.name} does not support this")
