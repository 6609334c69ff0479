"""The plan of a backfill: which dates to score and why, and whether their rows can be stored."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from fsq.backfilling.job import Job
from fsq.backfilling.mixing import require_contract
from fsq.backfilling.options import BackfillOptions
from fsq.backfilling.source import source_read_errors
from fsq.intake.validation import count_unknown_labels, validate_input, validate_rows
from fsq.scoring.options import ScoringOptions
from fsq.stores import CostEstimate, LedgerEntry, Workload, get_backend
from fsq.utils.arguments import DATES
from fsq.utils.dates import move_date

log = logging.getLogger("fsq")


@dataclass(frozen=True, slots=True)
class Step:
    """One date of the plan.

    Attributes:
        day: the date.
        rows: number of its rows in the source.
        reason: why to score it: ``"new"``, ``"changed"``, ``"contract"`` or ``"forced"``; None
            to skip it.
        entry: what the store's ledger is to hold once the date is written.
    """

    day: date
    rows: int
    reason: str | None
    entry: LedgerEntry


def make_plan(
    job: Job, rows: pl.LazyFrame, dates: pl.DataFrame, options: BackfillOptions
) -> list[Step]:
    """Decide for each date whether to score it, and why.

    Args:
        job: the source and the store, whose ledger says what was scored before.
        rows: the source's rows, to name what is wrong with their dates.
        dates: what ``fingerprint_dates`` returns for them.
        options: whether to score every date, and whether contracts may mix.

    Raises:
        InputError: rows have no date, or one beyond the calendar, or the store has rows of
            another contract.
        StoreError: the ledger cannot be read.
    """
    scoring, ledger = job.scoring, job.store.ledger()
    if not dates["day"].is_between(*DATES).fill_null(value=False).all():
        validate_input(rows, scoring.contract, scoring.on_unknown)
    if not options.change_contract:
        require_contract(job.store, scoring.contract, ledger, set(dates["day"]))
    plan = []
    for day, count, fingerprint in dates.iter_rows():
        entry = LedgerEntry(
            scoring.contract.name,
            scoring.contract.version_hash,
            f"{fingerprint}|{_scoring_text(day, scoring)}",
            count,
        )
        plan.append(Step(day, count, _reason(entry, ledger.get(day), force=options.force), entry))
    return plan


def _reason(entry: LedgerEntry, known: LedgerEntry | None, *, force: bool) -> str | None:
    if force:
        return "forced"
    if known is None:
        return "new"
    if (known.contract, known.version) != (entry.contract, entry.version):
        return "contract"
    return None if known == entry else "changed"


def _scoring_text(day: date, scoring: ScoringOptions) -> str:
    """What a date's scores depend on besides its rows; until the day is over, the clock too."""
    parts = [scoring.as_of, scoring.run.on(day) if scoring.run else None, scoring.on_unknown]
    zone, after = ZoneInfo(scoring.contract.table.timezone), move_date(day, 1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=zone)
    if scoring.as_of is None and scoring.now < midnight:
        parts.append(scoring.now)
    return "|".join(str(p) for p in parts)


def pending_steps(plan: list[Step]) -> list[Step]:
    """The steps of a plan that are to be scored."""
    return [step for step in plan if step.reason is not None]


def validate_steps(job: Job, rows: pl.LazyFrame, steps: list[Step]) -> dict[str, int]:
    """Refuse invalid rows before anything is written.

    Returns:
        Unknown source labels that count as defaults, with their number.

    Raises:
        InputError: rows of these steps are invalid.
    """
    if not steps:
        return {}
    scoring = job.scoring
    chosen = rows.filter(pl.col(scoring.contract.table.date).is_in([step.day for step in steps]))
    with source_read_errors(job.source):
        validate_rows(chosen, job.layout, scoring.on_unknown)
        return count_unknown_labels(chosen, job.layout) if scoring.on_unknown == "default" else {}


def validate_fit(job: Job, rows: pl.LazyFrame, steps: list[Step]) -> None:
    """Refuse rows that the store cannot hold without loss, and warn of columns that it changes.

    Raises:
        InputError: types or values do not fit the store's columns.
        StoreError: the store's rows of these dates cannot be replaced.
    """
    if not steps:
        return
    job.fit.require()
    days = [step.day for step in steps]
    get_backend(job.store.uri).check_dates(job.store, days)
    chosen = rows.filter(pl.col(job.date_column).is_in(days))
    carried = replace(
        job.fit,
        found={c: dtype for c, dtype in job.fit.found.items() if c in job.columns},
        added=tuple(c for c in job.fit.added if c in job.columns),
    )
    with source_read_errors(job.source):
        carried.require(carried.find_losses(chosen))
    for line in carried.describe():
        log.warning("%s", line)


def group_steps(steps: list[Step], chunk_rows: int) -> list[list[Step]]:
    """Group the steps, in order, so that a group has up to ``chunk_rows`` rows or one date."""
    groups: list[list[Step]] = []
    size = chunk_rows
    for step in steps:
        if size + step.rows > chunk_rows:
            groups.append([])
            size = 0
        groups[-1].append(step)
        size += step.rows
    return groups


def estimate_costs(
    job: Job, rows: pl.LazyFrame, steps: list[Step], *, commits: int
) -> CostEstimate | None:
    """Estimate the bytes to move and their price; None for a store that bills no bytes."""
    backend = get_backend(job.store.uri)
    if not backend.capabilities.bills_bytes:
        return None
    count = sum(step.rows for step in steps)
    kept = [c for c in job.layout.carried if c not in job.fit.empty]
    carried = () if job.base_version is not None else kept
    with source_read_errors(job.source):
        workload = Workload(
            job.fit.apply(rows), count, job.scoring.contract, job.source, carried, commits
        )
        return backend.estimate_costs(job.store, workload)
