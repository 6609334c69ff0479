"""Dates as people type them: ``--date``, ``--last 7d``, ``--season 2025-26``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli._options import Latest
from fsq.errors import InputError
from fsq.utils.dates import validate_date_range

if TYPE_CHECKING:
    from fsq.contract import Contract

Range = tuple[date | None, date | None]

_HEADLINE = "these dates cannot be backfilled"


def parse_last(text: str, end: date) -> tuple[date, date]:
    """``7d`` as the last seven days up to a date, included.

    Raises:
        InputError: the text has another form.

    >>> parse_last("7d", date(2026, 2, 7))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 7))
    """
    match = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if not match:
        raise InputError([f"--last {text!r}: write a number of days, such as 7d"], _HEADLINE)
    return end - timedelta(days=int(match[1]) - 1), end


def parse_duration(text: str) -> timedelta:
    """``36h``, ``2d`` or ``90m`` as a duration.

    Raises:
        BadParameter: the text has another form.

    >>> parse_duration("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    match = re.fullmatch(r"(\d{1,5})([dhm])", text)
    if not match:
        raise typer.BadParameter(f"{text!r} is not a duration such as 36h, 2d or 90m")
    unit = {"d": "days", "h": "hours", "m": "minutes"}[match[2]]
    return timedelta(**{unit: int(match[1])})


MaxAgeOpt = Annotated[
    timedelta | None,
    typer.Option(
        parser=parse_duration,
        metavar="36h",
        help="Red if the newest date ended longer ago than this.",
    ),
]


def parse_season(text: str, first: str) -> tuple[date, date]:
    """``2025-26`` as the year from the season's first day in 2025 on.

    Args:
        text: the season.
        first: month and day on which it begins.

    Raises:
        InputError: the text has another form.

    >>> parse_season("2025-26", "07-01")
    (datetime.date(2025, 7, 1), datetime.date(2026, 6, 30))
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if not match or not 1 <= int(match[1]) < 9998 or (int(match[1]) + 1) % 100 != int(match[2]):
        raise InputError([f"--season {text!r}: write two years, such as 2025-26"], _HEADLINE)
    begins = [date.fromisoformat(f"{int(match[1]) + i:04}-{first}") for i in (0, 1)]
    return begins[0], begins[1] - timedelta(days=1)


def choose_range(
    start: date | None,
    end: date | None,
    last: str | None,
    season: str | None,
    find_contract: Callable[[], Contract],
    find_latest: Callable[[], date],
) -> Range:
    """First and last date, whichever option gives them; None is open.

    Args:
        start: first date.
        end: last date, included.
        last: the last days, as ``7d``.
        season: as ``2025-26``.
        find_contract: returns the contract, which says when a season begins.
        find_latest: returns the newest date, which ``latest`` means.

    Raises:
        InputError: several options give them, one has a wrong form, or the contract knows no
            season.
    """
    if sum([bool(start or (end and last is None)), last is not None, season is not None]) > 1:
        problem = "--start/--end, --last and --season exclude each other; use one"
        raise InputError([problem], _HEADLINE)
    if season is None:
        return choose_dates(None, start, end, _HEADLINE, find_latest, last)
    contract = find_contract()
    if contract.table.season_start is None:
        cure = "use --start and --end, or state season_start in its [table], such as 07-01"
        problem = (
            f"--season: the contract {contract.name} does not say when a season begins; {cure}"
        )
        raise InputError([problem], _HEADLINE)
    return parse_season(season, contract.table.season_start)


def choose_dates(
    day: date | None,
    start: date | None,
    end: date | None,
    headline: str,
    find_latest: Callable[[], date],
    last: str | None = None,
) -> Range:
    """First and last date of ``--date``, of ``--last``, or of ``--start`` and ``--end``.

    None is open.

    Args:
        day: one date.
        start: first date.
        end: last date, included.
        headline: what cannot be done if they contradict each other.
        find_latest: returns the newest date, which ``latest`` means.
        last: the last days up to the end, or else today, as ``7d``.

    Raises:
        InputError: several are given, one has a wrong form, or start is after end.
    """
    if last is not None and (day or start):
        raise InputError(["--last excludes --date and --start; use one of them"], headline)
    if day and (start or end):
        raise InputError(["--date excludes --start and --end; use one of them"], headline)
    if last is not None:
        parse_last(last, date.max)  # refused before anything is looked up
    if any(isinstance(d, Latest) for d in (day, start, end)):
        latest = find_latest()
        day, start, end = (latest if isinstance(d, Latest) else d for d in (day, start, end))
    if last is not None:
        return parse_last(last, end or datetime.now(UTC).date())
    validate_date_range(start, end, headline)
    return (day, day) if day else (start, end)
