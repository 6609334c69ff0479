"""Names and dates as scoring will read them: other cases and dots, and dates as texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from fsq.contract.drafting.roles import FEATURE_NAME, HEADLINE, is_provenance
from fsq.schema.dates import parse_dates, parse_moments, require_years
from fsq.schema.plain import parse_keys, unwrap_extensions


def match_spelling(
    rows: pl.LazyFrame,
    date: str | None,
    keys: Sequence[str] = (),
    time: str | None = None,
    label: str | None = None,
) -> pl.LazyFrame:
    """Rename numeric columns whose names only have capitals or dots too many, and parse dates.

    Scoring matches such names, so that the draft can name them plainly. Columns that are named
    here keep the names that they have been called by.

    Args:
        rows: the data.
        date: the column of dates, if there is one.
        keys: the columns that identify a row; whole decimals become integers.
        time: the column of moments, if there is one; ISO texts become moments.
        label: what models predict, if that is known.

    Raises:
        InputError: dates or moments are texts that are not ISO, or lie beyond the calendar, or
            dates are timestamps that are not midnight.

    >>> rows = pl.LazyFrame({"day": ["2026-02-06"], "Temp.F": [41.0]})
    >>> dict(match_spelling(rows, "day").collect_schema())
    {'day': Date, 'temp_f': Float64}
    """
    rows = parse_keys(unwrap_extensions(rows, HEADLINE), keys)
    schema = rows.collect_schema()
    named = {date, time, label, *keys}
    read = [c for c in schema if c not in named and _is_read(c, schema[c])]
    plain = {c: c.lower().replace(".", "_") for c in read}
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
    schema = rows.collect_schema()
    for name in (date, time):
        # Of another type, the roles of columns say what it has to be.
        if name is not None and isinstance(schema.get(name), pl.Date | pl.Datetime):
            require_years(rows, name, HEADLINE)
    return rows


def _is_read(column: str, dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean or is_provenance(column.lower())
