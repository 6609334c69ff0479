"""Names and dates as scoring will read them: other cases and dots, and dates as texts."""

from __future__ import annotations

from collections import Counter

import polars as pl

from fsq.contract.drafting.roles import FEATURE_NAME, HEADLINE, is_provenance
from fsq.errors import InputError, short


def match_spelling(rows: pl.LazyFrame, date: str | None) -> pl.LazyFrame:
    """Rename numeric columns that are features but for their case or dots, and parse dates.

    Scoring matches such names, so that the draft can name them plainly.

    Raises:
        InputError: dates are texts that are no ISO dates, or timestamps that are no midnights.

    >>> rows = pl.LazyFrame({"day": ["2026-02-06"], "Temp.F": [41.0]})
    >>> match_spelling(rows, "day").collect_schema()
    Schema([('day', Date), ('temp_f', Float64)])
    """
    schema = rows.collect_schema()
    plain = {c: c.lower().replace(".", "_") for c in schema if _is_read(c, schema[c])}
    taken = Counter([*plain.values(), *(c for c in schema if c not in plain)])
    renamed = {
        c: name
        for c, name in plain.items()
        if c != name and taken[name] == 1 and (FEATURE_NAME.fullmatch(name) or is_provenance(name))
    }
    return _parse_dates(rows.rename(renamed), date)


def _is_read(column: str, dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean or is_provenance(column.lower())


def _parse_dates(rows: pl.LazyFrame, date: str | None) -> pl.LazyFrame:
    dtype = None if date is None else rows.collect_schema().get(date)
    if date is None or dtype is None:
        return rows
    if isinstance(dtype, pl.String):
        day = pl.col(date).str.strptime(pl.Date, "%Y-%m-%d", strict=False, exact=True)
        problem = "is no ISO date; write dates as 2026-02-06"
    elif isinstance(dtype, pl.Datetime):
        midnight = pl.col(date).dt.time() == pl.time(0, 0)
        day = pl.when(midnight).then(pl.col(date).dt.date())
        problem = f"is no midnight; cast it to a date, or name it as --time {date}"
    else:
        return rows
    wrong = rows.filter(day.is_null() & pl.col(date).is_not_null()).select(date).head(1).collect()
    if wrong.height:
        raise InputError([f"{date}: {short(wrong.item())!r} {problem}"], HEADLINE)
    return rows.with_columns(day.alias(date))
