"""Types of Polars: which of them hold text, and what nested ones hold."""

from __future__ import annotations

from typing import cast

import polars as pl


def is_text(dtype: pl.DataType) -> bool:
    """Whether a column of this type holds text.

    >>> is_text(pl.Enum(["phase4"])), is_text(pl.Binary())
    (True, False)
    """
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


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
