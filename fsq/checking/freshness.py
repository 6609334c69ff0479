"""How old a store is, and the finding that it was not filled."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
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


def find_overdue(
    newest: date, age: timedelta, options: CheckOptions, store: Store
) -> Finding | None:
    """The finding that the store is older than it may be; None if it is not."""
    if options.max_age is None or age <= options.max_age:
        return None
    contract, schedule = store.contract, options.schedule
    due = None if schedule is None else _find_due(newest, contract, schedule)
    first = due or newest + timedelta(days=1)
    today = options.moment.astimezone(ZoneInfo(contract.table.timezone)).date()
    command = make_backfill_command(*name_places(store, options.source), first, max(first, today))
    return Finding(
        OUTDATED,
        "red",
        f"no rows since {newest}: {describe_duration(age)} overdue",
        (first,),
        (),
        0,
        0,
        None,
        None,
        f"The newest date is {newest}; at most {describe_duration(options.max_age)} may pass after "
        "it. The job that fills the store did not run, or had nothing to read.",
        {"age_hours": round(age.total_seconds() / 3600, 2)},
        (command,),
        is_fault=False,
    )


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
