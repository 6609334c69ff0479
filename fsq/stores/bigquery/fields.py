"""The output's columns as BigQuery's schema fields, and carried columns by their Arrow types."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from google.cloud.bigquery import SchemaField

from fsq.errors import InputError
from fsq.schema import BIGQUERY_TYPES, COLUMNS, DETAIL_FIELDS, REPEATED, Column

_QUALITY = {column.name: column for column in COLUMNS}


def quality_fields() -> list[SchemaField]:
    """The 44 quality columns, with their descriptions, in their order.

    >>> quality_fields()[0].name, quality_fields()[0].mode, len(quality_fields()[0].fields)
    ('feature_quality_detail', 'REPEATED', 23)
    """
    return [_quality_field(c) for c in COLUMNS]


def _quality_field(column: Column) -> SchemaField:
    mode = "REPEATED" if column.kind in REPEATED else "NULLABLE"
    inner = [_quality_field(f) for f in DETAIL_FIELDS] if column.kind == "detail" else ()
    return SchemaField(
        column.name, BIGQUERY_TYPES[column.kind], mode, description=column.description, fields=inner
    )


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
            out.append(_quality_field(_QUALITY[field.name]))
            continue
        try:
            out.append(_carried_field(field))
        except KeyError:
            problems.append(f"column {field.name} is {field.type}; drop or cast it")
    if problems:
        raise InputError(problems, "the rows cannot be stored in BigQuery")
    return out


_KEYS = {"player_lookup": "Key: the player", "game_date": "Key and partition: the game's date"}


def _carried_field(field: pa.Field) -> SchemaField:
    kind, mode = field.type, "REQUIRED" if field.name in _KEYS else "NULLABLE"
    if pa.types.is_list(kind):
        kind, mode = kind.value_type, "REPEATED"
    inner = [_carried_field(f) for f in kind] if pa.types.is_struct(kind) else []
    name = next((bq for fits, bq in _TYPES if fits(kind)), None)
    if name is None:
        raise KeyError(field.name)
    told = _KEYS.get(field.name, "Carried through unchanged")
    return SchemaField(field.name, name, mode, description=told, fields=inner)


_TYPES = (
    (pa.types.is_string, "STRING"),
    (pa.types.is_integer, "INT64"),
    (pa.types.is_floating, "FLOAT64"),
    (pa.types.is_boolean, "BOOL"),
    (pa.types.is_date32, "DATE"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_binary, "BYTES"),
    (pa.types.is_struct, "STRUCT"),
)


def by_name(fields: Iterable[SchemaField]) -> dict[str, SchemaField]:
    """Fields by name; BigQuery's names do not tell cases apart, so these are lower case.

    >>> list(by_name([SchemaField("Game_Date", "DATE")]))
    ['game_date']
    """
    return {f.name.lower(): f for f in fields}
