"""BigQuery schema fields for the output's columns, and for other columns by their Arrow types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pyarrow as pa
from google.cloud.bigquery import SchemaField, Table, TimePartitioning

import fsq.schema.bigquery as resource
from fsq.errors import InputError
from fsq.schema.output import OutputSchema
from fsq.stores.bigquery.ddl import choose_clusters
from fsq.stores.bigquery.names import TableName


def quality_fields(output: OutputSchema) -> list[SchemaField]:
    """The quality columns, with their descriptions, in order.

    >>> from fsq.contract import load_contract
    >>> detail = quality_fields(load_contract().output)[0]
    >>> detail.name, detail.mode, len(detail.fields)
    ('feature_quality_detail', 'REPEATED', 23)
    """
    return schema_fields(resource.field_for_column(c) for c in output.columns)


def schema_fields(fields: Iterable[resource.Field]) -> list[SchemaField]:
    """Fields for Google's client; properties that it does not know are kept."""
    return [SchemaField.from_api_repr(f) for f in fields]


def new_table(name: TableName, fields: Iterable[SchemaField], output: OutputSchema) -> Table:
    """Describe a new table, partitioned by its date and clustered by its keys.

    >>> from fsq.contract import load_contract
    >>> output = load_contract().output
    >>> new_table(TableName.parse("p.d.t"), [], output).time_partitioning.field == output.date
    True
    """
    table = Table(name.dotted, schema=fields)
    table.time_partitioning = TimePartitioning(field=output.date)
    table.clustering_fields = choose_clusters(output)
    return table


def table_fields(
    schema: pa.Schema, output: OutputSchema, source: Mapping[str, SchemaField] | None = None
) -> list[SchemaField]:
    """The fields of a table for rows of this Arrow schema; keys are REQUIRED.

    A key of integers is INT64, though the contract does not say which keys are. Columns that are
    carried along have the type that they have in ``source``, the table that they come from.

    Raises:
        InputError: columns have types that BigQuery lacks.

    >>> from fsq.contract import load_contract
    >>> schema = pa.schema({"quality_tier": pa.string(), "note": pa.int32()})
    >>> [f.field_type for f in table_fields(schema, load_contract().output)]
    ['STRING', 'INT64']
    """
    out: list[resource.Field] = []
    problems: list[str] = []
    quality = {c.name: c for c in output.columns}
    keys = {c.name: c for c in output.keys}
    for field in schema:
        if field.name in quality:
            out.append(resource.field_for_column(quality[field.name]))
        elif field.name in keys:
            key = keys[field.name]
            if key.type == "string" and pa.types.is_integer(field.type):
                key = replace(key, type="int")
            out.append(resource.field_for_column(key, "REQUIRED"))
        elif source and field.name in source:
            out.append(source[field.name].to_api_repr())
        else:
            try:
                out.append(resource.field_for_arrow(field, "Carried through unchanged"))
            except KeyError:
                problems.append(f"column {field.name} is {field.type}; drop or cast it")
    if problems:
        raise InputError(problems, "the rows cannot be stored in BigQuery")
    return schema_fields(out)
