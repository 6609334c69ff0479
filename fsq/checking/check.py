"""``check_store``: read the dates and their history, diagnose them, record what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl

from fsq.checking.dates import diagnose_dates, diagnose_known_faults
from fsq.checking.freshness import OUTDATED, count_days_ahead, find_overdue, measure_age
from fsq.checking.result import CheckOptions, StoreCheck, add_finding
from fsq.checking.source_changes import CHANGED, compare_with_source
from fsq.diagnosis import Diagnosis
from fsq.diagnosis.schedule import read_schedule
from fsq.incidents import Change, Incident, read_incidents, record_findings
from fsq.masking import mask_secrets
from fsq.stores import Store

# Kinds of findings that are looked for only on request.
_LOOKED_FOR: dict[str, Callable[[CheckOptions], bool]] = {
    OUTDATED: lambda options: options.max_age is not None,
    CHANGED: lambda options: options.compare,
}


def check_store(store: Store, options: CheckOptions) -> StoreCheck:
    """Check dates of a store; by default the newest one.

    Its ledger of incidents counts: dates with faults are no history, and what somebody accepted is
    no finding. Only the rows of the dates and of their history are read.

    Raises:
        InputError: the store has no rows of a range of dates, or the rows are not scored.
        StoreError: the store or its ledger cannot be read, or the ledger cannot be written.
    """
    contract, now = store.contract, options.moment
    if options.schedule is not None:
        options = replace(options, schedule=read_schedule(options.schedule, contract))
    incidents = read_incidents(store)
    newest = _find_newest(store, options)
    dx = diagnose_dates(store, options, newest, incidents)
    if options.compare and options.source is not None:
        dx = compare_with_source(dx, store, options.source)
    age = None if newest is None else measure_age(newest, contract, now, options.schedule)
    if options.max_age is not None and newest is not None and age is not None:
        overdue = find_overdue(newest, age, options, store)
        dx = dx if overdue is None else add_finding(dx, overdue)
    ahead = 0 if newest is None else count_days_ahead(newest, contract, now)
    done = StoreCheck(mask_secrets(store.uri), dx, newest, age, now, days_ahead=ahead)
    if not options.record:
        return done
    changes = _record(store, options, dx, incidents)
    known = read_incidents(store)
    return replace(
        done,
        changes=tuple(changes),
        open_incidents=sum(i.state == "open" for i in known),
        owed=tuple(i for i in known if i.owed),
    )


def _record(
    store: Store, options: CheckOptions, dx: Diagnosis, incidents: list[Incident]
) -> list[Change]:
    """Enter what was found, and what has become of earlier dates with faults."""
    now, channels = options.moment, options.channels
    changes: list[Change] = []
    earlier = diagnose_known_faults(store, options, incidents, min(dx.dates))
    if earlier is not None:
        changes += record_findings(
            store,
            earlier,
            now,
            options.how,
            list(_LOOKED_FOR),
            only_known=True,
            channels=channels,
        )
    skipped = [kind for kind, looked in _LOOKED_FOR.items() if not looked(options)]
    return changes + record_findings(store, dx, now, options.how, skipped, channels=channels)


def _find_newest(store: Store, options: CheckOptions) -> date | None:
    """The newest date, where it matters."""
    whole = options.start is None and options.end is None
    if not whole and options.max_age is None:
        return None
    day = store.contract.table.date
    found: date | None = store.read(columns=[day]).select(pl.col(day).max()).collect().item()
    return found
