"""Delta Lake: a date is replaced in one transaction, whose metadata is the ledger."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.schema.nested import detail_field, selectable_names
from fsq.stores.base import LedgerEntry, WriteResult, table_disappeared, write_conflict
from fsq.stores.delta.read import scan_detail_fields
from fsq.stores.delta.table import LocalTable
from fsq.stores.validation import validate_keys
from fsq.utils.frames import filter_dates

# The ledger lives in the log, so the log must outlive the default of 30 days.
CONFIGURATION = {"delta.logRetentionDuration": "interval 3650 days"}
ATTEMPTS = 8
# Commits of these operations change no row, so what is remembered stays true.
_HARMLESS = {"OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD FEATURE", "FSCK",
             "CREATE TABLE", "ADD COLUMN"}  # fmt: skip
_KEY = "fsq"
# What delta-rs decodes in a path, so that it would end up elsewhere, or panics over.
_MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|[\[\]|^\\\x00-\x1f\x7f]")


class DeltaStore:
    """A Delta table in a folder; see ``fsq.stores.Store`` for the methods."""

    def __init__(self, path: str) -> None:
        self.uri = path
        self._seen = False  # a table that was here is not made anew when it is gone
        folder = Path(path)
        # As a whole path, delta-rs cannot take what is before a colon for a scheme.
        self._place = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        if found := _MISREAD.search(self._place):
            raise StoreError(
                f"{path}: {found[0]!r} in its path would be misread as part of a URL; "
                "name another folder"
            )
        if folder.exists() and not self._is_table():
            occupied = folder.is_file() or any(f.name != "_delta_log" for f in folder.iterdir())
            if occupied:
                raise StoreError(f"{path} is not a Delta table; name another folder")

    def _is_table(self) -> bool:
        # A creator that was killed may leave a log without a first commit: no table yet.
        log = Path(self._place) / "_delta_log"
        there = log.is_dir() and DeltaTable.is_deltatable(self._place)
        self._seen = self._seen or there
        return there

    def table(self, version: int | None = None) -> DeltaTable:
        """The table itself, as it is now or was at a version."""
        try:
            return LocalTable(self._place, version=version)
        except TableNotFoundError:
            raise StoreError(f"there is no store at {self.uri}; backfill it first") from None
        except (DeltaError, OSError) as error:
            raise StoreError(f"{self.uri} cannot be read: {error}") from error

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
        table = self.table()
        rows = pl.scan_delta(table)
        if columns is not None:
            have = selectable_names(rows.collect_schema())
            if lacking := [c for c in columns if c not in have]:
                raise StoreError(f"{self.uri} lacks the columns {lacking}; backfill it anew")
            if any(detail_field(c) for c in columns):
                return scan_detail_fields(table, start, end, columns)
        rows = filter_dates(rows, start, end)
        return rows if columns is None else rows.select(columns)

    def replace(
        self,
        scored: pl.DataFrame | pa.Table,
        ledger: Mapping[date, LedgerEntry] | None = None,
        since: int | None = None,
    ) -> WriteResult:
        """Put these rows in the place of all rows of their dates, at once or not at all.

        A conflict with a concurrent writer is retried on the newer version of the table, which
        is safe because whole dates are replaced. Columns that an older table lacks are added.

        Args:
            scored: rows of whole dates; rows of other dates in the store are not touched.
            ledger: what to remember of each date, in the same transaction.
            since: version of this table that the rows were computed from. A commit after it
                that touches their dates is then an error, not retried: the rows are outdated.

        Raises:
            InputError: a key is absent, NULL or twice; nothing is written.
            StoreError: the table cannot be written, or others kept winning, or changed these
                dates after ``since``.
        """
        table = to_arrow(scored) if isinstance(scored, pl.DataFrame) else scored
        days = validate_keys(table)
        if not days:
            return WriteResult(0, 0, self.table().version() if self._is_table() else -1)
        properties = CommitProperties(custom_metadata=to_remember(days, ledger or {}))
        for attempt in range(ATTEMPTS):
            try:
                version = self._write(table, days, properties, since)
                disputed = since is not None and version != since + 1
                return WriteResult(table.num_rows, len(days), version, conflict=disputed)
            except CommitFailedError as error:
                if since is not None:
                    raise write_conflict(self.uri) from error
                conflict = error
                pause(attempt)
            except (DeltaError, OSError, pa.ArrowException) as error:
                raise StoreError(f"{self.uri} cannot be written: {error}") from error
            except Exception as error:
                # delta-rs reports faults of its query engine, failed casts say, as bare Exception.
                if type(error) is not Exception:
                    raise
                raise StoreError(f"{self.uri} cannot be written: {error}") from error
        raise StoreError(
            f"{self.uri}: other writers won {ATTEMPTS} times; run it again. {conflict}"
        )

    def _write(
        self,
        table: pa.Table,
        days: Sequence[date],
        properties: CommitProperties,
        since: int | None,
    ) -> int:
        self.create(table.schema)
        target = self.table(since)
        named = ", ".join(f"'{day.isoformat()}'" for day in days)
        write_deltalake(
            target,
            table,
            mode="overwrite",
            schema_mode="merge",
            predicate=f"game_date IN ({named})",
            commit_properties=properties,
        )
        self._seen = True
        # The writer leaves target at the version that it made, whoever has committed since.
        return int(target.version())

    def create(self, schema: pa.Schema) -> None:
        """Make the table, if there is none yet.

        Raises:
            StoreError: there was one, and it is gone.
        """
        if self._is_table():
            return
        if self._seen:
            raise table_disappeared(self.uri)
        try:
            write_deltalake(
                self._place, schema.empty_table(), mode="error", configuration=CONFIGURATION
            )
        except DeltaError:
            # Another creator came first: fine if there is a table now, else a real fault.
            if not self._is_table():
                raise

    def version(self) -> int | None:
        """Version of the table as it is now; None if there is no table."""
        return int(self.table().version()) if self._is_table() else None

    def ledger(self) -> dict[date, LedgerEntry]:
        """What is remembered per date, from the table's own history.

        A change of rows by another tool forgets all dates that were written before it.
        """
        if not self._is_table():
            return {}
        out: dict[date, LedgerEntry] = {}
        seen: set[date] = set()
        for commit in self.table().history():
            remembered = _unpacked(commit.get(_KEY))
            if remembered is None:
                if _moves_no_row(commit):
                    continue
                break
            for day, entry in remembered.items():
                if day not in seen and entry is not None:
                    out[day] = entry
                seen.add(day)
        return out


def to_remember(days: Iterable[date], ledger: Mapping[date, LedgerEntry]) -> dict[str, str]:
    """What a commit of these days carries, for the ledger: an entry each, or that there is none."""
    entries = {d.isoformat(): _packed(ledger[d]) if d in ledger else None for d in days}
    return {_KEY: json.dumps(entries)}


def pause(attempt: int) -> None:
    """Wait before the next try, so that writers who collided do not do so again."""
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - only spreads tries


def _packed(entry: LedgerEntry) -> list[str | int]:
    return [entry.contract, entry.version, entry.fingerprint, entry.rows]


def _unpacked(text: Any) -> dict[date, LedgerEntry | None] | None:
    """What a commit remembers; None if its metadata is not fsq's."""
    try:
        days = {date.fromisoformat(day): packed for day, packed in json.loads(text).items()}
        return {day: packed and LedgerEntry(*packed) for day, packed in days.items()}
    except (TypeError, ValueError, AttributeError):
        return None


def _moves_no_row(commit: Mapping[str, Any]) -> bool:
    metrics = commit.get("operationMetrics") or {}
    # An overwrite by nothing adds no row either, but removes files.
    untouched = (metrics.get("num_added_files"), metrics.get("num_removed_files")) == (0, 0)
    return untouched or commit.get("operation") in _HARMLESS
