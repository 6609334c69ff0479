"""Predicates as ``row_restriction``: what of them BigQuery can apply before it sends rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import polars as pl

from fsq.stores.bigquery.names import format_date, quote_column

NOTHING = "FALSE"
# Every date that BigQuery can hold.
_FIRST, _LAST = date.min, date.max
# Characters of a condition; the service takes 1 MB in all.
_LONGEST = 100_000
_MOST_RANGES = 100


def find_conditions(predicate: pl.Expr | None, schema: Mapping[str, pl.DataType]) -> dict[str, str]:
    """Turn as much of a predicate as possible into SQL: one condition for each column.

    The conditions that it joins by AND are looked at one by one. One on a column of dates is
    evaluated for every day; one that compares a column of texts, integers, booleans or moments
    with constants is written as it stands. The others are left to the reader.

    Args:
        predicate: of the query; None for all rows.
        schema: types of the columns.

    Returns:
        Conditions, by their column, that together keep every row that the predicate keeps;
        ``FALSE`` is one that no row meets.

    >>> schema = {"day": pl.Date(), "player": pl.String(), "note": pl.String()}
    >>> both = (pl.col("day") == date(2026, 2, 6)) & (pl.col("player") == "o'neal")
    >>> found = find_conditions(both & pl.col("note").str.ends_with("x"), schema)
    >>> print(*found.values(), sep=" AND ")
    `day` BETWEEN DATE '2026-02-06' AND DATE '2026-02-06' AND `player` = "o'neal"
    """
    parts: dict[str, list[pl.Expr]] = {}
    for part in () if predicate is None else split_conjuncts(predicate):
        names = set(part.meta.root_names())
        if len(names) == 1 and (name := names.pop()) in schema:
            parts.setdefault(name, []).append(part)
    found = {n: _make_condition(p, n, schema[n]) for n, p in parts.items()}
    return {n: c for n, c in found.items() if c}


def split_conjuncts(predicate: pl.Expr) -> Iterator[pl.Expr]:
    """The conditions that a predicate joins by AND.

    >>> len([*split_conjuncts((pl.col("a") == 1) & (pl.col("b") == 2) & (pl.col("c") == 3))])
    3
    """
    parts = predicate.meta.pop()
    if len(parts) == 2 and (parts[1] & parts[0]).meta.eq(predicate):
        yield from split_conjuncts(parts[1])
        yield from split_conjuncts(parts[0])
    else:
        yield predicate


def _make_condition(parts: Sequence[pl.Expr], name: str, dtype: pl.DataType) -> str:
    """What SQL can say of the conditions on one column."""
    if dtype == pl.Date:
        return _restrict_dates(reduce(and_, parts), name)
    found = dict.fromkeys(_compare(part, name, dtype) for part in parts)
    return NOTHING if NOTHING in found else " AND ".join(c for c in found if c)


def _compare(part: pl.Expr, name: str, dtype: pl.DataType) -> str:
    values = _find_values(part, name)
    if values is None:
        return ""
    literals = [_format_value(v, dtype) for v in values]
    texts = [t for t in literals if t is not None]
    if len(texts) != len(literals):
        return ""
    if not texts:
        return NOTHING
    column = quote_column(name)
    only = len(texts) == 1
    condition = f"{column} = {texts[0]}" if only else f"{column} IN ({', '.join(texts)})"
    return condition if len(condition) <= _LONGEST else ""


def _find_values(part: pl.Expr, name: str) -> list[Any] | None:
    """The constants that a condition compares a column with; None for any other condition."""
    parts = part.meta.pop()
    if len(parts) != 2 or parts[0].meta.root_names():
        return None
    constant, column = parts
    if not column.meta.eq(pl.col(name)):
        return None
    value = pl.select(constant).to_series()
    if any(test.meta.eq(part) for test in (column == constant, column.eq_missing(constant))):
        return value.to_list() if len(value) == 1 and not isinstance(value.dtype, pl.List) else None
    if column.is_in(constant).meta.eq(part) and isinstance(value.dtype, pl.List):
        found = value.explode(empty_as_null=False).to_list()
        return [v for v in found if v is not None]
    return None


def _format_value(value: Any, dtype: pl.DataType) -> str | None:
    """A constant of a column's type as SQL; None if it cannot be compared safely."""
    if isinstance(value, bool):
        return str(value).upper() if dtype == pl.Boolean else None
    if isinstance(value, str):
        # Double-quoted literals are escaped like JSON.
        simple = dtype == pl.String and value.isprintable()
        return json.dumps(value, ensure_ascii=False) if simple else None
    if isinstance(value, int):
        return str(value) if dtype.is_integer() and -(2**63) <= value < 2**63 else None
    if isinstance(value, datetime) and value.tzinfo is not None:
        moment = value.isoformat(sep=" ", timespec="microseconds")
        return f"TIMESTAMP '{moment}'" if dtype == pl.Datetime("us", "UTC") else None
    return None


def _restrict_dates(part: pl.Expr, column: str) -> str:
    """A condition on a column of dates, by evaluating it for every day."""
    # It may hold for NULL too: then nothing can be restricted.
    keeps_null = pl.DataFrame({column: [None]}, {column: pl.Date}).filter(part)
    if keeps_null.height:
        return ""
    days = pl.DataFrame({column: pl.date_range(_FIRST, _LAST, eager=True)})
    kept = days.select(part.fill_null(value=False)).to_series().to_numpy()
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    if len(edges) > 2 * _MOST_RANGES:  # first and last day save most
        edges = edges[[0, -1]]
    first = (_FIRST + timedelta(days=int(at)) for at in edges[::2])
    last = (_FIRST + timedelta(days=int(at) - 1) for at in edges[1::2])
    quoted = quote_column(column)
    ranges = [_format_range(quoted, a, b) for a, b in zip(first, last, strict=True)]
    return f"({' OR '.join(ranges)})" if len(ranges) > 1 else "".join(ranges) or NOTHING


def _format_range(column: str, first: date, last: date) -> str:
    if (first, last) == (_FIRST, _LAST):
        return f"{column} IS NOT NULL"
    if last == _LAST:
        return f"{column} >= {format_date(first)}"
    if first == _FIRST:
        return f"{column} <= {format_date(last)}"
    return f"{column} BETWEEN {format_date(first)} AND {format_date(last)}"
