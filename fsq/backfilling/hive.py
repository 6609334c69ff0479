"""Columns from the names of folders: ``game_date=2026-02-06/``, as Hive and Spark write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import takewhile
from urllib.parse import unquote

import polars as pl

from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text

Pairs = tuple[tuple[str, str | None], ...]
_NULL = "__HIVE_DEFAULT_PARTITION__"
_MOMENT = "%Y-%m-%d %H:%M:%S%.f"
_MIDNIGHT = r"^(\d{4}-\d\d-\d\d)[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?$"
_COMPACT, _DASHED = r"^(\d{4})(\d\d)(\d\d)$", "${1}-${2}-${3}"


def read_folder_values(folders: Sequence[str], above: int = 0) -> Pairs:
    """The ``name=value`` folders above a file, outermost first.

    Args:
        folders: the names of all folders above it, outermost first.
        above: how many of them the source itself names; of these, only those count that stand
            right above ``name=value`` folders or files.

    Raises:
        InputError: they say two things of one name.

    >>> read_folder_values(("data", "day=2026-02-06", "place=a%20b", "part"), above=1)
    (('day', '2026-02-06'), ('place', 'a b'))
    """
    inside, outside = folders[above:], reversed(folders[:above])
    right_above = list(takewhile(_is_pair, outside)) if all(map(_is_pair, inside)) else []
    values: dict[str, str | None] = {}
    for folder in (*reversed(right_above), *filter(_is_pair, inside)):
        name, _, text = folder.partition("=")
        value = None if text == _NULL else unquote(text)
        if values.setdefault(unquote(name), value) != value:
            problem = f"{'/'.join(folders)}: its folders say {unquote(name)}= twice; keep one"
            raise InputError([problem])
    return tuple(values.items())


def _is_pair(folder: str) -> bool:
    return folder.find("=") > 0


def infer_value_types(
    files: Sequence[Pairs],
    dates: Collection[str] = (),
    numbers: Collection[str] = (),
    texts: Collection[str] = (),
) -> dict[str, pl.DataType]:
    """The type of each column, which the values of all files have.

    Args:
        files: the values of each file's folders.
        dates: columns that hold dates, which may be written without dashes, or as midnights.
            Names are in lower case here.
        numbers: columns that hold numbers.
        texts: columns that hold texts, whatever they look like.

    >>> infer_value_types([(("day", "20260206"), ("hour", "07"))], ["day"])
    {'day': Date, 'hour': String}
    """
    values: dict[str, list[str]] = {}
    for pairs in files:
        for name, value in pairs:
            values.setdefault(name, []).extend([] if value is None else [value])
    return {
        name: _infer_type(
            tuple(dict.fromkeys(found)),
            is_date=name.lower() in dates,
            is_number=name.lower() in numbers,
            is_text=name.lower() in texts,
        )
        for name, found in values.items()
    }


@lru_cache(maxsize=64)
def _infer_type(
    texts: tuple[str, ...], *, is_date: bool, is_number: bool, is_text: bool
) -> pl.DataType:
    """Dates, moments or integers where all texts are such; else texts."""
    if is_text:
        return pl.String()
    column = pl.Series(texts, dtype=pl.String)
    if is_date:
        column = _write_dashes(column)
    if not texts:
        return pl.Date() if is_date else pl.Null()
    if is_number:
        is_known = not column.cast(pl.Float64, strict=False).has_nulls()
        return pl.Float64() if is_known else pl.String()
    if not column.str.to_date("%Y-%m-%d", strict=False).has_nulls():
        return pl.Date()
    if not column.str.to_datetime(_MOMENT, strict=False).has_nulls():
        return pl.Datetime("us")
    if is_date:
        return pl.String()  # as which the message shows it
    # Digits that begin with 0 are no number: they would lose their zeros.
    digits = column.str.contains(r"^(0|-?[1-9][0-9]{0,17})$")
    return pl.Int64() if digits.all() else pl.String()


def _write_dashes(dates: pl.Series) -> pl.Series:
    """Dates as ISO texts; those of midnights, and of eight digits, too."""
    return dates.str.replace(_MIDNIGHT, "${1}").str.replace(_COMPACT, _DASHED)


def parse_value(text: str | None, dtype: pl.DataType) -> pl.Expr:
    """A folder's value as a literal of its column's type."""
    texts = pl.Series([text], dtype=pl.String)
    if isinstance(dtype, pl.Date):
        return pl.lit(_write_dashes(texts).str.to_date("%Y-%m-%d")[0], dtype)
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
