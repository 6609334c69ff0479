"""What was written is counted where it lies: rows, and the elements of every array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud import bigquery

from fsq.errors import StoreError
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.merge import format_date_condition
from fsq.stores.bigquery.names import TableName, quote_column


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What rows amount to: their number, the elements of every array, and their stamps."""

    rows: int
    elements: dict[str, int]
    stamps: frozenset[datetime]

    @classmethod
    def of(cls, rows: pa.Table) -> RowCounts:
        """Count rows that are at hand."""
        arrays = [f.name for f in rows.schema if pa.types.is_list(f.type)]
        stamps = pc.unique(rows["quality_computed_at"]).to_pylist()
        return cls(rows.num_rows, {n: _count_elements(rows[n]) for n in arrays}, frozenset(stamps))

    def __add__(self, other: RowCounts) -> RowCounts:
        elements = {n: self.elements[n] + other.elements[n] for n in self.elements}
        return RowCounts(self.rows + other.rows, elements, self.stamps | other.stamps)


def verify_counts(
    what: str, wanted: RowCounts, table: TableName, client: Any, days: Sequence[date] | None = None
) -> None:
    """Hold what a table has against the rows that were written to it.

    Args:
        what: the word for the message: staged or merged.
        wanted: what was written.
        table: where.
        client: Google's BigQuery client.
        days: the dates to look at, for a table that has others too; of their rows those that
            bear a stamp of the written ones count.

    Raises:
        StoreError: it has more or fewer rows, or arrays of other lengths.
    """
    sums = [f"IFNULL(SUM(ARRAY_LENGTH({quote_column(name)})), 0)" for name in wanted.elements]
    where, stamps = "TRUE", []
    if days is not None:
        where = (
            f"{format_date_condition('game_date', days)} AND quality_computed_at IN UNNEST(@stamps)"
        )
        stamps = [bigquery.ArrayQueryParameter("stamps", "TIMESTAMP", sorted(wanted.stamps))]
    sql = f"SELECT {', '.join(['COUNT(*)', *sums])} FROM {table.sql} WHERE {where}"
    (held,) = run_query(client, sql, *stamps)
    told = [
        f"{name}: {there:,} in the place of {here:,}"
        for (name, here), there in zip(
            [("rows", wanted.rows), *wanted.elements.items()], held.values(), strict=True
        )
        if here != there
    ]
    if told:
        raise StoreError(
            f"{table.dotted} was {what} otherwise than sent: {'; '.join(told)}; "
            "somebody else may have written these dates; run it again"
        )


def _count_elements(column: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.list_value_length(column)).as_py() or 0)
