"""The output as Arrow: the plain types that every store takes, and the way there and back."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, short
from fsq.schema.columns import KEY_COLUMNS, POLARS_SCHEMA, POLARS_TYPES


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The plain Arrow type that every store takes: utf8, list, microseconds in UTC, int64.

    >>> plain_type(pa.large_list(pa.dictionary(pa.int8(), pa.large_utf8())))
    ListType(list<element: string>)
    """
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if pa.types.is_unsigned_integer(kind):
        return pa.int64()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(pa.field("element", plain_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in kind])
    return kind


def arrow_schema(schema: pl.Schema) -> pa.Schema:
    """The plain Arrow schema of a Polars schema.

    >>> arrow_schema(pl.Schema({"quality_tier": pl.String})).field(0).type
    DataType(string)
    """
    fields = pl.DataFrame(schema=schema).to_arrow().schema
    return pa.schema([pa.field(f.name, plain_type(f.type)) for f in fields])


def to_arrow(frame: pl.DataFrame) -> pa.Table:
    """The frame as an Arrow table of plain types, whatever Polars would choose by itself.

    >>> to_arrow(pl.DataFrame({"alerts": [["red"]]})).schema.field("alerts").type
    ListType(list<element: string>)
    """
    # From Polars' own string views every string is copied once, through large strings twice; but
    # Arrow cannot take the words of a dictionary from views.
    encoded = any(_encoded(kind) for kind in frame.schema.values())
    level = pl.CompatLevel.oldest() if encoded else pl.CompatLevel.newest()
    return frame.to_arrow(compat_level=level).cast(arrow_schema(frame.schema))


def from_arrow(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a frame.

    Raises:
        InputError: it has types that Polars does not know, or is damaged.

    >>> from_arrow(pa.table({"team_pace": [101.5]})).columns
    ['team_pace']
    """
    try:
        return pl.DataFrame(table)
    except BaseException as error:
        # Over a damaged schema Polars panics, which is no Exception.
        panic = type(error).__name__ == "PanicException"
        if not panic and not isinstance(error, pl.exceptions.PolarsError):
            raise
        raise InputError([f"the Arrow table cannot be read: {short(error, 300)}"]) from error


def _encoded(kind: pl.DataType) -> bool:
    """Whether a type holds words as codes, at any depth."""
    if isinstance(kind, pl.Struct):
        return any(_encoded(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
    if isinstance(kind, pl.List | pl.Array):
        return _encoded(kind.inner)  # type: ignore[arg-type]
    return isinstance(kind, pl.Categorical | pl.Enum)


ARROW_SCHEMA = arrow_schema(POLARS_SCHEMA)
# A table made from nothing: a row per player and date, and its quality.
TABLE_SCHEMA = arrow_schema(
    pl.Schema({c.name: POLARS_TYPES[c.type] for c in KEY_COLUMNS} | POLARS_SCHEMA)
)
