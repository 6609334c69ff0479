"""BigQuery schema fields for the output's columns, and for other columns by their Arrow types."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from google.cloud.bigquery import SchemaField, Table, TimePartitioning

from fsq.contract.v2 import COLUMNS, KEY_COLUMNS
from fsq.errors import InputError
from fsq.schema import bigquery as resource
from fsq.stores.bigquery.names import TableName

_KEYS = {column.name: column for column in KEY_COLUMNS}
_QUALITY = {column.name: column for column in COLUMNS}


def quality_fields() -> list[SchemaField]:
    """The 44 quality columns, with their descriptions, in order.

    >>> quality_fields()[0].name, quality_fields()[0].mode, len(quality_fields()[0].fields)
    ('feature_quality_detail', 'REPEATED', 23)
    """
    return schema_fields(resource.field_for_column(c) for c in COLUMNS)


def schema_fields(fields: Iterable[resource.Field]) -> list[SchemaField]:
    """Fields for Google's client; properties that it does not know are kept."""
    return [SchemaField.from_api_repr(f) for f in fields]


def new_table(name: TableName, fields: Iterable[SchemaField]) -> Table:
    """Describe a new table, partitioned by date and clustered by player.

    >>> new_table(TableName.parse("p.d.t"), quality_fields()).clustering_fields
    ['player_lookup']
    """
    table = Table(name.dotted, schema=fields)
    table.time_partitioning = TimePartitioning(field="game_date")
    table.clustering_fields = ["player_lookup"]
    return table


def table_fields(schema: pa.Schema) -> list[SchemaField]:
    """The fields of a table for rows of this Arrow schema; keys are REQUIRED.

    Raises:
        InputError: columns have types that BigQuery lacks.

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
