"""Reading the dates of a store and what they are compared with, and diagnosing them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from fsq.checking.result import CheckOptions
from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, diagnose
from fsq.diagnosis.diagnose import list_detail_fields, name_places
from fsq.diagnosis.long_detail import PART_CELLS
from fsq.diagnosis.passes import list_lookback
from fsq.diagnosis.read_columns import list_read_columns
from fsq.diagnosis.schedule import list_due_dates
from fsq.diagnosis.stored_profile import load_usable_profile
from fsq.errors import InputError
from fsq.incidents.incident import Incident
from fsq.incidents.ledger import exclude_dates, select_accepted
from fsq.stores import Store
from fsq.utils.dates import move_date

_YEAR = 366  # days


def diagnose_dates(
    store: Store, options: CheckOptions, newest: date | None, incidents: list[Incident]
) -> Diagnosis:
    """Diagnose the dates that the options name, or the newest one.

    Their rows and those of their history are read, and no others.

    Raises:
        InputError: the store has no rows of a range of dates.
    """
    start, end = options.start, options.end
    if start is None and end is None:
        today = options.moment.astimezone(ZoneInfo(store.contract.table.timezone)).date()
        start = end = newest or today
    counts = _count_rows(store, start, end, incidents)
    dates = _choose_dates(list(counts), start, end, options, store.contract)
    if not dates:
        problem = "it has no rows of these dates; name others, or backfill them"
        raise InputError([problem], f"{store.uri} cannot be checked")
    return _diagnose(store, options, dates, counts, incidents)


def diagnose_known_faults(
    store: Store, options: CheckOptions, incidents: list[Incident], before: date
) -> Diagnosis | None:
    """Diagnose the dates with known faults shortly before a date: they may have been repaired.

    None if there are none.
    """
    oldest = move_date(before, -store.contract.diagnosis.history_max_age_days)
    dates = [d for d in exclude_dates(incidents) if oldest <= d < before]
    if not dates:
        return None
    counts = _count_rows(store, dates[0], dates[-1], incidents)
    # The run that is given is that of the dates to check.
    return _diagnose(store, replace(options, run=None), dates, counts, incidents)


def _count_rows(
    store: Store, start: date | None, end: date | None, incidents: list[Incident]
) -> dict[date, int]:
    """Rows per date, from so far before the start on that there may be a history."""
    contract, since = store.contract, None
    day = contract.table.date
    if start is not None:
        left_out = sum(d < start for d in exclude_dates(incidents))
        age = contract.diagnosis.history_max_age_days + left_out
        # Further back only dates are read: they show where a season began.
        since = move_date(start, -age - _YEAR)
    counts = store.read(since, end, [day]).group_by(day).len().collect().drop_nulls(day).sort(day)
    return dict(counts.iter_rows())


def _diagnose(
    store: Store,
    options: CheckOptions,
    dates: list[date],
    counts: dict[date, int],
    incidents: list[Incident],
) -> Diagnosis:
    """Diagnose these dates, of those that have rows."""
    contract, excluded, days = store.contract, exclude_dates(incidents), list(counts)
    profile = load_usable_profile(store)
    before = _list_history(days, dates[0], contract, excluded)
    if profile is None:  # what normally holds is learned from more of them, then
        before = [d for d in days if d < dates[0]][-contract.diagnosis.learning_dates :]
    start = min([*before, *dates])
    rows = store.read(start, dates[-1], fields=list_detail_fields())
    if sum(n for d, n in counts.items() if d >= start) * len(contract.features) <= PART_CELLS:
        # They are looked at several times, and few enough to be read once, and kept.
        rows = rows.select(list_read_columns(contract, rows.collect_schema())).collect().lazy()
    source, uri = name_places(store, options.source)
    return diagnose(
        rows,
        contract,
        run=options.run,
        dates=dates,
        source=source,
        store=uri,
        not_history=excluded,
        accepted=select_accepted(incidents),
        known_dates=days,
        schedule=options.schedule,
        profile=profile,
    )


def _choose_dates(
    days: list[date],
    start: date | None,
    end: date | None,
    options: CheckOptions,
    contract: Contract,
) -> list[date]:
    """The dates to check: those with rows, those scheduled, and one that was named alone."""
    chosen = {d for d in days if (start is None or d >= start) and (end is None or d <= end)}
    if options.schedule is not None:
        first, last = start or min(days, default=None), end or max(days, default=None)
        if first is not None and last is not None:
            chosen.update(list_due_dates(options.schedule, contract, first, last))
    if not chosen and start is not None and start == end:
        chosen = {start}  # one date without rows is a finding, no error
    return sorted(chosen)


def _list_history(
    days: list[date], first: date, contract: Contract, excluded: list[date]
) -> list[date]:
    """The earlier dates to read: those to judge, and further back past what is no history."""
    known = set(excluded)
    before = list_lookback([d for d in days if d not in known], first, contract)
    return [d for d in days if before and before[0] <= d < first]
