"""What a backfill is to do: which dates of a source, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from fsq.backfill.source import scan_source, source_read_errors
from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.layout import Layout
from fsq.intake.validation import (
    count_unknown_labels,
    validate_columns,
    validate_input,
    validate_rows,
)
from fsq.scoring.engine import ScoringOptions
from fsq.stores import (
    CostEstimate,
    LedgerEntry,
    Store,
    Workload,
    get_backend,
    get_capabilities,
    identify_table,
    open_store,
)
from fsq.utils.frames import filter_dates


@dataclass(frozen=True, slots=True)
class Step:
    """One date of the plan: ``reason`` is new, changed, contract or forced; None to skip it."""

    day: date
    rows: int
    reason: str | None
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class Job:
    """A source and a store, looked at but not read.

    Attributes:
        rows: the source's rows of the wanted dates, lazily.
        target: the store.
        base: in place, the store's version before its rows were looked at; else None.
        layout: how to read the rows, once only the wanted columns are selected.
        wanted: the source's columns that scoring reads or carries.
        fingerprinted: the columns whose content decides whether a date is done anew.
    """

    rows: pl.LazyFrame
    target: Store
    base: int | None
    layout: Layout
    wanted: list[str]
    fingerprinted: list[str]


def open_job(
    source: str, store: str, start: date | None, end: date | None, options: ScoringOptions
) -> Job:
    """Look at the columns of a source, and open the store.

    Raises:
        InputError: columns are lacking or of wrong types, or the store cannot take them.
        StoreError: the store cannot be read.
    """
    target = open_store(store)
    in_place = identify_table(source) == identify_table(store)
    # Taken before the scan: what others commit in between is then reported, never lost.
    base = target.version() if in_place else None
    with source_read_errors(source):
        rows = _between(scan_source(source), start, end, options.contract)
        layout = validate_columns(rows, options.contract, options.on_unknown)
    if in_place and layout.form == "wide":
        raise InputError(
            [
                "a wide table cannot be its own store: its feature columns would be "
                "emptied; write to another folder"
            ]
        )
    # In place, the first run adds these two to a legacy table; they are no change of its input.
    ours = {"primary_data_source", "matchup_data_status"} if in_place else set()
    # In place, some stores keep the other columns; the others write whole rows again.
    stay = in_place and get_capabilities(source).column_updates
    wanted = [*(() if stay else layout.carried), *layout.needed]
    fingerprinted = [c for c in wanted if c not in ours]
    return Job(rows, target, base, layout.select(wanted), wanted, fingerprinted)


def validate_steps(
    rows: pl.LazyFrame, layout: Layout, source: str, todo: list[Step], options: ScoringOptions
) -> dict[str, int]:
    """Reject bad rows before anything is written; count unknown labels if they are defaults."""
    if not todo:
        return {}
    chosen = rows.filter(pl.col("game_date").is_in([s.day for s in todo]))
    with source_read_errors(source):
        validate_rows(chosen, layout, options.on_unknown)
        return count_unknown_labels(chosen, layout) if options.on_unknown == "default" else {}


def _between(
    rows: pl.LazyFrame, start: date | None, end: date | None, contract: Contract
) -> pl.LazyFrame:
    if rows.collect_schema().get("game_date") != pl.Date:
        validate_input(rows, contract, "error")
    return filter_dates(rows, start, end)


def estimate_costs(
    job: Job,
    rows: pl.LazyFrame,
    source: str,
    todo: list[Step],
    options: ScoringOptions,
    *,
    commits: int,
) -> CostEstimate | None:
    """What the run would move and cost; None for a store that bills no bytes."""
    backend = get_backend(job.target.uri)
    if not backend.capabilities.bills_bytes:
        return None
    count = sum(step.rows for step in todo)
    carried = () if job.base is not None else job.layout.carried
    with source_read_errors(source):
        workload = Workload(rows, count, options.contract, source, carried, commits)
        return backend.estimate_costs(job.target, workload)


def make_plan(
    found: pl.DataFrame,
    rows: pl.LazyFrame,
    ledger: dict[date, LedgerEntry],
    options: ScoringOptions,
    *,
    force: bool,
) -> list[Step]:
    """What is to be done for each date, and why.

    Args:
        found: the dates of the source with their rows and fingerprints.
        rows: the rows themselves, to name what is wrong with their dates.
        ledger: what the store remembers.
        options: how they are to be scored.
        force: redo every date.

    Raises:
        InputError: rows have no date.
    """
    if found["game_date"].null_count():
        validate_input(rows, options.contract, options.on_unknown)
    plan = []
    for day, count, content in found.iter_rows():
        entry = LedgerEntry(
            options.contract.name,
            options.contract.version_hash,
            f"{content}|{_circumstances(day, options)}",
            count,
        )
        plan.append(Step(day, count, _reason(entry, ledger.get(day), force=force), entry))
    return plan


def _reason(entry: LedgerEntry, known: LedgerEntry | None, *, force: bool) -> str | None:
    if force:
        return "forced"
    if known is None:
        return "new"
    if (known.contract, known.version) != (entry.contract, entry.version):
        return "contract"
    return None if known == entry else "changed"


def _circumstances(day: date, options: ScoringOptions) -> str:
    """What else a date's result depends on; an unfinished day depends on the clock."""
    parts = [options.as_of, options.run.on(day) if options.run else None, options.on_unknown]
    if options.as_of is None and options.now < datetime(
        day.year, day.month, day.day, tzinfo=UTC
    ) + timedelta(days=1):
        parts.append(options.now)
    return "|".join(str(p) for p in parts)


def group_steps(steps: list[Step], chunk_rows: int) -> list[list[Step]]:
    """The steps in groups of whole dates, of about so many rows each."""
    out: list[list[Step]] = []
    size = chunk_rows
    for step in steps:
        if size + step.rows > chunk_rows:
            out.append([])
            size = 0
        out[-1].append(step)
        size += step.rows
    return out
