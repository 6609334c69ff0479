"""Stores of scored rows: one protocol; Delta Lake, the embedded default, and BigQuery behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, StoreError
from fsq.stores.bigquery.names import TableName


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the store remembers of a date's last replacement."""

    contract: str
    version: str
    fingerprint: str
    rows: int


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What one call of ``replace`` did.

    Attributes:
        version: of the table, afterwards.
        conflict: others have changed the table after the version that the rows came from, so
            what else was read of that version may be outdated.
    """

    rows: int
    dates: int
    version: int
    conflict: bool = False


class Store(Protocol):
    """A table of scored rows, one partition of meaning per ``game_date``."""

    uri: str

    def read(
        self,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; dates and columns are pushed down.

        A column ``feature_quality_detail.<field>`` is that field alone, a list per record.
        """
        ...

    def replace(
        self,
        scored: pl.DataFrame | pa.Table,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Put these rows in the place of all rows of their dates, at once or not at all.

        With ``since``, a version, nothing is written if these dates have changed after it.
        """
        ...

    def version(self) -> int | None:
        """Version of the table as it is now; None if there is no table."""
        ...

    def ledger(self) -> dict[date, LedgerEntry]:
        """What is remembered per date; a date that others have touched is not in it."""
        ...

    def billed_bytes(self, rows: int) -> int | None:
        """Bytes that a change of so many of the rows that are there is billed for, about.

        None for a store that bills nothing.
        """
        ...


def write_conflict(uri: str) -> StoreError:
    """The error for rows that were computed from a version that others have changed since."""
    return StoreError(f"{uri}: another writer changed it meanwhile; run it again to go on")


def table_disappeared(uri: str) -> StoreError:
    """The error for a table that went away during the work: a new one would hide what is lost."""
    return StoreError(f"{uri} was there and is gone; bring it back, or run it again to make it")


def open_store(uri: str) -> Store:
    """Open a store by its URI; it need not exist yet.

    Args:
        uri: a folder for a Delta table, or ``bigquery://project.dataset.table``.

    Raises:
        InputError: a BigQuery URI of another form, or the extra for it is not installed.
        StoreError: the URI names something that is not a Delta table, or a kind of store that
            fsq does not have.

    >>> open_store("s3://bucket/table")
    Traceback (most recent call last):
    ...
    fsq.errors.StoreError: s3:// stores are not supported; use a folder or bigquery://
    """
    scheme, has_scheme, _ = uri.partition("://")
    if scheme == "bigquery" and has_scheme:
        return _bigquery(uri)
    if has_scheme and scheme != "file":
        raise StoreError(f"{scheme}:// stores are not supported; use a folder or bigquery://")
    from fsq.stores.delta.store import DeltaStore

    return DeltaStore(uri.removeprefix("file://"))


def _bigquery(uri: str) -> Store:
    TableName.parse(uri)  # a bad name is told before the extra is missed
    try:
        from fsq.stores.bigquery.store import BigQueryStore
    except ImportError as error:
        lacking = [f"{error}; install it with: pip install 'fsq[bigquery]'"]
        raise InputError(lacking, "BigQuery cannot be used") from error
    return BigQueryStore(uri)


def table_of(uri: str) -> str:
    """What a source or store URI names, so that two ways to write one table are told to be one.

    >>> table_of("bigquery://p.d.t?location=EU") == table_of("bigquery://p.d.t")
    True
    """
    if uri.startswith("bigquery://"):
        return f"bigquery://{TableName.parse(uri).dotted}"
    return str(Path(uri.removeprefix("file://")).resolve())
