"""Columns of a table as Polars reads them, known from its schema before any row is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from google.cloud.bigquery import SchemaField

from fsq.errors import StoreError
from fsq.schema.bigquery import standard_type
from fsq.schema.columns import DETAIL
from fsq.schema.nested import detail_field, dotted_name

PLAIN_TYPES: dict[str, pl.DataType] = {
    "STRING": pl.String(),
    "JSON": pl.String(),
    "GEOGRAPHY": pl.String(),
    "BYTES": pl.Binary(),
    "INT64": pl.Int64(),
    "FLOAT64": pl.Float64(),
    "BOOL": pl.Boolean(),
    "DATE": pl.Date(),
    "TIME": pl.Time(),
    "DATETIME": pl.Datetime("us"),
    "TIMESTAMP": pl.Datetime("us", "UTC"),
}
# Stands for a type that Polars lacks; not Null, since Polars would count rows by such a column.
_UNREADABLE = pl.Binary()
_NUMERIC_SCALE = 9  # digits after the point, unless the column says another number


def polars_type(field: SchemaField) -> pl.DataType | None:
    """The type of a field's values in Polars; None if Polars has none for it.

    >>> polars_type(SchemaField("tags", "STRING", "REPEATED"))
    List(String)
    >>> polars_type(SchemaField("price", "BIGNUMERIC")) is None
    True
    """
    name = standard_type(field.field_type)
    found: pl.DataType | None = PLAIN_TYPES.get(name)
    if name == "NUMERIC":
        plain = field.precision is None
        found = pl.Decimal(38, _NUMERIC_SCALE) if plain else pl.Decimal(38, field.scale or 0)
    elif name == "STRUCT":
        inner = {f.name: polars_type(f) for f in field.fields}
        known = {n: t for n, t in inner.items() if t is not None}
        found = pl.Struct(known) if len(known) == len(inner) else None
    return pl.List(found) if found is not None and field.mode == "REPEATED" else found


def table_schema(
    fields: Iterable[SchemaField],
    columns: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> pl.Schema:
    """The columns of a table and their types in Polars.

    Args:
        fields: of the table.
        columns: those that are wanted; None for all. A field of the detail, such as
            ``feature_quality_detail.is_default``, leaves its other fields out.
        parts: fields of the detail that are wanted, where it is wanted as a whole; None for all.

    Returns:
        The types; Binary for a column that Polars cannot read, which only matters once it is.

    >>> dict(table_schema([SchemaField("n", "INTEGER"), SchemaField("place", "INTERVAL")]))
    {'n': Int64, 'place': Binary}
    """
    named = {detail_field(c) or "" for c in columns or ()} - {""}
    out = {}
    for field in fields:
        if field.name == DETAIL and named and DETAIL not in (columns or ()):
            out[field.name] = _choose_parts(field, named)
        elif columns is None or field.name in columns:
            whole = field.name != DETAIL or parts is None
            out[field.name] = field if whole else _choose_parts(field, set(parts or ()))
    return pl.Schema({n: polars_type(f) or _UNREADABLE for n, f in out.items()})


def _choose_parts(field: SchemaField, names: set[str]) -> SchemaField:
    inner = [f.to_api_repr() for f in field.fields if f.name in names]
    return SchemaField.from_api_repr(field.to_api_repr() | {"fields": inner})


def list_paths(schema: pl.Schema, fields: Iterable[SchemaField], names: Iterable[str]) -> list[str]:
    """``selected_fields`` for these columns: a part of the detail is asked for by its fields.

    Raises:
        StoreError: one of them has a type that Polars cannot read.
    """
    known = {f.name: f for f in fields}
    out: list[str] = []
    for name in sorted(names):
        field = known[name]
        if polars_type(field) is None:
            raise unreadable(field)
        read, whole = _struct_names(schema[name]), [f.name for f in field.fields]
        out += [dotted_name(n) for n in read] if name == DETAIL and read != whole else [name]
    return out


def _struct_names(dtype: pl.DataType) -> list[str]:
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    return [f.name for f in inner.fields] if isinstance(inner, pl.Struct) else []


def unreadable(field: SchemaField) -> StoreError:
    """The error for a column that Polars cannot read."""
    kind = field.field_type.upper()
    problem = f"column {field.name} is {kind}, which Polars cannot hold"
    cure = f"leave it out, or read a table that has CAST({field.name} AS STRING) in its place"
    return StoreError(f"{problem}; {cure}")
