"""Where the rows of a BigQuery table come from: the last row of a small table beside it."""

from __future__ import annotations

from typing import Any

from google.cloud import bigquery

from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.own import ensure_own_table, find_own_table
from fsq.stores.origin import Origin, parse_origin

_FIELDS = (
    ("contract", "STRING", "REQUIRED", "Name of the contract of the rows"),
    ("version", "STRING", "REQUIRED", "Hash of the contract"),
    ("origin", "STRING", "REQUIRED", "The whole contract and the source, as JSON"),
    ("recorded_at", "TIMESTAMP", "REQUIRED", "When it was recorded"),
)


def read_origin(client: Any, target: TableName, uri: str) -> Origin | None:
    """What was recorded last; None if nothing was.

    Raises:
        StoreError: this version of fsq cannot read it.
    """
    place = find_own_table(client, target, "origin")
    if place is None:  # a query of a missing table may fail with another error
        return None
    sql = f"SELECT origin FROM {place.sql} ORDER BY recorded_at DESC LIMIT 1"
    rows = run_query(client, sql)
    return parse_origin(rows[0][0], uri) if rows else None


def write_origin(client: Any, target: TableName, origin: Origin) -> None:
    """Record it; running this twice does no harm."""
    fields = [bigquery.SchemaField(*f[:3], description=f[3]) for f in _FIELDS]
    description = "The contract and the source with which fsq filled the table"
    place = ensure_own_table(client, target, "origin", fields, description)
    contract = origin.contract
    values = (contract.name, contract.version_hash, origin.to_json())
    parameters = [
        bigquery.ScalarQueryParameter(f[0], f[1], v)
        for f, v in zip(_FIELDS[:-1], values, strict=True)
    ]
    # By the service's clock, and after what is there: the clocks of writers differ, and jump.
    sql = f"""
    INSERT INTO {place.sql} ({", ".join(f[0] for f in _FIELDS)})
    SELECT @contract, @version, @origin, GREATEST(
      CURRENT_TIMESTAMP(),
      COALESCE(TIMESTAMP_ADD(MAX(recorded_at), INTERVAL 1 MICROSECOND), CURRENT_TIMESTAMP())
    )
    FROM {place.sql}
    """
    run_query(client, sql, *parameters)
