"""Stores of scored rows: one protocol, and Delta Lake as the embedded default behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
import pyarrow as pa

from fsq.errors import StoreError


@dataclass(frozen=True, slots=True)
class Entry:
    """What the store remembers of a date's last replacement."""

    contract: str
    version: str
    fingerprint: str
    rows: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one call of ``replace`` did."""

    rows: int
    dates: int
    version: int


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
        ledger: Mapping[date, Entry] | None = None,
        since: int | None = None,
    ) -> Receipt:
        """Put these rows in the place of all rows of their dates, at once or not at all.

        With ``since``, a version, nothing is written if these dates have changed after it.
        """
        ...

    def version(self) -> int | None:
        """Version of the table as it is now; None if there is no table."""
        ...

    def ledger(self) -> dict[date, Entry]:
        """What is remembered per date; a date that others have touched is not in it."""
        ...


def changed_meanwhile(uri: str) -> StoreError:
    """The error for rows that were computed from a version that others have changed since."""
    return StoreError(f"{uri}: another writer changed it meanwhile; run it again to go on")


def open_store(uri: str) -> Store:
    """Open a store by its URI; it need not exist yet.

    Args:
        uri: a folder for a Delta table.

    Raises:
        StoreError: the URI names something that is not a Delta table, or a kind of store that
            this version cannot open.

    >>> open_store("bigquery://p.d.t")
    Traceback (most recent call last):
    ...
    fsq.errors.StoreError: bigquery:// stores are not supported by this version; use a folder
    """
    scheme, has_scheme, _ = uri.partition("://")
    if has_scheme and scheme != "file":
        raise StoreError(f"{scheme}:// stores are not supported by this version; use a folder")
    from fsq.stores.delta import DeltaStore

    return DeltaStore(uri.removeprefix("file://"))
