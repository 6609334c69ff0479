"""How a table is partitioned, and the filter that it may require of everything that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
            # Older resources state it beside the column.
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

    @property
    def quoted(self) -> str:
        """The column for SQL; a pseudo-column is not quoted."""
        column = self.column or ""
        return column if column == _INGESTION else quote_column(column)


UNPARTITIONED = Partitioning()
