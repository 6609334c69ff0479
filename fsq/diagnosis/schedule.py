"""What was to take place: dates, their events, and who takes part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError, short


def read_schedule(schedule: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """A schedule with its dates as dates and everything else as text, nested columns left out.

    Args:
        schedule: the contract's date, and what tells its events: the contract's group, columns
            that the rows carry, or nothing. ISO texts are dates, too.
        contract: names the columns.

    Raises:
        InputError: it has no date column, or that holds something else or NULL.

    >>> from fsq.contract import load_contract
    >>> games = pl.DataFrame({"game_date": ["2026-02-06"], "game_id": [22300571]})
    >>> read_schedule(games, load_contract()).row(0)
    (datetime.date(2026, 2, 6), '22300571')
    """
    day, headline = contract.table.date, "the schedule cannot be used"
    if day not in schedule.columns:
        found = ", ".join(schedule.columns) or "none"
        problem = f"no column {day} of dates; name it so (its columns: {found})"
        raise InputError([problem], headline)
    stated = schedule[day]
    if isinstance(stated.dtype, pl.String):
        dates = stated.str.to_date("%Y-%m-%d", strict=False)
    elif isinstance(stated.dtype, pl.Date):
        dates = stated
    else:
        problem = f"{day} is {stated.dtype}; make it a date or an ISO text such as 2026-02-06"
        raise InputError([problem], headline)
    if dates.null_count():
        first = stated.filter(dates.is_null())[0]
        shown = "NULL" if first is None else short(first)
        problem = f"{day}: {dates.null_count()} rows have no date ({shown}); write ISO dates"
        raise InputError([problem], headline)
    # A list or a struct names no event.
    named = [c for c, d in schedule.schema.items() if not (d.is_nested() or d == pl.Binary)]
    return schedule.select(named).with_columns(dates, pl.exclude(day).cast(pl.String))


def list_due_dates(
    schedule: pl.DataFrame, contract: Contract, first: date, last: date
) -> list[date]:
    """The dates from first to last, both included, on which something was to take place.

    >>> from fsq.contract import load_contract
    >>> days = pl.DataFrame({"game_date": [date(2026, 2, 6), date(2026, 2, 8)]})
    >>> list_due_dates(days, load_contract(), date(2026, 2, 7), date(2026, 2, 28))
    [datetime.date(2026, 2, 8)]
    """
    day = pl.col(contract.table.date)
    due: list[date] = (
        schedule.filter(day.is_between(first, last))[contract.table.date].unique().sort().to_list()
    )
    return due


def is_rest_day(schedule: pl.DataFrame | None, contract: Contract, day: date) -> bool:
    """Whether a schedule that reaches over a date has nothing for it.

    >>> from fsq.contract import load_contract
    >>> days = pl.DataFrame({"game_date": [date(2026, 2, 6), date(2026, 2, 8)]})
    >>> [is_rest_day(days, load_contract(), date(2026, 2, d)) for d in (6, 7, 9)]
    [False, True, False]
    """
    if schedule is None or schedule.is_empty():
        return False
    dates = schedule[contract.table.date]
    return bool(covers(schedule, contract, day) and not (dates == day).any())


def covers(schedule: pl.DataFrame, contract: Contract, day: date) -> bool:
    """Whether a date lies between the first and the last one of a schedule."""
    dates: Sequence[date] = schedule[contract.table.date].to_list()
    return bool(dates) and min(dates) <= day <= max(dates)
