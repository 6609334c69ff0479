"""Names and dates as scoring will read them: other cases and dots, and dates as texts."""

from __future__ import annotations

from collections import Counter

import polars as pl

from fsq.contract.drafting.roles import FEATURE_NAME, HEADLINE, is_provenance
from fsq.schema.dates import parse_dates


def match_spelling(rows: pl.LazyFrame, date: str | None) -> pl.LazyFrame:
    """Rename numeric columns whose names only have capitals or dots too many, and parse dates.

    Scoring matches such names, so that the draft can name them plainly.

    Raises:
        InputError: dates are texts that are not ISO dates, or timestamps that are not midnight.

    >>> rows = pl.LazyFrame({"day": ["2026-02-06"], "Temp.F": [41.0]})
    >>> dict(match_spelling(rows, "day").collect_schema())
    {'day': Date, 'temp_f': Float64}
    """
    schema = rows.collect_schema()
    plain = {c: c.lower().replace(".", "_") for c in schema if _is_read(c, schema[c])}
    taken = Counter([*plain.values(), *(c for c in schema if c not in plain)])
    renamed = {
        c: name
        for c, name in plain.items()
        if c != name and taken[name] == 1 and (FEATURE_NAME.fullmatch(name) or is_provenance(name))
    }
    rows = rows.rename(renamed)
    if date is None or date not in rows.collect_schema():
        return rows
    return parse_dates(rows, date, f"--time {date}", HEADLINE)


def _is_read(column: str, dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean or is_provenance(column.lower())
