"""Conversion between Polars and Arrow, with the plain Arrow types that every store accepts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeAlias, cast

import polars as pl
import pyarrow as pa

from fsq.errors import InputError, short
from fsq.schema.polars_types import inner_type, is_changed, replace_types, struct_fields

Convert: TypeAlias = Callable[[pa.DataType], pa.DataType]
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_INT128 = pl.Int128 | pl.UInt128
# Digits after the point to try, when a decimal of up to 76 digits is to fit into Polars' 38.
_SCALES = (9, 18, 28, 37, 0)


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
    if any(is_list(dtype) for is_list in _LISTS):
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
    if any(is_list(dtype) for is_list in _LISTS):
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


def to_arrow(
    frame: pl.DataFrame, exact: Collection[str] = (), convert: Convert = plain_type
) -> pa.Table:
    """Convert a frame to an Arrow table of plain types, whichever Polars would choose by default.

    Args:
        frame: the rows.
        exact: columns whose values the plain type cannot hold, as ``find_inexact`` names them;
            they keep their own type.
        convert: chooses other types than ``plain_type``.

    >>> to_arrow(pl.DataFrame({"alerts": [["red"]]})).schema.field("alerts").type
    ListType(list<element: string>)
    """
    large = {c: dtype for c, dtype in frame.schema.items() if replace_types(dtype, _widen) != dtype}
    if large:  # Arrow has no such integers
        frame = frame.with_columns(
            pl.col(c).cast(replace_types(dtype, _widen if c in exact else _narrow))
            for c, dtype in large.items()
        )
    # Through Polars' own string views every string is copied once, through large strings twice;
    # but Arrow cannot build a dictionary's strings from views.
    encoded = any(_is_encoded(dtype) for dtype in frame.schema.values())
    level = pl.CompatLevel.oldest() if encoded else pl.CompatLevel.newest()
    table = frame.to_arrow(compat_level=level)
    schema = arrow_schema(frame.schema, convert)
    for column in set(exact).intersection(schema.names):
        own = table.schema.field(column)
        if pa.types.is_timestamp(own.type):
            own = own.with_type(pa.timestamp(own.type.unit, "UTC"))
        schema = schema.set(schema.get_field_index(column), own)
    return table.cast(schema)


def find_inexact(rows: pl.LazyFrame, columns: Collection[str]) -> list[str]:
    """Which of these columns have values that plain types cannot hold; others are not read.

    Raises:
        InputError: no type of Arrow's can hold them.

    >>> find_inexact(pl.LazyFrame({"row_hash": [2**64 - 1]}), ["row_hash"])
    ['row_hash']
    """
    schema = rows.collect_schema()
    narrow = {
        c: dtype for c in columns if (dtype := replace_types(schema[c], _narrow)) != schema[c]
    }
    found = _find_lost(rows, narrow)
    wide = {c: dtype for c in found if (dtype := replace_types(schema[c], _widen)) != schema[c]}
    if lost := _find_lost(rows, wide):
        problems = [f"{c} is {schema[c]} with over 38 digits; cast it to a string" for c in lost]
        raise InputError(problems, "the rows cannot be written")
    return found


def _find_lost(rows: pl.LazyFrame, types: dict[str, pl.DataType]) -> list[str]:
    """The columns in which a cast to these types changes a value; others are not read."""
    if not types:
        return []
    schema = rows.collect_schema()
    lost = rows.select(is_changed(pl.col(c), schema[c], dtype).any() for c, dtype in types.items())
    return [
        c for c, is_lost in lost.collect(engine="streaming").row(0, named=True).items() if is_lost
    ]


def _narrow(dtype: pl.DataType) -> pl.DataType:
    """The plain type, as Polars calls it, of one that may hold more."""
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "us":
        return pl.Datetime("us", dtype.time_zone)
    return pl.Int64() if isinstance(dtype, pl.UInt64 | _INT128) else dtype


def _widen(dtype: pl.DataType) -> pl.DataType:
    """A type that Arrow has, for integers that it lacks."""
    return pl.Decimal(38, 0) if isinstance(dtype, _INT128) else dtype


class ArrowStream(Protocol):
    """A table of any library that exports Arrow: pandas, DuckDB, Ibis, pyarrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface."""
        ...


def from_arrow(table: pa.Table | ArrowStream, numbers: Collection[str] = ()) -> pl.DataFrame:
    """Convert an Arrow table, or any table that exports Arrow, to a frame.

    Args:
        table: the table.
        numbers: lower-case names of columns that are read as floats, whatever their decimals.

    Raises:
        InputError: it has a type that Polars does not know, or is damaged.

    >>> from_arrow(pa.table({"team_pace": [101.5]})).columns
    ['team_pace']
    """
    schema = getattr(table, "schema", None)
    if isinstance(schema, pa.Schema) and (find_unreadable(schema) or has_wide_decimals(schema)):
        table = pa.table(cast(Any, table))  # of a stream, too, which can be read only once
    if isinstance(table, pa.Table):
        table = _narrow_decimals(table, numbers)
    try:
        return pl.DataFrame(cast(Any, table))
    except BaseException as error:
        # On a damaged schema Polars panics, and a panic is not an Exception.
        panic = type(error).__name__ == "PanicException"
        if not panic and not isinstance(error, pl.exceptions.PolarsError):
            raise
        if panic and not isinstance(table, pa.Table):  # Arrow says which column it is
            return from_arrow(pa.table(cast(Any, table)), numbers)
        raise InputError([f"the Arrow table cannot be read: {short(error, 300)}"]) from error


def find_unreadable(schema: pa.Schema) -> list[str]:
    """Columns of types that Polars does not know and panics over, one problem each.

    >>> find_unreadable(pa.schema([("tips", pa.list_view(pa.int8())), ("pace", pa.float64())]))
    ['tips is list_view<item: int8>, which cannot be read; cast or drop it']
    """
    return [
        f"{field.name} is {field.type}, which cannot be read; cast or drop it"
        for field in schema
        if _contains(field.type, _is_unknown)
    ]


def has_wide_decimals(schema: pa.Schema) -> bool:
    """Whether a column has decimals of more digits than Polars computes with."""
    return any(_contains(field.type, _is_wide) for field in schema)


def _is_wide(dtype: pa.DataType) -> bool:
    decoded = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    return bool(pa.types.is_decimal256(decoded))


def _narrow_decimals(table: pa.Table, numbers: Collection[str]) -> pa.Table:
    """The table with decimals that Polars can hold, and no type that it does not know.

    Raises:
        InputError: there are such, with the names of their columns.
    """
    problems = find_unreadable(table.schema)
    for i, column in enumerate(table.schema):
        kind = column.type
        if pa.types.is_dictionary(kind) and _is_wide(kind):
            kind = kind.value_type
            table = table.set_column(i, column.name, table[i].cast(kind))
        if _contains(kind, pa.types.is_decimal256):
            narrow = _narrow_decimal(table[i], column.name.lower() in numbers)
            if narrow is None:
                cure = "cast it to a float or a string"
                problems.append(f"{column.name} is {kind} and needs more than 38 digits; {cure}")
            else:
                table = table.set_column(i, column.name, narrow)
    if problems:
        raise InputError(problems, "the Arrow table cannot be read")
    return table


def _narrow_decimal(values: pa.ChunkedArray, is_number: bool) -> pa.ChunkedArray | None:
    """The values as floats, or as the decimal that keeps them all; None if there is no such."""
    if is_number:  # as texts: Arrow's own cast is off by a digit for many values
        texts = values.cast(_replace_decimals(values.type, pa.string()))
        return texts.cast(_replace_decimals(values.type, pa.float64()))
    for option in [pa.decimal128(38, scale) for scale in _SCALES]:
        try:
            return values.cast(_replace_decimals(values.type, option))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    return None


def _replace_decimals(dtype: pa.DataType, by: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal256(dtype):
        return by
    if any(is_list(dtype) for is_list in _LISTS):
        return pa.list_(_replace_decimals(dtype.value_type, by))
    if pa.types.is_struct(dtype):
        return pa.struct([pa.field(f.name, _replace_decimals(f.type, by)) for f in dtype])
    return dtype


def _contains(dtype: pa.DataType, test: Callable[[pa.DataType], bool]) -> bool:
    """Whether a type, or one inside it, is of some kind."""
    inner = (dtype.field(i).type for i in range(dtype.num_fields))
    return test(dtype) or any(_contains(i, test) for i in inner)


def _is_unknown(dtype: pa.DataType) -> bool:
    """Whether Polars cannot read a type; it panics over some."""
    views = pa.types.is_list_view(dtype) or pa.types.is_large_list_view(dtype)
    encoded = pa.types.is_run_end_encoded(dtype)
    other = pa.types.is_union(dtype) or pa.types.is_interval(dtype)
    return bool(views or encoded or other)


def _is_encoded(dtype: pl.DataType) -> bool:
    """Whether a type holds strings as codes, at any depth."""
    if isinstance(dtype, pl.Struct):
        return any(map(_is_encoded, struct_fields(dtype).values()))
    if isinstance(dtype, pl.List | pl.Array):
        return _is_encoded(inner_type(dtype))
    return isinstance(dtype, pl.Categorical | pl.Enum)
