"""``check_store``: read the dates and their history, diagnose them, record what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from fsq.checking.freshness import OUTDATED, find_overdue, list_scheduled, measure_age
from fsq.checking.result import CheckOptions, StoreCheck, add_finding
from fsq.checking.source_changes import CHANGED, compare_with_source
from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, diagnose
from fsq.diagnosis.diagnose import list_detail_fields
from fsq.diagnosis.passes import list_lookback
from fsq.diagnosis.schedule import read_schedule
from fsq.errors import InputError
from fsq.incidents import read_incidents, record_findings
from fsq.incidents.incident import Incident
from fsq.incidents.ledger import exclude_dates, select_accepted
from fsq.stores import Store

_YEAR = timedelta(days=366)
# Kinds of findings that are looked for only if somebody asks.
_LOOKED_FOR: dict[str, Callable[[CheckOptions], bool]] = {
    OUTDATED: lambda options: options.max_age is not None,
    CHANGED: lambda options: options.compare,
}


def check_store(store: Store, options: CheckOptions) -> StoreCheck:
    """Check dates of a store; by default the newest one.

    What its ledger of incidents says counts: dates with faults are no history, and what somebody
    accepted is no finding. Only the rows of the dates and of their history are read.

    Raises:
        InputError: the store has no rows of a range of dates, or the rows are not scored.
        StoreError: the store or its ledger cannot be read, or the ledger cannot be written.
    """
    contract, now = store.contract, options.moment
    if options.schedule is not None:
        options = replace(options, schedule=read_schedule(options.schedule, contract))
    incidents = read_incidents(store)
    newest = _find_newest(store, options)
    dx = _diagnose_dates(store, options, newest, incidents)
    if options.compare and options.source is not None:
        dx = compare_with_source(dx, store, options.source)
    age = None if newest is None else measure_age(newest, contract, now, options.schedule)
    if options.max_age is not None and newest is not None and age is not None:
        overdue = find_overdue(newest, age, options, contract, store)
        dx = dx if overdue is None else add_finding(dx, overdue)
    done = StoreCheck(store.uri, dx, newest, age, now)
    if not options.record:
        return done
    skipped = [kind for kind, looked in _LOOKED_FOR.items() if not looked(options)]
    changes = record_findings(store, dx, now, options.how, skipped)
    still_open = sum(i.state == "open" for i in read_incidents(store))
    return replace(done, changes=tuple(changes), open_incidents=still_open)


def _find_newest(store: Store, options: CheckOptions) -> date | None:
    """The newest date, where it matters."""
    whole = options.start is None and options.end is None
    if not whole and options.max_age is None:
        return None
    day = store.contract.table.date
    found: date | None = store.read(columns=[day]).select(pl.col(day).max()).collect().item()
    return found


def _diagnose_dates(
    store: Store, options: CheckOptions, newest: date | None, incidents: list[Incident]
) -> Diagnosis:
    """Diagnose the dates; their rows and those of their history are read, and no others."""
    contract, excluded = store.contract, exclude_dates(incidents)
    day = contract.table.date
    start, end = options.start, options.end
    if start is None and end is None:
        start = end = newest or options.moment.date()
    since = None
    if start is not None:
        age = contract.diagnosis.history_max_age_days + sum(d < start for d in excluded)
        # Further back only dates are read: they show where a season began.
        since = start - timedelta(days=age) - _YEAR
    days = store.read(since, end, [day]).unique().collect()[day].drop_nulls().sort().to_list()
    dates = _choose_dates(days, start, end, options, contract)
    if not dates:
        problem = "it has no rows of these dates; name others, or backfill them"
        raise InputError([problem], f"{store.uri} cannot be checked")
    before = _list_history(days, dates[0], contract, excluded)
    rows = store.read(min([*before, *dates]), dates[-1], fields=list_detail_fields())
    if before:
        # Rows in a gap between the history and the dates are not needed.
        rows = rows.filter((pl.col(day) >= dates[0]) | pl.col(day).is_in(before))
    return diagnose(
        rows,
        contract,
        run=options.run,
        dates=dates,
        source=options.source or store.source or "SOURCE",
        store=store.uri,
        not_history=excluded,
        accepted=select_accepted(incidents),
        known_dates=days,
        schedule=options.schedule,
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
            scheduled = list_scheduled(options.schedule, contract)
            chosen |= {d for d in scheduled if first <= d <= last}
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
