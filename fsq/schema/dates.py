"""Dates as people have them: texts, timestamps at midnight, and moments in a zone."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def parse_dates(
    rows: Frame, column: str, name_as_time: str, headline: str, zone: str | None = None
) -> Frame:
    """Turn a column of ISO texts or midnights into dates; one of another type stays as it is.

    Args:
        rows: with the column.
        column: the dates.
        name_as_time: how to name the column if it holds other moments, for the message.
        headline: what cannot be done without dates.
        zone: in which moments with a zone are midnights; None for their own.

    Raises:
        InputError: a text is not an ISO date, or a timestamp is not midnight.

    >>> rows = pl.DataFrame({"day": ["2026-02-06"]})
    >>> dict(parse_dates(rows, "day", "--time day", "no date can be read").schema)
    {'day': Date}
    """
    dtype = rows.collect_schema()[column]
    if is_text(dtype):
        text = pl.col(column).cast(pl.String)
        day = text.str.strptime(pl.Date, "%Y-%m-%d", strict=False, exact=True)
        problem = "is not an ISO date; write dates as 2026-02-06"
    elif isinstance(dtype, pl.Datetime):
        moment = pl.col(column)
        if dtype.time_zone and zone is not None:
            moment = moment.dt.convert_time_zone(zone)
        day = pl.when(moment.dt.time() == pl.time(0, 0)).then(moment.dt.date())
        problem = f"is not midnight; cast it to a date, or name it as the time: {name_as_time}"
    else:
        return rows
    wrong = rows.lazy().filter(day.is_null() & pl.col(column).is_not_null()).select(column)
    if examples := wrong.head(1).collect().to_series().to_list():
        raise InputError([f"{column}: {short(str(examples[0]))!r} {problem}"], headline)
    return rows.with_columns(day.alias(column))


def convert_zone(moment: pl.Expr, dtype: pl.DataType, zone: str) -> pl.Expr:
    """Moments of a type in another zone; without a zone they are in UTC."""
    if getattr(dtype, "time_zone", None) is None:
        moment = moment.dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(zone)
