"""Ranges of dates."""

from __future__ import annotations

from datetime import date, timedelta

from fsq.errors import InputError
from fsq.utils.arguments import DateLike, read_date


def read_date_range(
    start: DateLike | None, end: DateLike | None, headline: str
) -> tuple[date | None, date | None]:
    """First and last date of a range as people write them; None is open.

    Args:
        start: first date.
        end: last date, included.
        headline: what cannot be done with such a range.

    Raises:
        InputError: one is not a date, or start is after end.

    >>> read_date_range("2026-02-06", None, "the trend cannot be shown")
    (datetime.date(2026, 2, 6), None)
    """
    dates = read_date(start, "start", headline), read_date(end, "end", headline)
    validate_date_range(*dates, headline)
    return dates


def go_back(day: date, span: timedelta) -> date:
    """The date so long before another one, or the first that there is.

    Rows without a date are often given that of year 1.

    Args:
        day: the later date.
        span: whole days.

    >>> str(go_back(date(2026, 2, 6), timedelta(days=7))), str(go_back(date.min, timedelta(days=7)))
    ('2026-01-30', '0001-01-01')
    """
    return date.fromordinal(max(day.toordinal() - span.days, date.min.toordinal()))


def validate_date_range(start: date | None, end: date | None, headline: str) -> None:
    """Refuse a range that ends before it starts; None is open.

    Args:
        start: first date.
        end: last date, included.
        headline: what cannot be done with such a range.

    Raises:
        InputError: start is after end.

    >>> validate_date_range(date(2026, 2, 6), date(2026, 2, 5), "the trend cannot be shown")
    Traceback (most recent call last):
    ...
    fsq.errors.InputError: the trend cannot be shown (1 problem):
      - start 2026-02-06 is after end 2026-02-05; swap them
    """
    if start is not None and end is not None and start > end:
        raise InputError([f"start {start} is after end {end}; swap them"], headline)
