"""The output's columns as BigQuery's schema fields, and carried columns by their Arrow types."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from google.cloud.bigquery import SchemaField, Table, TimePartitioning

from fsq.errors import InputError
from fsq.schema import bigquery as resource
from fsq.schema.columns import COLUMNS, KEY_COLUMNS
from fsq.stores.bigquery.names import TableName

_KEYS = {column.name: column for column in KEY_COLUMNS}
_QUALITY = {column.name: column for column in COLUMNS}


def quality_fields() -> list[SchemaField]:
    """The 44 quality columns, with their descriptions, in their order.

    >>> quality_fields()[0].name, quality_fields()[0].mode, len(quality_fields()[0].fields)
    ('feature_quality_detail', 'REPEATED', 23)
    """
    return schema_fields(resource.field_for_column(c) for c in COLUMNS)


def schema_fields(fields: Iterable[resource.Field]) -> list[SchemaField]:
    """Fields for Google's client; what it does not know of them stays in them."""
    return [SchemaField.from_api_repr(f) for f in fields]


def new_table(name: TableName, fields: Iterable[SchemaField]) -> Table:
    """A table that is not made yet: a partition for each date, clustered by the player.

    >>> new_table(TableName.parse("p.d.t"), quality_fields()).clustering_fields
    ['player_lookup']
    """
    table = Table(name.dotted, schema=fields)
    table.time_partitioning = TimePartitioning(field="game_date")
    table.clustering_fields = ["player_lookup"]
    return table


def table_fields(schema: pa.Schema) -> list[SchemaField]:
    """The fields of a table that is to hold rows of this Arrow schema; keys are REQUIRED.

    Raises:
        InputError: columns whose types BigQuery has no like of.

    >>> [f.field_type for f in table_fields(pa.schema({"game_date": pa.date32()}))]
    ['DATE']
    """
    out, problems = [], []
    for field in schema:
        if field.name in _QUALITY:
            out.append(resource.field_for_column(_QUALITY[field.name]))
        elif field.name in _KEYS:
            out.append(resource.field_for_column(_KEYS[field.name], "REQUIRED"))
        else:
            try:
                out.append(resource.field_for_arrow(field, "Carried through unchanged"))
            except KeyError:
                problems.append(f"column {field.name} is {field.type}; drop or cast it")
    if problems:
        raise InputError(problems, "the rows cannot be stored in BigQuery")
    return schema_fields(out)


def by_name(fields: Iterable[SchemaField]) -> dict[str, SchemaField]:
    """Fields by name; BigQuery's names do not tell cases apart, so these are lower case.

    >>> list(by_name([SchemaField("Game_Date", "DATE")]))
    ['game_date']
    """
    return {f.name.lower(): f for f in fields}
