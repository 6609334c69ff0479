"""Columns from the names of folders: ``game_date=2026-02-06/``, as Hive and Spark write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from urllib.parse import unquote

import polars as pl

from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text

Pairs = tuple[tuple[str, str | None], ...]
_NULL = "__HIVE_DEFAULT_PARTITION__"
_MOMENT = "%Y-%m-%d %H:%M:%S%.f"
_COMPACT, _DASHED = r"^(\d{4})(\d\d)(\d\d)$", "${1}-${2}-${3}"


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


def infer_value_types(
    files: Sequence[Pairs], dates: Collection[str] = ()
) -> dict[str, pl.DataType]:
    """The type of each column, which the values of all files have.

    Args:
        files: the values of each file's folders.
        dates: columns that hold dates, which may be written without dashes.

    >>> infer_value_types([(("day", "20260206"), ("hour", "07"))], ["day"])
    {'day': Date, 'hour': String}
    """
    values: dict[str, list[str]] = {}
    for pairs in files:
        for name, value in pairs:
            values.setdefault(name, []).extend([] if value is None else [value])
    return {
        name: _infer_type(tuple(dict.fromkeys(texts)), is_date=name in dates)
        for name, texts in values.items()
    }


@lru_cache(maxsize=64)
def _infer_type(texts: tuple[str, ...], *, is_date: bool) -> pl.DataType:
    """Dates, moments or integers where all texts are such; else texts."""
    column = pl.Series(texts, dtype=pl.String)
    if is_date:
        column = column.str.replace(_COMPACT, _DASHED)
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
        return pl.lit(texts.str.replace(_COMPACT, _DASHED).str.to_date("%Y-%m-%d")[0], dtype)
    if isinstance(dtype, pl.Datetime):
        return pl.lit(texts.str.to_datetime(_MOMENT, time_unit="us")[0], dtype)
    return pl.lit(None if text is None else texts.cast(dtype)[0], dtype)


def require_dates(rows: pl.LazyFrame, column: str, text: str | None, file: str) -> None:
    """Refuse a file whose own dates contradict the name of its folder; neither can be believed.

    Args:
        rows: the file's.
        column: the date.
        text: what the folder says of it.
        file: for the message.

    Raises:
        InputError: a row says otherwise.
    """
    dtype, value = rows.collect_schema()[column], pl.col(column)
    if isinstance(dtype, pl.Date | pl.Datetime):
        value = value.dt.date().cast(pl.String)
    elif not is_text(dtype):
        return  # validation says what it has to be
    said = None if text is None else pl.Series([text]).str.replace(_COMPACT, _DASHED)[0][:10]
    other = rows.filter(value.cast(pl.String).str.head(10).ne_missing(pl.lit(said, pl.String)))
    if found := other.select(value).head(1).collect(engine="streaming").to_series().to_list():
        problem = f"{file}: {column} is {short(str(found[0]))} in it, but its folder says"
        raise InputError([f"{problem} {column}={text}; move its rows, or rename the folder"])
