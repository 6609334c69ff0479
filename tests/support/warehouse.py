"""Tables of upstream's in a BigQuery, as a backfill meets them."""

from __future__ import annotations

import uuid

import polars as pl
from google.cloud import bigquery

from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import quality_fields, table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import Partitioning
from fsq.stores.bigquery.write import write_rows
from tests.support.frames import NAMES, legacy
from tests.support.v2 import OUTPUT

BY_DATE = bigquery.TimePartitioning(field="game_date")


def upstream_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Wide rows as upstream keeps them: arrays, where NaN stands for no value, and its own columns.

    BigQuery's arrays hold no NULL.
    """
    filled = rows.with_columns(pl.col(NAMES).fill_null(float("nan")))
    day = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    return legacy(filled).with_columns(
        updated_at=day + pl.duration(hours=10),
        note=pl.concat_str(pl.lit("of upstream: "), "player_lookup"),
        tags=pl.concat_list(pl.col("player_lookup"), pl.lit("tag")),
    )


def made(
    dataset: str,
    rows: pl.DataFrame,
    *,
    migrated: bool = True,
    partitioning: bigquery.TimePartitioning | None = BY_DATE,
    filtered: bool = False,
) -> str:
    """A new table with these rows; its URI. It may require a filter on its partitions."""
    name = f"{dataset}.t{uuid.uuid4().hex[:8]}"
    uri = f"bigquery://{name}"
    sent = to_arrow(rows)
    fields = table_fields(sent.schema, OUTPUT)
    if migrated:
        there = {f.name for f in fields}
        fields += [f for f in quality_fields(OUTPUT) if f.name not in there]
    table = bigquery.Table(name, schema=fields)
    table.time_partitioning = partitioning
    if filtered:
        table.require_partition_filter = True
    with open_clients("p") as clients:
        clients.tables.create_table(table)
        write_rows(clients.writer, TableName.parse(uri).path, sent)
    return uri


def held(uri: str) -> pl.DataFrame:
    """What a table holds, asked in SQL and not by the Storage Read API, in order of its keys."""
    with open_clients("p") as clients:
        name = TableName.parse(uri)
        required = Partitioning.of(clients.tables.get_table(name.dotted)).conditions("game_date")
        where = " AND ".join(["game_date > DATE '1000-01-01'", *required])
        sql = f"SELECT * FROM {name.sql} WHERE {where} ORDER BY game_date, player_lookup"
        found = clients.tables.query(sql).result().to_arrow(create_bqstorage_client=False)
    frame = pl.from_arrow(found)
    assert isinstance(frame, pl.DataFrame)
    return frame


def tables(dataset: str) -> set[str]:
    """The ids of the dataset's tables."""
    with open_clients("p") as clients:
        return {t.table_id for t in clients.tables.list_tables(dataset)}
