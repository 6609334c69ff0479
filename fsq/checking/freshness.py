"""How old a store is, and the finding that it was not filled."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from fsq.checking.result import CheckOptions
from fsq.contract import Contract
from fsq.diagnosis import Finding
from fsq.diagnosis.causes import make_backfill_command
from fsq.diagnosis.diagnose import name_places
from fsq.diagnosis.schedule import list_due_dates
from fsq.stores import Store

OUTDATED = "store_outdated"
_STAMP = "quality_computed_at"
# Rows may be scored before their date; clocks of machines may differ.
_AHEAD, _SKEW = timedelta(days=1), timedelta(hours=1)


def measure_age(
    newest: date, contract: Contract, now: datetime, schedule: pl.DataFrame | None = None
) -> timedelta:
    """How long ago the newest date ended, in the contract's zone; nothing if it is not over.

    With a schedule: how long ago the first date ended that is scheduled and not there.

    >>> from fsq.contract import load_contract
    >>> now = datetime(2026, 2, 8, 8, tzinfo=UTC)
    >>> measure_age(date(2026, 2, 6), load_contract("flights_2013"), now)
    datetime.timedelta(days=1, seconds=10800)
    """
    due = newest if schedule is None else _find_due(newest, contract, schedule)
    if due is None:
        return timedelta(0)
    zone = ZoneInfo(contract.table.timezone)
    ended = datetime.combine(due + timedelta(days=1), time(), zone).astimezone(UTC)
    return max(now - ended, timedelta(0))


def _find_due(newest: date, contract: Contract, schedule: pl.DataFrame) -> date | None:
    """The first scheduled date after the newest; None if nothing is due."""
    due = list_due_dates(schedule, contract, newest, date.max)
    return next((d for d in due if d > newest), None)


def count_days_ahead(newest: date, contract: Contract, now: datetime) -> int:
    """By how many days a date is ahead of today's, in the contract's zone; 0 if it has begun.

    >>> from fsq.contract import load_contract
    >>> now = datetime(2026, 2, 8, 8, tzinfo=UTC)
    >>> count_days_ahead(date(2026, 2, 9), load_contract("flights_2013"), now)
    1
    """
    return max((newest - _find_today(contract, now)).days, 0)


def describe_age(age: timedelta, days_ahead: int) -> str:
    """What to say of the newest date's age.

    >>> describe_age(timedelta(0), 1), describe_age(timedelta(hours=5), 0)
    ('1 day ahead of the clock', 'ended 5 hours ago')
    """
    if days_ahead:
        return f"{describe_duration(timedelta(days=days_ahead))} ahead of the clock"
    return f"ended {describe_duration(age)} ago" if age else "not over yet"


def find_overdue(
    newest: date, age: timedelta, options: CheckOptions, store: Store
) -> Finding | None:
    """The finding that the store is older than it may be, or that its age cannot be told.

    None if it is young enough by a clock that may be right.
    """
    if options.max_age is None:
        return None
    if age > options.max_age:
        return _find_too_old(newest, age, options.max_age, options, store)
    return _find_wrong_clock(newest, options.max_age, options, store)


def _find_too_old(
    newest: date, age: timedelta, max_age: timedelta, options: CheckOptions, store: Store
) -> Finding:
    contract, schedule = store.contract, options.schedule
    due = None if schedule is None else _find_due(newest, contract, schedule)
    first = due or newest + timedelta(days=1)
    today = _find_today(contract, options.moment)
    command = make_backfill_command(*name_places(store, options.source), first, max(first, today))
    return _make_finding(
        f"no rows since {newest}: {describe_duration(age)} overdue",
        first,
        f"The newest date is {newest}; at most {describe_duration(max_age)} may pass after "
        "it. The job that fills the store did not run, or had nothing to read.",
        {"age_hours": round(age.total_seconds() / 3600, 2)},
        (command,),
    )


def _find_wrong_clock(
    newest: date, max_age: timedelta, options: CheckOptions, store: Store
) -> Finding | None:
    """The finding that nothing says how old the store is: its dates or rows are of the future."""
    contract, now = store.contract, options.moment
    today = _find_today(contract, now)
    clock = f"By the clock of this machine it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    ahead = timedelta(days=count_days_ahead(newest, contract, now))
    is_due = options.schedule is not None and list_due_dates(
        options.schedule, contract, newest, newest
    )
    if ahead > max(max_age, _AHEAD) and not is_due:
        return _make_finding(
            f"the newest date, {newest}, is {describe_duration(ahead)} ahead of the clock",
            today,
            f"{clock}. Either the clock or that date is wrong, so nothing says how old the store "
            "is. If rows are scored so far ahead, allow as much by --max-age, or name the dates "
            "that are due with --schedule.",
            {"days_ahead": ahead.days},
        )
    if options.now is not None:  # whoever states the time means it
        return None
    scored = _find_last_scored(newest, store)
    if scored is None or scored - now <= _SKEW:
        return None
    return _make_finding(
        f"rows of {newest} were scored {describe_duration(scored - now)} ahead of the clock",
        today,
        f"{clock}, but rows were scored at {scored:%Y-%m-%d %H:%M} UTC. One of the clocks is "
        "wrong, so nothing says how old the store is.",
        {"hours_ahead": round((scored - now).total_seconds() / 3600, 2)},
    )


def _find_last_scored(day: date, store: Store) -> datetime | None:
    """When rows of a date were scored last; None if the store does not say."""
    stamp = pl.col(_STAMP)
    found: datetime | None = store.read(day, day, [_STAMP]).select(stamp.max()).collect().item()
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _find_today(contract: Contract, now: datetime) -> date:
    return now.astimezone(ZoneInfo(contract.table.timezone)).date()


def _make_finding(
    title: str,
    day: date,
    cause: str,
    evidence: dict[str, Any],
    remedy: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        OUTDATED, "red", title, (day,), (), 0, 0, None, None, cause, evidence, remedy,
        is_fault=False,
    )  # fmt: skip


def describe_duration(duration: timedelta) -> str:
    """A duration in its two largest units.

    >>> describe_duration(timedelta(days=3, hours=7, minutes=12))
    '3 days 7 hours'
    >>> describe_duration(timedelta(seconds=20))
    '0 minutes'
    """
    minutes = int(duration.total_seconds() // 60)
    amounts = [(minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute")]
    first = next((i for i, (n, _) in enumerate(amounts) if n), 2)
    shown = [(n, unit) for n, unit in amounts[first : first + 2] if n or first == 2]
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in shown)
