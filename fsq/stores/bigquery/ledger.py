"""What is remembered of each date, in a small table beside the target."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from fsq.stores import Entry
from fsq.stores.bigquery.jobs import run
from fsq.stores.bigquery.names import TableName

_FIELDS = (
    ("game_date", "DATE", "REQUIRED", "The date"),
    ("contract", "STRING", "REQUIRED", "Name of the contract that it was scored with"),
    ("version", "STRING", "REQUIRED", "Hash of the contract"),
    ("fingerprint", "STRING", "REQUIRED", "Hash of the rows that went in"),
    ("row_count", "INT64", "REQUIRED", "How many rows went in"),
    ("quality_computed_at", "TIMESTAMP", "REQUIRED", "The stamp that its rows bear"),
)


def recall(client: Any, target: TableName) -> dict[date, Entry]:
    """The dates whose rows still bear the stamp that they were remembered with.

    A date that another writer has touched since is not among them: rows that it replaced have
    another stamp or none.
    """
    # A range that holds every date satisfies a table that requires a filter on its partitions.
    sql = f"""
    SELECT L.game_date, L.contract, L.version, L.fingerprint, L.row_count
    FROM {target.beside("ledger").sql} L
    JOIN (
      SELECT game_date, quality_computed_at, COUNT(*) AS stamped
      FROM {target.sql}
      WHERE game_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
      GROUP BY game_date, quality_computed_at
    ) T
    ON T.game_date = L.game_date
      AND T.quality_computed_at = L.quality_computed_at
      AND T.stamped = L.row_count
    """
    try:
        return {r[0]: Entry(*r.values()[1:]) for r in run(client, sql)}
    except NotFound:
        return {}


def remember(
    client: Any,
    target: TableName,
    stamps: Mapping[date, datetime],
    entries: Mapping[date, Entry],
) -> None:
    """Keep an entry for each stamped day that has one, and none for the others."""
    ledger = target.beside("ledger")
    table = bigquery.Table(
        ledger.dotted, schema=[bigquery.SchemaField(*f[:3], description=f[3]) for f in _FIELDS]
    )
    table.description = "What fsq remembers of each date, so that a backfill skips what is done"
    client.create_table(table, exists_ok=True)
    days = sorted(stamps)
    kept = [entries.get(day) for day in days]
    columns: dict[str, tuple[str, list[Any]]] = {
        "game_date": ("DATE", days),
        "contract": ("STRING", [e.contract if e else "" for e in kept]),
        "version": ("STRING", [e.version if e else "" for e in kept]),
        "fingerprint": ("STRING", [e.fingerprint if e else "" for e in kept]),
        "row_count": ("INT64", [e.rows if e else 0 for e in kept]),
        "quality_computed_at": ("TIMESTAMP", [stamps[day] for day in days]),
    }
    picked = ", ".join(f"@{n}[OFFSET(at)] AS {n}" for n in columns)
    sets = ", ".join(f"{n} = S.{n}" for n in columns if n != "game_date")
    sql = f"""
    MERGE {ledger.sql} T
    USING (
      SELECT {picked}
      FROM UNNEST(GENERATE_ARRAY(0, ARRAY_LENGTH(@game_date) - 1)) AS at
    ) S
    ON T.game_date = S.game_date
    WHEN MATCHED AND S.contract = '' THEN DELETE
    WHEN MATCHED THEN UPDATE SET {sets}
    WHEN NOT MATCHED AND S.contract != '' THEN
      INSERT ({", ".join(columns)}) VALUES ({", ".join(f"S.{n}" for n in columns)})
    """
    parameters = [bigquery.ArrayQueryParameter(n, kind, v) for n, (kind, v) in columns.items()]
    run(client, sql, *parameters)
