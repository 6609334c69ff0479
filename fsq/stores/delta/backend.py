"""Delta Lake as a backend of ``fsq.stores``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.schema.output import OutputSchema
from fsq.stores.backend import Backend, Capabilities
from fsq.stores.base import BatchWrite, GroupWrite
from fsq.stores.column_fit import ColumnFit
from fsq.stores.migration import LegacyDropResult, Migration
from fsq.stores.objects.uri import PREFIXES, SCHEMES, identify_uri
from fsq.utils.files import expand_home

if TYPE_CHECKING:
    from fsq.stores.delta.store import DeltaStore


def get_folder(uri: str) -> str:
    """The folder that a URI names.

    >>> get_folder("file:///warehouse/store")
    '/warehouse/store'
    """
    return expand_home(uri.removeprefix("file://"))


class DeltaBackend(Backend["DeltaStore"]):
    """Delta tables in folders."""

    name = "Delta Lake"
    schemes: ClassVar[tuple[str, ...]] = ("", "file")
    uri_form = "a folder"
    capabilities: ClassVar[Capabilities] = Capabilities(
        summary_table=True, executor_packages=("deltalake",)
    )

    def open(
        self, uri: str, contract: Contract | None = None, source: str | None = None
    ) -> DeltaStore:
        """Open the table of a folder.

        Raises:
            StoreError: the folder holds something else.
        """
        from fsq.stores.delta.store import DeltaStore

        return DeltaStore(get_folder(uri), contract, source)

    def identify_table(self, uri: str) -> str:
        """The resolved path."""
        return str(Path(get_folder(uri)).resolve())

    def is_store(self, uri: str) -> bool:
        """Whether the folder has a Delta log; other folders hold plain files."""
        return (Path(get_folder(uri)) / "_delta_log").is_dir()

    def scan(self, uri: str) -> pl.LazyFrame:
        """All rows of a table, including one with column mapping, which cannot be a store.

        Raises:
            StoreError: the table cannot be read.
        """
        return self.open(uri).scan()

    def fit_columns(self, store: DeltaStore, columns: Mapping[str, pl.DataType]) -> ColumnFit:
        """How rows of these columns fit the table.

        Raises:
            StoreError: the table cannot be read.
            StoreRefusedError: it has features that fsq does not write.
        """
        return store.fit(columns)

    def check_dates(self, store: DeltaStore, days: Sequence[date]) -> None:
        """Refuse dates that an append-only table holds already.

        Raises:
            StoreRefusedError: the table is append-only and has rows of them.
        """
        store.check_dates(days)

    def open_group_write(
        self, store: DeltaStore, empty: pl.DataFrame, since: int | None
    ) -> GroupWrite[Any]:
        """Begin a write by several threads: of files, unless the table needs delta-rs's writer."""
        from fsq.stores.delta.distributed import DeltaGroupWrite, takes_files

        if takes_files(store, empty):
            return DeltaGroupWrite(store, empty, since)
        return super().open_group_write(store, empty, since)

    def open_batch_write(self, store: DeltaStore, since: int | None) -> BatchWrite:
        """Begin a write by many processes."""
        from fsq.stores.delta.distributed import DeltaBatchWrite

        return DeltaBatchWrite(store, since)

    def migrate(self, uri: str, output: OutputSchema, *, dry_run: bool, create: bool) -> Migration:
        """Add the columns that a table lacks."""
        from fsq.stores.delta.migrate import migrate

        return migrate(self.open(uri).uri, output, dry_run=dry_run, create=create)

    def write_summary(self, uri: str, name: str, rows: pl.DataFrame) -> str:
        """Replace dates of a small Delta table beside a store.

        Raises:
            StoreError: the folder is not a Delta table, or cannot be written.
        """
        from fsq.stores.delta.daily_table import replace_dates
        from fsq.stores.delta.location import locate

        path = locate(uri).get_sibling(name)
        replace_dates(path, rows)
        return path

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
        """Refuse: a Delta table keeps its legacy fields.

        Raises:
            InputError: always.
        """
        problem = (
            f"{uri} is not a BigQuery table; Delta tables keep the legacy fields, which take "
            "little space and which no SQL depends on"
        )
        raise InputError([problem], "the legacy fields were not dropped")


class ObjectStoreBackend(DeltaBackend):
    """Delta tables in buckets of S3, Google Cloud Storage and Azure."""

    name = "Delta Lake on object stores"
    schemes = SCHEMES
    uri_form = "s3://, gs:// or az://bucket/path"
    capabilities: ClassVar[Capabilities] = Capabilities(
        remote=True,
        summary_table=True,
        executor_packages=("deltalake", "obstore"),
        executor_environment=tuple(f"{prefix}*" for prefix in PREFIXES),
    )

    def identify_table(self, uri: str) -> str:
        """The URI with the usual scheme, and without slashes at its end."""
        return identify_uri(uri)

    def is_store(self, uri: str) -> bool:
        """Whether there is a Delta table; other prefixes hold plain files.

        Raises:
            StoreError: the bucket cannot be read.
        """
        if has_magic(uri):
            return False
        from fsq.stores.delta.location import locate

        return locate(uri).is_table()
