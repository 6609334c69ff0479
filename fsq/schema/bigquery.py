"""Fields of a table in the format of BigQuery's REST API: plain data, without Google's clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from fsq.schema.columns import BIGQUERY_TYPES, DETAIL_FIELDS, REPEATED, Column
from fsq.schema.output import OutputSchema

Field = dict[str, Any]

# Older names of BigQuery's types, and the standard ones.
_STANDARD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_string, "STRING"),
    (pa.types.is_integer, "INT64"),
    (pa.types.is_floating, "FLOAT64"),
    (pa.types.is_boolean, "BOOL"),
    (pa.types.is_date32, "DATE"),
    (lambda t: pa.types.is_timestamp(t) and t.tz is None, "DATETIME"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_time64, "TIME"),
    (lambda t: fits_numeric(t), "NUMERIC"),
    (pa.types.is_binary, "BYTES"),
    (pa.types.is_struct, "STRUCT"),
)


def fits_numeric(dtype: pa.DataType) -> bool:
    """Whether every value of a decimal type fits into NUMERIC: 29 digits before the point, 9 after.

    >>> fits_numeric(pa.decimal128(12, 2)), fits_numeric(pa.decimal128(38, 20))
    (True, False)
    """
    if not pa.types.is_decimal(dtype):
        return False
    return bool(0 <= dtype.scale <= 9 and dtype.precision - dtype.scale <= 29)


def field_for_column(column: Column, mode: str | None = None) -> Field:
    """The field of an output column, with descriptions at every depth.

    >>> field = field_for_column(Column("quality_alerts", "strings", "Alerts of the record"))
    >>> field["type"], field["mode"]
    ('STRING', 'REPEATED')
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


def output_fields(output: OutputSchema) -> list[Field]:
    """The fields of a new table: the keys, then the quality columns."""
    return [
        *(field_for_column(c, "REQUIRED") for c in output.keys),
        *map(field_for_column, output.columns),
    ]


def field_for_arrow(field: pa.Field, description: str | None = None) -> Field:
    """The field of an Arrow column.

    Raises:
        KeyError: BigQuery has no such type.

    >>> field_for_arrow(pa.field("ids", pa.list_(pa.int32())))
    {'name': 'ids', 'type': 'INT64', 'mode': 'REPEATED'}
    """
    dtype, mode = field.type, "NULLABLE"
    if pa.types.is_list(dtype):
        dtype, mode = dtype.value_type, "REPEATED"
    name = next((name for matches, name in _TYPES if matches(dtype)), None)
    if name is None:
        raise KeyError(field.name)
    out: Field = {"name": field.name, "type": name, "mode": mode}
    if description is not None:
        out["description"] = description
    if pa.types.is_struct(dtype):
        out["fields"] = [field_for_arrow(f, description) for f in dtype]
    return out


def standard_type(name: str) -> str:
    """The name of a type in standard SQL.

    >>> standard_type("integer")
    'INT64'
    """
    return _STANDARD_NAMES.get(name.upper(), name.upper())


def sql_type(field: Field, *, with_fields: bool = True) -> str:
    """A field's type in SQL; without ``with_fields`` a struct is only called STRUCT.

    >>> sql_type({"type": "INTEGER", "mode": "REPEATED"})
    'ARRAY<INT64>'
    """
    name = standard_type(field["type"])
    if name == "STRUCT" and with_fields:
        inner = ", ".join(f"{f['name']} {sql_type(f)}" for f in field["fields"])
        name = f"STRUCT<{inner}>"
    return f"ARRAY<{name}>" if field.get("mode") == "REPEATED" else name
