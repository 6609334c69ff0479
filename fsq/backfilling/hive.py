"""Columns from the names of folders: ``game_date=2026-02-06/``, as Hive and Spark write them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

import polars as pl

Pairs = tuple[tuple[str, str | None], ...]
_NULL = "__HIVE_DEFAULT_PARTITION__"
_MOMENT = "%Y-%m-%d %H:%M:%S%.f"


def read_folder_values(folders: Sequence[str]) -> Pairs:
    """The ``name=value`` folders right above a file, outermost first.

    Args:
        folders: the names of all folders above it, outermost first.

    >>> read_folder_values(("data", "day=2026-02-06", "place=a%20b"))
    (('day', '2026-02-06'), ('place', 'a b'))
    """
    pairs: list[tuple[str, str | None]] = []
    for folder in reversed(folders):
        name, equals, value = folder.partition("=")
        if not (name and equals):
            break
        pairs.append((unquote(name), None if value == _NULL else unquote(value)))
    return tuple(reversed(pairs))


def infer_value_types(files: Sequence[Pairs]) -> dict[str, pl.DataType]:
    """The type of each column, which the values of all files have."""
    values: dict[str, list[str]] = {}
    for pairs in files:
        for name, value in pairs:
            values.setdefault(name, []).extend([] if value is None else [value])
    return {name: _infer_type(tuple(dict.fromkeys(texts))) for name, texts in values.items()}


@lru_cache(maxsize=64)
def _infer_type(texts: tuple[str, ...]) -> pl.DataType:
    """Dates, moments or integers where all texts are such; else texts."""
    column = pl.Series(texts, dtype=pl.String)
    if not texts:
        return pl.Null()
    if not column.str.to_date("%Y-%m-%d", strict=False).has_nulls():
        return pl.Date()
    if not column.str.to_datetime(_MOMENT, strict=False).has_nulls():
        return pl.Datetime("us")
    # Digits that begin with 0 are no number: they would lose their zeros.
    digits = column.str.contains(r"^(0|[1-9][0-9]{0,17})$")
    return pl.Int64() if digits.all() else pl.String()


def parse_value(text: str | None, dtype: pl.DataType) -> pl.Expr:
    """A folder's value as a literal of its column's type."""
    texts = pl.Series([text], dtype=pl.String)
    if isinstance(dtype, pl.Date):
        return pl.lit(texts.str.to_date("%Y-%m-%d")[0], dtype)
    if isinstance(dtype, pl.Datetime):
        return pl.lit(texts.str.to_datetime(_MOMENT, time_unit="us")[0], dtype)
    return pl.lit(None if text is None else texts.cast(dtype)[0], dtype)
