"""Conversion between Polars and Arrow, with the plain Arrow types that every store accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, cast

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, short

Convert: TypeAlias = Callable[[pa.DataType], pa.DataType]
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def plain_type(dtype: pa.DataType) -> pa.DataType:
    """Convert an Arrow type to the plain one that every store accepts.

    >>> plain_type(pa.large_list(pa.dictionary(pa.int8(), pa.large_utf8())))
    ListType(list<element: string>)
    """
    if pa.types.is_dictionary(dtype):
        return plain_type(dtype.value_type)
    if pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype) or pa.types.is_null(dtype):
        return pa.string()
    if pa.types.is_large_binary(dtype) or pa.types.is_binary_view(dtype):
        return pa.binary()
    if pa.types.is_timestamp(dtype):
        return pa.timestamp("us", "UTC")
    if pa.types.is_unsigned_integer(dtype):
        return pa.int64()
    if (
        pa.types.is_list(dtype)
        or pa.types.is_large_list(dtype)
        or pa.types.is_fixed_size_list(dtype)
    ):
        return pa.list_(pa.field("element", plain_type(dtype.value_type)))
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(f.name, plain_type(f.type)) for f in dtype])
    return dtype


def exact_type(dtype: pa.DataType) -> pa.DataType:
    """Like ``plain_type``, for a store that knows times of day, and moments without a zone.

    >>> exact_type(pa.list_(pa.timestamp("ns"))), exact_type(pa.large_utf8())
    (ListType(list<element: timestamp[us]>), DataType(string))
    """
    if pa.types.is_timestamp(dtype):
        return pa.timestamp("us", "UTC" if dtype.tz else None)
    if pa.types.is_time(dtype):
        return pa.time64("us")
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return pa.list_(pa.field("element", exact_type(dtype.value_type)))
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(f.name, exact_type(f.type)) for f in dtype])
    return plain_type(dtype)


def arrow_schema(schema: pl.Schema, convert: Convert = plain_type) -> pa.Schema:
    """The Arrow schema of a Polars schema, of plain types unless others are wanted.

    >>> arrow_schema(pl.Schema({"quality_tier": pl.String})).field(0).type
    DataType(string)
    """
    fields = pl.DataFrame(schema=schema).to_arrow().schema
    return pa.schema([pa.field(f.name, convert(f.type)) for f in fields])


def to_arrow(frame: pl.DataFrame, convert: Convert = plain_type) -> pa.Table:
    """Convert a frame to an Arrow table of plain types, whichever Polars would choose by default.

    ``convert`` chooses other types than ``plain_type``.

    >>> to_arrow(pl.DataFrame({"alerts": [["red"]]})).schema.field("alerts").type
    ListType(list<element: string>)
    """
    # Through Polars' own string views every string is copied once, through large strings twice;
    # but Arrow cannot build a dictionary's strings from views.
    encoded = any(_is_encoded(dtype) for dtype in frame.schema.values())
    level = pl.CompatLevel.oldest() if encoded else pl.CompatLevel.newest()
    return frame.to_arrow(compat_level=level).cast(arrow_schema(frame.schema, convert))


class ArrowStream(Protocol):
    """A table of any library that exports Arrow: pandas, DuckDB, Ibis, pyarrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface."""
        ...


def from_arrow(table: pa.Table | ArrowStream) -> pl.DataFrame:
    """Convert an Arrow table, or any table that exports Arrow, to a frame.

    Raises:
        InputError: it has a type that Polars does not know, or is damaged.

    >>> from_arrow(pa.table({"team_pace": [101.5]})).columns
    ['team_pace']
    """
    try:
        return pl.DataFrame(cast(Any, table))
    except BaseException as error:
        # On a damaged schema Polars panics, and a panic is not an Exception.
        panic = type(error).__name__ == "PanicException"
        if not panic and not isinstance(error, pl.exceptions.PolarsError):
            raise
        raise InputError([f"the Arrow table cannot be read: {short(error, 300)}"]) from error


def _is_encoded(dtype: pl.DataType) -> bool:
    """Whether a type holds strings as codes, at any depth."""
    if isinstance(dtype, pl.Struct):
        return any(_is_encoded(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    if isinstance(dtype, pl.List | pl.Array):
        return _is_encoded(dtype.inner)  # type: ignore[arg-type]
    return isinstance(dtype, pl.Categorical | pl.Enum)
