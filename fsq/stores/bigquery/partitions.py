"""How a table is partitioned, and the filter that it may require of everything that reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fsq.errors import InputError
from fsq.stores.bigquery.names import quote_column

# The pseudo-column of a table that is partitioned by the time at which rows arrived.
_INGESTION = "_PARTITIONTIME"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """How a table is partitioned.

    Attributes:
        column: what it is partitioned by; None for a table without partitions.
        unit: HOUR, DAY, MONTH or YEAR; RANGE for integers; None without partitions.
        required: statements and read sessions must restrict the column.
    """

    column: str | None = None
    unit: str | None = None
    required: bool = False

    @classmethod
    def of(cls, table: Any) -> Partitioning:
        """The partitioning of a table, as Google's client returns it.

        >>> from google.cloud.bigquery import Table, TimePartitioning
        >>> table = Table("p.d.t")
        >>> table.time_partitioning = TimePartitioning("MONTH", field="game_date")
        >>> Partitioning.of(table)
        Partitioning(column='game_date', unit='MONTH', required=False)
        """
        by_time, by_range = table.time_partitioning, table.range_partitioning
        if by_time is not None:
            # Older tables state it inside timePartitioning.
            nested = by_time.to_api_repr().get("requirePartitionFilter")
            required = bool(table.require_partition_filter or nested)
            return cls(by_time.field or _INGESTION, by_time.type_ or "DAY", required)
        if by_range is not None:
            return cls(by_range.field, "RANGE", bool(table.require_partition_filter))
        return cls()

    def is_by(self, date_column: str) -> bool:
        """Whether a condition on this column selects partitions."""
        return self.column is not None and self.column.lower() == date_column.lower()

    def conditions(self, date_column: str, alias: str = "") -> list[str]:
        """The condition that the table requires besides one on its dates; it holds for every row.

        >>> Partitioning("_PARTITIONTIME", "DAY", required=True).conditions("game_date", "T.")
        ['(T._PARTITIONTIME IS NOT NULL OR T._PARTITIONTIME IS NULL)']
        >>> Partitioning("game_date", "DAY", required=True).conditions("game_date")
        []
        """
        if not self.required or self.is_by(date_column):
            return []
        name = f"{alias}{self.quoted}"
        return [f"({name} IS NOT NULL OR {name} IS NULL)"]

    def count_scans(self, date_column: str, days: Sequence[date], commits: int) -> int:
        """How often a backfill's merges read each partition, if a commit takes some of the days.

        >>> january = [date(2026, 1, d) for d in range(1, 31)]
        >>> Partitioning("day", "MONTH").count_scans("day", january, 3)
        3
        >>> Partitioning("day", "DAY").count_scans("day", january, 3)
        1
        """
        if not self.is_by(date_column):
            return max(1, commits)  # all of it, each time
        units = len(self.list_partitions(days))
        # The days of a commit are neighbours: a partition is read by those that share it.
        return max(1, math.ceil((commits + units - 1) / units)) if units < len(days) else 1

    def list_partitions(self, days: Sequence[date]) -> set[tuple[int, ...]]:
        """The partitions of these dates."""
        length = {"YEAR": 1, "MONTH": 2}.get(self.unit or "", 3)
        return {d.timetuple()[:length] for d in days}

    @property
    def quoted(self) -> str:
        """The column for SQL; a pseudo-column is not quoted."""
        column = self.column or ""
        return column if column == _INGESTION else quote_column(column)


UNPARTITIONED = Partitioning()
# Partitions that one statement may change.
_MOST_PARTITIONS = 4_000


def require_lasting_partitions(table: Any, date_column: str, days: Sequence[date]) -> None:
    """Refuse dates that have already expired, and more partitions than a statement may change.

    Raises:
        InputError: with the dates, or the number of partitions.
    """
    partitioning = Partitioning.of(table)
    if not partitioning.is_by(date_column):
        return
    problems = []
    if (count := len(partitioning.list_partitions(days))) > _MOST_PARTITIONS:
        cure = f"commit fewer dates at a time; a statement may change {_MOST_PARTITIONS:,}"
        problems.append(f"the rows belong to {count:,} partitions; {cure}")
    expiration = table.time_partitioning and table.time_partitioning.expiration_ms
    if expiration:
        lifetime = timedelta(milliseconds=int(expiration))
        first = (datetime.now(UTC) - lifetime).date()
        if expired := [d for d in days if d < first]:
            option = "partition_expiration_days = NULL"
            problems.append(
                f"{len(expired):,} dates from {min(expired)} on are older than the "
                f"{lifetime.days:,} days after which the table deletes its partitions; start at "
                f"{first}, or: ALTER TABLE … SET OPTIONS ({option})"
            )
    if problems:
        raise InputError(problems, f"the rows cannot be kept in {table.table_id}")
