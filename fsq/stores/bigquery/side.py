"""Side tables of a BigQuery table, replaced by one MERGE each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import polars as pl
from google.cloud import bigquery

from fsq.schema.bigquery import standard_type
from fsq.stores.bigquery.columns import PLAIN_TYPES
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import TableName, quote_column
from fsq.stores.bigquery.own import ensure_own_table, find_own_table
from fsq.stores.side import SideConflictError, SideTable

# The first row is a header: it states the version even if there are no other rows.
_POSITION, _VERSION, _WRITER = "fsq_position", "fsq_version", "fsq_writer"
_OWN = {_POSITION: pl.Int64, _VERSION: pl.Int64, _WRITER: pl.String}


def load_side(client: Any, target: TableName, name: str) -> SideTable | None:
    """Load a side table of a table; None if there is none."""
    place = find_own_table(client, target, name)
    if place is None:
        return None
    fields = client.get_table(place.dotted).schema
    schema = {f.name: PLAIN_TYPES[standard_type(f.field_type)] for f in fields}
    columns = ", ".join(quote_column(c) for c in schema)
    sql = f"SELECT {columns} FROM {place.sql} ORDER BY {quote_column(_POSITION)}"
    rows = [tuple(row.values()) for row in run_query(client, sql)]
    if not rows:
        return None
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    version = int(frame[_VERSION][0])
    if not version:  # another writer is about to write it for the first time
        return None
    return SideTable(frame.filter(pl.col(_POSITION) > 0).drop(*_OWN), version)


def save_side(
    client: Any, target: TableName, name: str, frame: pl.DataFrame, since: int | None, uri: str
) -> None:
    """Replace a side table, if it still has this version.

    Raises:
        SideConflictError: it has another one.
    """
    writer = secrets.token_hex(8)
    kinds = {c: _find_kind(dtype) for c, dtype in (_OWN | dict(frame.schema)).items()}
    place = _create(client, target, name, kinds)
    rows = frame.select(
        pl.int_range(1, pl.len() + 1).alias(_POSITION),
        pl.lit((since or 0) + 1, pl.Int64).alias(_VERSION),
        pl.lit(writer).alias(_WRITER),
        pl.all(),
    ).rows()
    header = (0, (since or 0) + 1, writer, *[None] * frame.width)
    records = [_make_struct(kinds, row) for row in (header, *rows)]
    names = ", ".join(quote_column(c) for c in kinds)
    values = ", ".join(f"S.{quote_column(c)}" for c in kinds)
    version = quote_column(_VERSION)
    # If another writer has made a newer version, there is nothing to insert or delete.
    sql = f"""
    MERGE {place.sql} T
    USING (
      SELECT {", ".join(f"r.{quote_column(c)}" for c in kinds)} FROM UNNEST(@rows) AS r
      WHERE (SELECT MAX({version}) FROM {place.sql}) = @since
    ) S
    ON FALSE
    WHEN NOT MATCHED BY TARGET THEN INSERT ({names}) VALUES ({values})
    WHEN NOT MATCHED BY SOURCE AND T.{version} = @since THEN DELETE
    """
    parameters = [
        bigquery.ArrayQueryParameter("rows", "STRUCT", records),
        bigquery.ScalarQueryParameter("since", "INT64", since or 0),
    ]
    run_query(client, sql, *parameters)
    check = f"SELECT {quote_column(_WRITER)} FROM {place.sql} WHERE {version} > @since"
    after = [bigquery.ScalarQueryParameter("since", "INT64", since or 0)]
    if writer not in {row[0] for row in run_query(client, check, *after)}:
        raise SideConflictError(uri, name)


def _create(client: Any, target: TableName, name: str, kinds: Mapping[str, str]) -> TableName:
    """Create the table with its header, or add the columns that it lacks.

    The header is there from the start, so that two first writers change the same row, which is a
    conflict, instead of each adding rows.
    """
    values = {_POSITION: "0", _VERSION: "0", _WRITER: "''"}
    fields = [bigquery.SchemaField(c, kind) for c, kind in kinds.items()]
    header = [f"CAST({values.get(c, 'NULL')} AS {kind})" for c, kind in kinds.items()]
    description = "What fsq knows about the table that it is named after"
    place = ensure_own_table(client, target, name, fields, description, header)
    existing = client.get_table(place.dotted)
    there = {f.name for f in existing.schema}
    if missing := [f for f in fields if f.name not in there]:
        existing.schema = [*existing.schema, *missing]
        client.update_table(existing, ["schema"])
    return place


def _find_kind(dtype: Any) -> str:
    return next(kind for kind, known in PLAIN_TYPES.items() if known == dtype)


def _make_struct(kinds: Mapping[str, str], row: tuple[Any, ...]) -> Any:
    fields = [
        bigquery.ScalarQueryParameter(column, kind, value)
        for (column, kind), value in zip(kinds.items(), row, strict=True)
    ]
    return bigquery.StructQueryParameter(None, *fields)
