"""Verification of writes: rows and array elements are counted in the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud import bigquery

from fsq.errors import StoreError
from fsq.stores.bigquery.jobs import run_aggregate
from fsq.stores.bigquery.names import TableName, quote_column


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Counts that identify a set of rows.

    Attributes:
        rows: number of rows.
        elements: number of elements of each array column.
        stamps: when the rows were scored.
    """

    rows: int
    elements: dict[str, int]
    stamps: frozenset[datetime]

    @classmethod
    def of(cls, rows: pa.Table) -> RowCounts:
        """Count rows in memory."""
        arrays = [f.name for f in rows.schema if pa.types.is_list(f.type)]
        stamps = pc.unique(rows["quality_computed_at"]).to_pylist()
        return cls(rows.num_rows, {n: _count_elements(rows[n]) for n in arrays}, frozenset(stamps))

    def __add__(self, other: RowCounts) -> RowCounts:
        elements = {n: self.elements[n] + other.elements[n] for n in self.elements}
        return RowCounts(self.rows + other.rows, elements, self.stamps | other.stamps)


def verify_counts(
    what: str, written: RowCounts, table: TableName, client: Any, dates: str | None = None
) -> None:
    """Compare the rows of a table with those written to it.

    Args:
        what: staged or merged, for the message.
        written: counts of the written rows.
        table: the table.
        client: Google's BigQuery client.
        dates: a condition for the dates to count, for a table that has others too; only rows
            with a stamp of the written rows count.

    Raises:
        StoreError: the number of rows or of array elements differs.
    """
    sums = [f"IFNULL(SUM(ARRAY_LENGTH({quote_column(name)})), 0)" for name in written.elements]
    where, stamps = "TRUE", []
    if dates is not None:
        where = f"{dates} AND quality_computed_at IN UNNEST(@stamps)"
        stamps = [bigquery.ArrayQueryParameter("stamps", "TIMESTAMP", sorted(written.stamps))]
    sql = f"SELECT {', '.join(['COUNT(*)', *sums])} FROM {table.sql} WHERE {where}"
    counts = run_aggregate(client, sql, *stamps)
    differences = [
        f"{name}: {found:,} instead of {expected:,}"
        for (name, expected), found in zip(
            [("rows", written.rows), *written.elements.items()], counts.values(), strict=True
        )
        if expected != found
    ]
    if differences:
        raise StoreError(
            f"{table.dotted}: the {what} rows differ from those sent: {'; '.join(differences)}; "
            "another writer may have changed these dates; run it again"
        )


def _count_elements(column: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.list_value_length(column)).as_py() or 0)
