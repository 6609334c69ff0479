"""Ranges of dates."""

from __future__ import annotations

from datetime import date

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


def move_date(day: date, days: int) -> date:
    """A date so many days later, or earlier if there are less than none; within the calendar.

    >>> move_date(date(2026, 2, 6), -7), move_date(date.min, -7)
    (datetime.date(2026, 1, 30), datetime.date(1, 1, 1))
    """
    ordinal = min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal())
    return date.fromordinal(ordinal)


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
