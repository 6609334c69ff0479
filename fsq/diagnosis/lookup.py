"""Find one record by its keys, as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from fsq.contract.table import Table
from fsq.diagnosis.nouns import name_entities
from fsq.errors import InputError, short
from fsq.utils.spelling import describe_difference, simplify

Key: TypeAlias = str | int | Sequence[Any] | Mapping[str, Any]
_MAX_NAME = 100  # characters of a name
HEADLINE = "the record cannot be explained"


def name_keys(key: Key, table: Table) -> dict[str, Any]:
    """The values of a key by column.

    Args:
        key: the value of the only key column; those of all, in their order; or values by column,
            the time among them.
        table: of the contract.

    Raises:
        InputError: there are more values than key columns, or a column is no key.

    >>> name_keys("lebronjames", Table(keys=("player",), date="day"))
    {'player': 'lebronjames'}
    >>> name_keys(("UA", 1545), Table(keys=("carrier", "flight"), date="day"))
    {'carrier': 'UA', 'flight': 1545}
    """
    columns = _list_columns(table)
    if isinstance(key, Mapping):
        unknown = [str(c) for c in key if c not in columns]
        named = dict(key)
    else:
        values: list[Any]
        if isinstance(key, Iterable) and not isinstance(key, str):
            values = list(key)
        else:
            values = [] if key is None else [key]
        unknown = [str(v) for v in values[len(columns) :]]
        named = dict(zip(columns, values, strict=False))
    if unknown:
        names = ", ".join(map(short, unknown))
        problem = f"{names} is not a key; the keys are {', '.join(columns)}"
        raise InputError([problem], HEADLINE)
    if not named:
        raise InputError([f"no key is given; name one of {', '.join(columns)}"], HEADLINE)
    return named


def find_record(rows: pl.LazyFrame, key: Key, day: date, table: Table) -> dict[str, Any]:
    """Find the one record of a date that a key names.

    Case, spaces, accents and punctuation do not matter; a moment may be cut short, and is in the
    table's time zone.

    Args:
        rows: those of the date, with the columns of the key.
        key: see ``name_keys``.
        day: the date, for messages.
        table: of the contract.

    Returns:
        The values of the key columns, as the rows have them.

    Raises:
        InputError: no record has the key, or several do; the message lists similar values.
    """
    wanted = name_keys(key, table)
    columns = _list_columns(table)
    found, given = rows.select(columns).unique().collect(), ""
    for column in columns:
        if column in wanted:
            noun = table.entity if len(table.keys) == 1 and column in table.keys else column
            value = _match(wanted[column], found[column], table, noun, f"{given} on {day}")
            found = found.filter(pl.col(column) == value)
            given += f"{' and' if given else ' with'} {column} {short(value)}"
    if found.height > 1:
        open_column = next(c for c in columns if found[c].n_unique() > 1)
        texts = sorted(format_key(v, table) for v in found[open_column].drop_nulls().unique())[:5]
        problem = (
            f"{found.height} {name_entities(table)} of {day} match; name "
            f"{open_column}, too: {', '.join(map(short, texts))}"
        )
        raise InputError([problem], HEADLINE)
    return found.row(0, named=True)


def _list_columns(table: Table) -> list[str]:
    """The columns that a key may name."""
    return [*table.keys, *([table.time] if table.time else [])]


def _match(wanted: Any, column: pl.Series, table: Table, noun: str, where: str) -> Any:
    """The value of a column that you mean; ``noun`` and ``where`` are for the message."""
    values = column.drop_nulls().unique().sort().to_list()
    if wanted in values:
        return wanted
    texts = [format_key(v, table) for v in values]
    text = str(wanted)
    if isinstance(column.dtype, pl.Datetime):
        plain = simplify(text.replace("T", " "))
        same = [v for v, t in zip(values, texts, strict=True) if simplify(t).startswith(plain)]
    else:
        plain = simplify(text)
        same = [v for v, t in zip(values, texts, strict=True) if simplify(t) == plain]
    if len(same) == 1:
        return same[0]
    if same:
        differ = describe_difference(str(same[0]), str(same[1]))
        listed = ", ".join(ascii(short(format_key(v, table))) for v in same[:5])
        problem = f"{noun} {short(text)!r}{where} may be any of {listed}, which differ in {differ}"
        raise InputError([f"{problem}; write it exactly"], HEADLINE)
    problem = f"no {noun} {short(text)!r}{where}; {_find_similar(plain, texts)}"
    raise InputError([problem], HEADLINE)


def _find_similar(plain: str, texts: list[str]) -> str:
    if not texts:
        return "there are no rows for this date; name another one"
    # Comparing takes quadratic time, and a name may be as long as a cell.
    keys = {t: simplify(t[:_MAX_NAME]) for t in texts}
    plain = plain[:_MAX_NAME]
    near = get_close_matches(plain, keys.values(), n=5, cutoff=0.5)
    holding = [k for k in keys.values() if plain and plain in k][:5]
    order = list(dict.fromkeys(holding + near))[:5]
    close = [short(t) for k in order for t in texts if keys[t] == k][:5]
    return f"similar names: {', '.join(close)}" if close else "no name is similar"


def format_key(value: Any, table: Table) -> str:
    """One value of a key as people write it; a moment in the table's time zone.

    >>> from datetime import UTC
    >>> table = Table(keys=("flight",), time="leaves_at", timezone="America/New_York")
    >>> format_key(datetime(2013, 2, 8, 15, tzinfo=UTC), table)
    '2013-02-08 10:00:00-05:00'
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(ZoneInfo(table.timezone)).isoformat(sep=" ")
    return str(value)
