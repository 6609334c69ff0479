"""Names and dates as scoring will read them: other cases and dots, and dates as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from fsq.contract.drafting.roles import FEATURE_NAME, HEADLINE, is_provenance
from fsq.errors import InputError
from fsq.schema.dates import parse_dates, parse_moments
from fsq.schema.plain import parse_keys, unwrap_extensions
from fsq.utils.arguments import FIRST_YEAR, LAST_YEAR, YEARS


def match_spelling(
    rows: pl.LazyFrame, date: str | None, keys: Sequence[str] = (), time: str | None = None
) -> pl.LazyFrame:
    """Rename numeric columns whose names only have capitals or dots too many, and parse dates.

    Scoring matches such names, so that the draft can name them plainly.

    Args:
        rows: the data.
        date: the column of dates, if there is one.
        keys: the columns that identify a row; whole decimals become integers.
        time: the column of moments, if there is one; ISO texts become moments.

    Raises:
        InputError: dates or moments are texts that are not ISO, or lie beyond the calendar, or
            dates are timestamps that are not midnight.

    >>> rows = pl.LazyFrame({"day": ["2026-02-06"], "Temp.F": [41.0]})
    >>> dict(match_spelling(rows, "day").collect_schema())
    {'day': Date, 'temp_f': Float64}
    """
    rows = parse_keys(unwrap_extensions(rows, HEADLINE), keys)
    schema = rows.collect_schema()
    plain = {c: c.lower().replace(".", "_") for c in schema if _is_read(c, schema[c])}
    taken = Counter([*plain.values(), *(c for c in schema if c not in plain)])
    renamed = {
        c: name
        for c, name in plain.items()
        if c != name and taken[name] == 1 and (FEATURE_NAME.fullmatch(name) or is_provenance(name))
    }
    rows = rows.rename(renamed)
    if time is not None and time in rows.collect_schema():
        rows = parse_moments(rows, [time], HEADLINE)
    if date is not None and date in rows.collect_schema():
        rows = parse_dates(rows, date, f"--time {date}", HEADLINE)
    for name in (date, time):
        if name is not None:
            _require_years(rows, name)
    return rows


def _require_years(rows: pl.LazyFrame, column: str) -> None:
    """Refuse dates and moments that no calendar has: infinite ones, and overflows.

    Raises:
        InputError: there are such.
    """
    if not isinstance(rows.collect_schema().get(column), pl.Date | pl.Datetime):
        return  # the roles of columns say what it has to be
    value = pl.col(column)
    known = value.dt.year().is_between(FIRST_YEAR, LAST_YEAR).fill_null(value=False)
    outside = rows.select((value.is_not_null() & ~known).sum()).collect(engine="streaming").item()
    if outside:
        raise InputError([f"{column}: {outside} rows lie outside {YEARS}; correct them"], HEADLINE)


def _is_read(column: str, dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean or is_provenance(column.lower())
