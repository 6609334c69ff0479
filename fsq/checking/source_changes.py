"""Whether the stored quality is still that of the source's rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from fsq.checking.result import add_finding
from fsq.diagnosis import Diagnosis, Finding
from fsq.diagnosis.causes import make_backfill_command
from fsq.errors import FsqError
from fsq.stores import LedgerEntry, Store, identify_table

CHANGED = "source_changed"


def compare_with_source(dx: Diagnosis, store: Store, source: str) -> Diagnosis:
    """Add a finding for the dates whose rows the source has changed since they were scored.

    Fingerprints, which a backfill leaves in the store, show them. What cannot be compared
    is noted as not evaluated.
    """
    days = sorted(d for d in dx.dates if dx.days.height)
    if not days:
        return dx
    if identify_table(source) == identify_table(store.uri):
        return _note(dx, days, "the store is its own source")
    try:
        found = _fingerprint(source, store, days)
    except FsqError as error:
        return _note(dx, days, f"the source cannot be read: {str(error).splitlines()[0]}")
    ledger = store.ledger()
    unknown = [d for d in days if d not in ledger]
    if unknown:
        dx = _note(dx, unknown, "the store has no fingerprint of what was scored")
    compared = {d: (ledger[d], found.get(d)) for d in days if d in ledger}
    lacking = [d for d, (_, now) in compared.items() if now is None]
    if lacking:
        dx = _note(dx, lacking, "the source has no rows of this date")
    others = [d for d, (was, now) in compared.items() if now and not _is_comparable(was, now)]
    if others:
        reason = "the source's columns or the version of Polars have changed since the scoring"
        dx = _note(dx, others, reason)
    changed = {
        d: (was.rows, now[0])
        for d, (was, now) in compared.items()
        if now and d not in others and _get_content(was.fingerprint) != now[1]
    }
    return add_finding(dx, _describe(changed, source, store)) if changed else dx


def _fingerprint(source: str, store: Store, days: list[date]) -> dict[date, tuple[int, str]]:
    """Rows and fingerprint of each date as the source has it now."""
    # What reads sources is loaded by the checks that compare with one.
    from fsq.backfilling.job import open_job
    from fsq.backfilling.options import BackfillOptions
    from fsq.backfilling.source import fingerprint_dates, source_read_errors

    options = BackfillOptions(
        start=days[0], end=days[-1], contract=store.contract, on_unknown_source="default"
    )
    job = open_job(source, store.uri, options)
    rows = job.rows.filter(pl.col(job.date_column).is_in(days))
    with source_read_errors(source):
        found = fingerprint_dates(rows, job.date_column, job.fingerprint_columns)
    return {day: (count, fingerprint) for day, count, fingerprint in found.iter_rows()}


def _get_content(fingerprint: str) -> str:
    """The part of a fingerprint that describes the rows, not what else their scores depend on."""
    return fingerprint.partition("|")[0]


def _is_comparable(was: LedgerEntry, now: tuple[int, str]) -> bool:
    return was.fingerprint.partition(":")[0] == now[1].partition(":")[0]


def _describe(changed: dict[date, tuple[int, int]], source: str, store: Store) -> Finding:
    days = tuple(sorted(changed))
    was, now = (sum(counts[i] for counts in changed.values()) for i in (0, 1))
    added = {d: after - before for d, (before, after) in changed.items()}
    counted = f"{now:,} rows, {was:,} before" if any(added.values()) else "same number of rows"
    command = make_backfill_command(source, store.uri, days[0], days[-1])
    return Finding(
        CHANGED,
        "red" if any(added.values()) else "yellow",
        f"the source has changed since it was scored: {counted}",
        days,
        (),
        now,
        now,
        None,
        None,
        f"{source} holds other rows for these dates than those that were scored; the store "
        "still has the old values and their quality.",
        {"rows_scored": was, "rows_now": now},
        (command,),
        is_fault=False,
    )


def _note(dx: Diagnosis, days: Iterable[date], reason: str) -> Diagnosis:
    entry: dict[str, Any] = {
        "check": CHANGED,
        "reason": reason,
        "dates": sorted(days),
        "features": [],
    }
    return replace(dx, not_evaluated=(*dx.not_evaluated, entry))
