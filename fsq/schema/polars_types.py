"""Types of Polars: which of them hold text, and what nested ones hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import polars as pl


def is_text(dtype: pl.DataType) -> bool:
    """Whether a column of this type holds text.

    >>> is_text(pl.Enum(["phase4"])), is_text(pl.Binary())
    (True, False)
    """
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def is_pattern(name: str) -> bool:
    """Whether Polars takes a column's name for a pattern of names.

    >>> is_pattern("*"), is_pattern("^line.*$"), is_pattern("box.points")
    (True, True, False)
    """
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def is_changed(value: pl.Expr, found: pl.DataType, other: pl.DataType) -> pl.Expr:
    """Whether a value of one type is another one when it comes back from a second type.

    >>> lines = pl.DataFrame({"line": [7.0, 7.6]})
    >>> lines.select(is_changed(pl.col("line"), pl.Float64(), pl.Int64()))["line"].to_list()
    [False, True]
    """
    return value.cast(other, strict=False).cast(found, strict=False).ne_missing(value)


def inner_type(dtype: pl.List | pl.Array) -> pl.DataType:
    """The type of a list's elements."""
    return cast(pl.DataType, dtype.inner)


def struct_fields(dtype: pl.Struct) -> dict[str, pl.DataType]:
    """A struct's fields and their types.

    >>> struct_fields(pl.Struct({"score": pl.Float64()}))
    {'score': Float64}
    """
    return {f.name: cast(pl.DataType, f.dtype) for f in dtype.fields}


def replace_types(dtype: pl.DataType, by: Callable[[pl.DataType], pl.DataType]) -> pl.DataType:
    """A type in which each that holds no others is replaced.

    >>> replace_types(pl.List(pl.Enum(["gold"])), decode_type)
    List(String)
    """
    if isinstance(dtype, pl.List):
        return pl.List(replace_types(inner_type(dtype), by))
    if isinstance(dtype, pl.Array):
        return pl.Array(replace_types(inner_type(dtype), by), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct({n: replace_types(field, by) for n, field in struct_fields(dtype).items()})
    return by(dtype)


def decode_type(dtype: pl.DataType) -> pl.DataType:
    """The type of the texts that codes stand for; of other types, the same."""
    return pl.String() if isinstance(dtype, pl.Categorical | pl.Enum) else dtype
