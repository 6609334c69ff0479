"""Arguments in many forms: dates and moments as texts or of other libraries, single names."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Any, TypeAlias

from fsq.errors import InputError, short

DateLike: TypeAlias = date | str  # or the types of pandas and NumPy
MomentLike: TypeAlias = datetime | date | str
Names: TypeAlias = str | Iterable[str]

# Python's years but the last, so that the end of the last date is a date, too.
FIRST_YEAR, LAST_YEAR = 1, 9998
YEARS = f"the years {FIRST_YEAR} to {LAST_YEAR}"
DATES = (date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))


def read_date(value: object, name: str, headline: str) -> date | None:
    """A date from a date, an ISO text, or a midnight of any library; None stays None.

    Args:
        value: the argument.
        name: of the argument, for the message.
        headline: what cannot be done without it.

    Raises:
        InputError: it is not one, or a moment within a date.

    >>> read_date("2026-02-06", "start", "nothing can be read")
    datetime.date(2026, 2, 6)
    """
    if value is None:
        return None
    plain = _to_plain(value)
    if isinstance(plain, str):
        plain = _parse_date(plain) or _parse_moment(plain)
    if isinstance(plain, datetime):
        if plain.time() != time(0):
            problem = f"{name}: {short(value)} is a moment; pass its date"
            raise InputError([problem], headline)
        plain = plain.date()
    if isinstance(plain, date):
        if FIRST_YEAR <= plain.year <= LAST_YEAR:
            return plain
        raise InputError(
            [f"{name}: {plain} lies outside {YEARS}; write one such as 2026-02-06"], headline
        )
    cure = 'write it as "2026-02-06", or pass a datetime.date'
    raise InputError([f"{name}: {short(repr(value))} is not a date; {cure}"], headline)


def read_dates(values: object, name: str, headline: str) -> list[date] | None:
    """Dates in order from one date or several; None stays None.

    Raises:
        InputError: one of them is not a date.

    >>> read_dates(["2026-02-06", date(2026, 2, 5)], "dates", "nothing can be read")
    [datetime.date(2026, 2, 5), datetime.date(2026, 2, 6)]
    """
    if values is None:
        return None
    several = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    days = {read_date(v, name, headline) for v in several}
    if None in days:
        raise InputError([f"{name}: one of them is None; leave it out"], headline)
    return sorted(d for d in days if d is not None)


def read_moment(value: object, name: str, headline: str) -> datetime | None:
    """A moment in UTC, from a moment or date of any library or an ISO text; None stays None.

    Without a zone it is UTC; a date is its midnight.

    Raises:
        InputError: it is not one, or lies outside the years 1 to 9998.

    >>> read_moment("2026-02-06T18:00:00-05:00", "as_of", "nothing can be scored")
    datetime.datetime(2026, 2, 6, 23, 0, tzinfo=datetime.timezone.utc)
    """
    if value is None:
        return None
    plain = _to_plain(value)
    if isinstance(plain, str):
        plain = _parse_moment(plain)
    if isinstance(plain, date) and not isinstance(plain, datetime):
        plain = datetime.combine(plain, time(0))
    if isinstance(plain, datetime):
        with suppress(OverflowError):
            zoned = plain.replace(tzinfo=UTC) if plain.tzinfo is None else plain.astimezone(UTC)
            if FIRST_YEAR <= zoned.year <= LAST_YEAR:
                return zoned
        example = "2026-02-06T23:00:00Z"
        problem = f"{name}: {plain.isoformat()} lies outside {YEARS}; write one such as {example}"
        raise InputError([problem], headline)
    cure = 'write it as "2026-02-06T23:00:00Z", or pass a datetime.datetime'
    raise InputError([f"{name}: {short(repr(value))} is not a moment; {cure}"], headline)


def read_names(values: object, name: str, headline: str) -> tuple[str, ...] | None:
    """Names from one text or several; None stays None.

    Raises:
        InputError: something else is among them.

    >>> read_names("pace_score", "features", "nothing can be read")
    ('pace_score',)
    """
    if values is None:
        return None
    if isinstance(values, str):
        return (values,)
    names = list(values) if isinstance(values, Iterable) else [values]
    if wrong := [n for n in names if not isinstance(n, str)]:
        problem = f"{name}: {short(repr(wrong[0]))} is not a name; pass strings"
        raise InputError([problem], headline)
    return tuple(str(n) for n in names)


def read_number(value: object, name: str, headline: str) -> float | None:
    """A number from a number of any library, or a text of one; None stays None.

    Raises:
        InputError: it is not one.

    >>> read_number("0.9", "leak_from", "nothing can be read")
    0.9
    """
    if value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # whatever Python takes
    except (TypeError, ValueError, OverflowError):
        problem = f"{name}: {short(repr(value))} is not a number; pass one such as 85"
        raise InputError([problem], headline) from None


def _to_plain(value: object) -> object:
    """A date or moment of NumPy or pandas as Python's own; a missing one is None."""
    if isinstance(value, str | datetime | date) and not hasattr(value, "to_pydatetime"):
        return value
    if value != value:  # NaT, as NaN, differs from itself
        return None
    plain: Any = value
    if hasattr(plain, "to_pydatetime"):
        return plain.to_pydatetime(warn=False)
    if type(plain).__name__ == "datetime64":
        return plain.astype("datetime64[us]").item()
    return value


def _parse_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _parse_moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
