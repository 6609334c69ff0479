"""Types that only some writers have, as plain ones: JSON, 8-bit booleans, whole decimals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import polars as pl

from fsq.errors import InputError, short
from fsq.schema.polars_types import inner_type, is_changed, is_pattern, struct_fields

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def unwrap_extensions(rows: Frame, headline: str) -> Frame:
    """Columns of Arrow's extension types as what they are stored as.

    Args:
        rows: what has none is returned as it is.
        headline: what cannot be done with one inside a list or struct.

    Raises:
        InputError: a list or struct holds one.
    """
    schema = rows.collect_schema()
    if nested := [c for c, dtype in schema.items() if _holds_extension(dtype)]:
        problems = [f"{short(c)} is {schema[c]}; cast or drop it" for c in nested]
        raise InputError(problems, headline)
    wrapped = [c for c, t in schema.items() if isinstance(t, pl.BaseExtension)]
    wrapped = [c for c in wrapped if not is_pattern(c)]  # refused once names are validated
    return rows.with_columns(pl.col(c).ext.storage() for c in wrapped) if wrapped else rows


def _holds_extension(dtype: pl.DataType) -> bool:
    """Whether a type has an extension type inside."""
    inner: list[pl.DataType] = []
    if isinstance(dtype, pl.List | pl.Array):
        inner = [inner_type(dtype)]
    if isinstance(dtype, pl.Struct):
        inner = list(struct_fields(dtype).values())
    return any(isinstance(i, pl.BaseExtension) or _holds_extension(i) for i in inner)


def parse_keys(rows: Frame, keys: Iterable[str]) -> Frame:
    """Keys as integers where they are decimals without a fraction, as some databases have them.

    Args:
        rows: what needs no change is returned as it is.
        keys: columns that identify rows; those that are absent are passed over.

    >>> from decimal import Decimal
    >>> rows = pl.DataFrame({"player": [Decimal(23)], "season": ["2025-26"]})
    >>> dict(parse_keys(rows, ["player", "season"]).schema)
    {'player': Int64, 'season': String}
    """
    schema = rows.collect_schema()
    decimals = {k: t for k in keys if isinstance(t := schema.get(k), pl.Decimal)}
    if not decimals:
        return rows
    changed = [is_changed(pl.col(k), t, pl.Int64()).any().alias(k) for k, t in decimals.items()]
    found = rows.lazy().select(changed).collect(engine="streaming").row(0, named=True)
    return rows.with_columns(pl.col(k).cast(pl.Int64) for k in decimals if not found[k])
