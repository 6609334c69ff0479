"""What a store is: the protocol, its data, and the errors that all stores share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

import polars as pl

from fsq.contract import Contract
from fsq.errors import StoreError
from fsq.schema.tables import AnyRows
from fsq.stores.origin import Origin
from fsq.utils.arguments import DateLike, Names

# What a thread has written, and a commit makes visible.
Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the store remembers of a date's last replacement.

    Attributes:
        contract: name of the contract that the date was scored with.
        version: hash of that contract.
        fingerprint: hash of the input rows and of everything else that the scores depend on.
        rows: number of input rows.
    """

    contract: str
    version: str
    fingerprint: str
    rows: int


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What one call of ``replace`` did.

    Attributes:
        rows: number of rows written.
        dates: number of dates replaced.
        version: version of the table after the write.
        conflict: others changed the table after the version that the rows were computed from;
            anything else read from that version may be outdated.
    """

    rows: int
    dates: int
    version: int
    conflict: bool = False


class Store(Protocol):
    """A table of scored rows that is replaced date by date.

    ``OriginOfRows`` and ``SideTables`` are its bases.

    A write also makes the table remember the contract and the source, all or nothing with it.
    """

    uri: str

    @property
    def contract(self) -> Contract:
        """The contract that was given, else the one that the table remembers."""
        ...

    @property
    def source(self) -> str | None:
        """URI of the source that was given, else of the one that the table remembers."""
        ...

    def origin(self) -> Origin | None:
        """What the table remembers; None without a table, or for one that remembers nothing."""
        ...

    def read(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        columns: Names | None = None,
        fields: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Rows from start to end, both included, lazily; dates and columns are pushed down.

        Dates may be ISO texts; a single text is one column. A column
        ``feature_quality_detail.<field>`` is that field alone, as a list per record. ``fields`` are
        those that will be used of a whole ``feature_quality_detail``: a store that bills what is
        read leaves the others out.
        """
        ...

    def replace(
        self,
        scored: AnyRows,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Replace all rows of these dates, all at once or not at all.

        With ``since``, a version, nothing is written if these dates changed after it.
        """
        ...

    def interrupt(self) -> None:
        """Make a ``replace`` in another thread give up soon, if it might take long."""
        ...

    def version(self) -> int | None:
        """Current version of the table; None if there is no table."""
        ...

    def ledger(self) -> dict[date, LedgerEntry]:
        """The ledger entry of each date; dates that others have changed since are left out."""
        ...

    def read_side(self, name: str) -> pl.DataFrame | None:
        """The rows of a side table; None if there is none. See ``fsq.stores.side.SideTables``."""
        ...

    def write_side(self, name: str, frame: pl.DataFrame) -> None:
        """Replace a side table as a whole, at once or not at all; the last writer wins."""
        ...

    def update_side(
        self, name: str, change: Callable[[pl.DataFrame | None], pl.DataFrame]
    ) -> pl.DataFrame:
        """Replace a side table with what ``change`` returns, losing no other writer's rows."""
        ...


@dataclass(frozen=True, slots=True)
class WriterCommitMessage:
    """What one task has written. It stays invisible until it is committed.

    Attributes:
        name: of the file or stream; unique to this attempt of the task.
        rows: number of rows.
        size: bytes, as the store counts them.
        facts: what the store needs to commit it; JSON.
    """

    name: str
    rows: int
    size: int
    facts: dict[str, Any]


class GroupWrite(Protocol[Part]):
    """A write by several threads of this process: groups of whole dates, one commit each.

    Attributes:
        in_memory: parts stay in memory until they are committed, so few should wait.
    """

    in_memory: bool

    def write(self, scored: Iterable[pl.DataFrame]) -> Part:
        """Write scored rows, piece by piece, invisibly; may run in several threads at once."""
        ...

    def commit(self, parts: Sequence[Part], ledger: Mapping[date, LedgerEntry]) -> WriteResult:
        """Replace all rows of the ledger's dates by these parts, all at once or not at all."""
        ...

    def abort(self) -> None:
        """Remove whatever has not been committed, as far as possible."""
        ...


class DataWriter(Protocol):
    """Writes the rows of tasks; small, because it is sent to every process."""

    def write(self, task: int, scored: Iterable[pl.DataFrame]) -> WriterCommitMessage:
        """Write a task's scored rows, of whole dates, invisibly."""
        ...


class BatchWrite(Protocol):
    """A write by many processes: tasks write, then ``commit`` makes all rows visible at once."""

    def committed(self, run_id: str) -> bool:
        """Whether a run with this id has been committed."""
        ...

    def create_writer(self, empty: pl.DataFrame) -> DataWriter:
        """Check that the store accepts scored rows with these columns, and prepare the write."""
        ...

    def commit(
        self,
        messages: Sequence[WriterCommitMessage],
        ledger: Mapping[date, LedgerEntry],
        run_id: str,
    ) -> WriteResult | None:
        """Replace all rows of the ledger's dates, all at once or not at all.

        None if a run with this id was committed before: then nothing is done.
        """
        ...

    def abort(self) -> None:
        """Remove whatever has not been committed, as far as possible."""
        ...


def write_conflict(uri: str) -> StoreError:
    """The error for rows computed from a version that others have changed since."""
    return StoreError(f"{uri}: another writer changed it during the run; run it again to resume")


def store_not_found(uri: str) -> StoreError:
    """The error for a store that must have rows already."""
    return StoreError(f"there is no store at {uri}; backfill it first")


def table_disappeared(uri: str) -> StoreError:
    """The error for a table that went away during the run: a new one would hide the loss."""
    return StoreError(f"{uri} disappeared during the run; restore it, or rerun to recreate it")
