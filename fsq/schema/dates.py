"""Dates and moments as people have them: texts, timestamps at midnight, moments in a zone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import polars as pl

from fsq.errors import InputError, short
from fsq.schema.polars_types import is_text
from fsq.utils.arguments import FIRST_YEAR, LAST_YEAR, YEARS

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

# ISO 8601, once a blank is a T, and a Z or a zone without colon is written out.
_IN_ZONE, _WITHOUT_ZONE = "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f"

_INFINITY = 2**63 - 1  # as DuckDB and others count it, in any unit


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
        InputError: a text is not an ISO date, or a timestamp is not midnight, or is infinite.

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
        require_years(rows.lazy(), column, headline)
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


def require_years(rows: pl.LazyFrame, column: str, headline: str) -> None:
    """Refuse dates and moments that no calendar has: infinite ones, and overflows.

    Args:
        rows: with the column.
        column: of dates or moments.
        headline: what cannot be done with others.

    Raises:
        InputError: there are such.

    >>> require_years(pl.LazyFrame({"day": [2**62]}).cast(pl.Datetime), "day", "no date is known")
    Traceback (most recent call last):
    fsq.errors.InputError: no date is known (1 problem):
      - day: 1 rows lie outside the years 1 to 9998; correct them
    """
    outside = rows.select(lies_outside(pl.col(column)).sum()).collect(engine="streaming").item()
    if outside:
        raise InputError([f"{column}: {outside} rows lie outside {YEARS}; correct them"], headline)


def lies_outside(moment: pl.Expr) -> pl.Expr:
    """Whether a date or a moment is infinite, or in a year that Python's dates do not have.

    >>> pl.select(lies_outside(pl.lit(2**63 - 1).cast(pl.Datetime("ns")))).item()
    True
    """
    # The year of most infinite moments is NULL; in nanoseconds, they seem to lie in 2262 and 1677.
    known = moment.dt.year().is_between(FIRST_YEAR, LAST_YEAR).fill_null(value=False)
    infinite = moment.to_physical().cast(pl.Int64).is_in([_INFINITY, -_INFINITY])
    return moment.is_not_null() & (~known | infinite)


def parse_moments(rows: Frame, columns: Iterable[str], headline: str) -> Frame:
    """Turn columns of ISO texts into moments in UTC; those of another type stay as they are.

    NDJSON has no type for moments, and in CSV one odd text makes a column of texts. A text
    without a zone is in UTC; one of a date alone is no moment.

    Args:
        rows: with the columns.
        columns: the moments.
        headline: what cannot be done without them.

    Raises:
        InputError: a text is not an ISO moment.

    >>> rows = pl.DataFrame({"at": ["2026-02-06T18:00:00-05:00", "2026-02-06 23:00:00.5"]})
    >>> parse_moments(rows, ["at"], "no age can be computed")["at"].dt.hour().to_list()
    [23, 23]
    """
    schema = rows.collect_schema()
    moments = {c: _parse_moment(pl.col(c).cast(pl.String)) for c in columns if is_text(schema[c])}
    if not moments:
        return rows
    problems = []
    for column, moment in moments.items():
        wrong = rows.lazy().filter(moment.is_null() & pl.col(column).is_not_null()).select(column)
        if examples := wrong.head(1).collect(engine="streaming").to_series().to_list():
            text = short(str(examples[0]))
            cure = "write moments as 2026-02-06T23:00:00Z, and leave out those that never were"
            problems.append(f"{column}: {text!r} is not an ISO moment; {cure}")
    if problems:
        raise InputError(problems, headline)
    return rows.with_columns(moment.alias(column) for column, moment in moments.items())


def _parse_moment(text: pl.Expr) -> pl.Expr:
    """ISO texts as moments in UTC, to the microsecond; NULL where a text is none."""
    written = text.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace(
        "( ?UTC|[zZ])$", "+00:00"
    )
    written = written.str.replace(r"([+-]\d\d)(\d\d)?$", "${1}:${2}").str.replace(":$", ":00")
    written = written.str.replace(r"^(.{10}T\d\d:\d\d)([+-]|$)", "${1}:00${2}")
    zoned = written.str.to_datetime(_IN_ZONE, time_unit="us", strict=False)
    naive = written.str.to_datetime(_WITHOUT_ZONE, time_unit="us", strict=False)
    return pl.coalesce(zoned.dt.convert_time_zone("UTC"), naive.dt.replace_time_zone("UTC"))


def convert_zone(moment: pl.Expr, dtype: pl.DataType, zone: str) -> pl.Expr:
    """Moments of a type in another zone; without a zone they are in UTC."""
    if getattr(dtype, "time_zone", None) is None:
        moment = moment.dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(zone)
