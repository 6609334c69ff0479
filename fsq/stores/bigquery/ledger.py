"""The ledger of a BigQuery table: a small table beside it, with one row per date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from google.cloud import bigquery

from fsq.stores.base import LedgerEntry
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import EVERY_DATE, TableName, quote_column
from fsq.stores.bigquery.own import ensure_own_table, find_own_table
from fsq.stores.bigquery.partitions import Partitioning

_FIELDS = (
    ("contract", "STRING", "REQUIRED", "Name of the contract it was scored with"),
    ("version", "STRING", "REQUIRED", "Hash of the contract"),
    ("fingerprint", "STRING", "REQUIRED", "Hash of the input rows"),
    ("row_count", "INT64", "REQUIRED", "Number of input rows"),
    ("quality_computed_at", "TIMESTAMP", "REQUIRED", "When its rows were scored"),
)


def read_ledger(
    client: Any, target: TableName, partitioning: Partitioning, date_column: str
) -> dict[date, LedgerEntry]:
    """The entry of each date whose rows still have the recorded time stamp.

    Dates that another writer has changed since are left out: the rows it wrote have another time
    stamp, or none.

    Args:
        client: Google's BigQuery client.
        target: the table whose ledger it is.
        partitioning: of the table.
        date_column: the table's column of dates; the ledger's has the same name.
    """
    ledger = find_own_table(client, target, "ledger")
    if ledger is None:
        return {}
    day = quote_column(date_column)
    # A range of all dates satisfies tables that require a filter on them.
    every = [f"{day} {EVERY_DATE}", *partitioning.conditions(date_column)]
    sql = f"""
    SELECT L.{day}, L.contract, L.version, L.fingerprint, L.row_count
    FROM {ledger.sql} L
    JOIN (
      SELECT {day}, quality_computed_at, COUNT(*) AS stamped
      FROM {target.sql}
      WHERE {" AND ".join(every)}
      GROUP BY {day}, quality_computed_at
    ) T
    ON T.{day} = L.{day}
      AND T.quality_computed_at = L.quality_computed_at
      AND T.stamped = L.row_count
    """
    return {r[0]: LedgerEntry(*r.values()[1:]) for r in run_query(client, sql)}


def write_ledger(
    client: Any,
    target: TableName,
    date_column: str,
    stamps: Mapping[date, datetime],
    entries: Mapping[date, LedgerEntry],
) -> None:
    """Write the entry of each date in ``stamps``; dates without one lose theirs."""
    day = quote_column(date_column)
    fields = ((date_column, "DATE", "REQUIRED", "The date"), *_FIELDS)
    schema = [bigquery.SchemaField(*f[:3], description=f[3]) for f in fields]
    description = "What fsq knows about each date, so that a backfill skips what is up to date"
    ledger = ensure_own_table(client, target, "ledger", schema, description)
    names = [quote_column(name) for name, *_ in fields]
    rows = [
        bigquery.StructQueryParameter(
            None,
            *(
                bigquery.ScalarQueryParameter(name, kind, value)
                for (name, kind, *_), value in zip(fields, _to_row(d, stamps, entries), strict=True)
            ),
        )
        for d in sorted(stamps)
    ]
    sets = ", ".join(f"{n} = S.{n}" for n in names if n != day)
    sql = f"""
    MERGE {ledger.sql} T
    USING (SELECT {", ".join(f"r.{n}" for n in names)} FROM UNNEST(@rows) AS r) S
    ON T.{day} = S.{day}
    WHEN MATCHED AND S.contract IS NULL THEN DELETE
    WHEN MATCHED THEN UPDATE SET {sets}
    WHEN NOT MATCHED AND S.contract IS NOT NULL THEN
      INSERT ({", ".join(names)}) VALUES ({", ".join(f"S.{n}" for n in names)})
    """
    run_query(client, sql, bigquery.ArrayQueryParameter("rows", "STRUCT", rows))


def _to_row(
    day: date, stamps: Mapping[date, datetime], entries: Mapping[date, LedgerEntry]
) -> tuple[Any, ...]:
    e = entries.get(day)
    values = (e.contract, e.version, e.fingerprint, e.rows) if e else (None,) * 4
    return (day, *values, stamps[day])
