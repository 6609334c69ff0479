"""Dates as people type them: ``--date``, ``--last 7d``, ``--season 2025-26``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from fsq.cli._date_words import DateWord
from fsq.errors import InputError
from fsq.utils.dates import move_date, validate_date_range

if TYPE_CHECKING:
    from fsq.contract import Contract

Range = tuple[date | None, date | None]

_HEADLINE = "these dates cannot be backfilled"
_DAYS_AGO = {"today": 0, "yesterday": 1}


@dataclass(frozen=True)
class Calendar:
    """What words for dates mean for a table.

    Attributes:
        find_latest: returns the newest date that it has.
        find_zone: returns the time zone of its contract, in which its dates begin and end.
        now: the moment that is today, UTC.
    """

    find_latest: Callable[[], date]
    find_zone: Callable[[], str]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def find(self, day: date) -> date:
        """The date of a word; another date is itself.

        >>> evening = datetime(2026, 2, 7, 3, tzinfo=UTC)
        >>> games = Calendar(lambda: date(2026, 2, 5), lambda: "America/New_York", evening)
        >>> [str(games.find(DateWord.of(w))) for w in ("today", "yesterday", "latest")]
        ['2026-02-06', '2026-02-05', '2026-02-05']
        """
        if not isinstance(day, DateWord):
            return day
        if day.word == "latest":
            return self.find_latest()
        return self.find_today() - timedelta(days=_DAYS_AGO[day.word])

    def find_today(self) -> date:
        """The date that it is now where the table's dates are."""
        return self.now.astimezone(ZoneInfo(self.find_zone())).date()


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
    return move_date(end, 1 - int(match[1])), end


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
    calendar: Calendar,
) -> Range:
    """First and last date, whichever option gives them; None is open.

    Args:
        start: first date.
        end: last date, included.
        last: the last days, as ``7d``.
        season: as ``2025-26``.
        find_contract: returns the contract, which says when a season begins.
        calendar: what words for dates mean.

    Raises:
        InputError: several options give them, one has a wrong form, or the contract knows no
            season.
    """
    if sum([bool(start or (end and last is None)), last is not None, season is not None]) > 1:
        problem = "--start/--end, --last and --season exclude each other; use one"
        raise InputError([problem], _HEADLINE)
    if season is None:
        return choose_dates(None, start, end, _HEADLINE, calendar, last)
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
    calendar: Calendar,
    last: str | None = None,
) -> Range:
    """First and last date of ``--date``, of ``--last``, or of ``--start`` and ``--end``.

    None is open.

    Args:
        day: one date.
        start: first date.
        end: last date, included.
        headline: what cannot be done if they contradict each other.
        calendar: what words for dates mean.
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
    day, start, end = (d and calendar.find(d) for d in (day, start, end))
    if last is not None:
        return parse_last(last, end or calendar.find_today())
    validate_date_range(start, end, headline)
    return (day, day) if day else (start, end)
