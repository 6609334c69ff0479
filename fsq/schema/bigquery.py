"""Fields of a table as BigQuery's REST API states them: plain data, without Google's clients."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from fsq.schema.columns import BIGQUERY_TYPES, COLUMNS, DETAIL_FIELDS, KEY_COLUMNS, REPEATED, Column

Field = dict[str, Any]

# BigQuery's names of one type, the older one first.
_SAME = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
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


def field_for_column(column: Column, mode: str | None = None) -> Field:
    """A column of the output, with its description at every depth.

    >>> field_for_column(COLUMNS[1])["type"], field_for_column(COLUMNS[1])["mode"]
    ('FLOAT64', 'NULLABLE')
    """
    mode = mode or ("REPEATED" if column.type in REPEATED else "NULLABLE")
    out: Field = {
        "name": column.name,
        "type": BIGQUERY_TYPES[column.type],
        "mode": mode,
        "description": column.description,
    }
    if column.type == "detail":
        out["fields"] = [field_for_column(f) for f in DETAIL_FIELDS]
    return out


def output_fields() -> list[Field]:
    """The fields of a table made from nothing: the keys, then the 44 quality columns."""
    return [
        *(field_for_column(c, "REQUIRED") for c in KEY_COLUMNS),
        *map(field_for_column, COLUMNS),
    ]


def field_for_arrow(field: pa.Field, told: str | None = None) -> Field:
    """A field of this Arrow type.

    Raises:
        KeyError: BigQuery has no like of it.

    >>> field_for_arrow(pa.field("ids", pa.list_(pa.int32())))
    {'name': 'ids', 'type': 'INT64', 'mode': 'REPEATED'}
    """
    kind, mode = field.type, "NULLABLE"
    if pa.types.is_list(kind):
        kind, mode = kind.value_type, "REPEATED"
    name = next((bq for fits, bq in _TYPES if fits(kind)), None)
    if name is None:
        raise KeyError(field.name)
    out: Field = {"name": field.name, "type": name, "mode": mode}
    if told is not None:
        out["description"] = told
    if pa.types.is_struct(kind):
        out["fields"] = [field_for_arrow(f, told) for f in kind]
    return out


def standard_type(kind: str) -> str:
    """A type by its one name in standard SQL.

    >>> standard_type("integer")
    'INT64'
    """
    return _SAME.get(kind.upper(), kind.upper())


def sql_type(field: Field, *, whole: bool = True) -> str:
    """A field's type in SQL; not ``whole`` leaves out what is in a struct.

    >>> sql_type({"type": "INTEGER", "mode": "REPEATED"})
    'ARRAY<INT64>'
    """
    name = standard_type(field["type"])
    if name == "STRUCT" and whole:
        inner = ", ".join(f"{f['name']} {sql_type(f)}" for f in field["fields"])
        name = f"STRUCT<{inner}>"
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name
