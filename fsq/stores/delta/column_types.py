"""The types of a Delta table's columns, and whether rows fit them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import polars as pl
from deltalake import DeltaTable

from fsq.intake.formats import list_moments
from fsq.schema.polars_types import inner_type, struct_fields
from fsq.stores.column_fit import ColumnFit, fit_columns

# Types that Delta has, too.
_SAME = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.Decimal,
    pl.String, pl.Binary, pl.Boolean, pl.Date,
)  # fmt: skip


def delta_type(dtype: pl.DataType) -> pl.DataType | None:
    """The type of a new column for values of this type; None if Delta has nothing like it.

    >>> delta_type(pl.UInt8()), delta_type(pl.Time())
    (Int64, None)
    """
    if isinstance(dtype, _SAME):
        return dtype
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return pl.String()
    if isinstance(dtype, pl.Float16):
        return pl.Float32()
    if dtype.is_integer():
        return pl.Int64()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC")
    if isinstance(dtype, pl.List | pl.Array):
        inner = delta_type(inner_type(dtype))
        return None if inner is None else pl.List(inner)
    if isinstance(dtype, pl.Map):
        key, value = (delta_type(cast(pl.DataType, t)) for t in (dtype.key, dtype.value))
        return None if key is None or value is None else pl.Map(key, value)
    if dtype.is_extension():
        return delta_type(dtype.ext_storage())  # type: ignore[attr-defined]
    if isinstance(dtype, pl.Struct):
        fields = {name: delta_type(inner) for name, inner in struct_fields(dtype).items()}
        known = {name: inner for name, inner in fields.items() if inner is not None}
        return pl.Struct(known) if known and len(known) == len(fields) else None
    return None


def fit_to_table(
    uri: str, columns: Mapping[str, pl.DataType], table: DeltaTable | None
) -> ColumnFit:
    """How rows of these columns fit a table; None if there is none yet."""
    if table is None:
        return fit_columns(uri, columns, None, delta_type, list_moments(columns))
    schema = table.schema()
    required = [f.name for f in schema.fields if not f.nullable]
    generated = [f.name for f in schema.fields if "delta.generationExpression" in f.metadata]
    return fit_columns(
        uri,
        columns,
        pl.Schema(schema),
        delta_type,
        list_moments(columns),
        required=[c for c in required if c not in generated],
    )
