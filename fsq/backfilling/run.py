"""Backfill on this machine: plan the dates, score groups of them, commit each group."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Unpack

from fsq.backfilling.job import open_job
from fsq.backfilling.options import BackfillKeywords, BackfillOptions
from fsq.backfilling.plan import (
    Step,
    estimate_costs,
    group_steps,
    make_plan,
    pending_steps,
    validate_fit,
    validate_steps,
)
from fsq.backfilling.source import (
    Source,
    Target,
    fingerprint_dates,
    source_read_errors,
    spilled_to_disk,
)
from fsq.backfilling.writing import write_groups
from fsq.stores import CostEstimate


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What a backfill did, or with ``dry_run`` would do.

    Attributes:
        plan: one step per date of the source, those to skip included.
        rows: rows written.
        dates: dates written.
        seconds: duration of the whole run.
        tiers: number of rows written per quality tier.
        unknown_sources: source labels that were counted as defaults, with their number.
        costs: of a dry run into a store that bills bytes; else None.
    """

    plan: list[Step]
    rows: int = 0
    dates: int = 0
    seconds: float = 0.0
    tiers: dict[str, int] = field(default_factory=dict)
    unknown_sources: dict[str, int] = field(default_factory=dict)
    costs: CostEstimate | None = None

    @property
    def skipped(self) -> int:
        """Dates that were up to date."""
        return len(self.plan) - len(pending_steps(self.plan))

    @property
    def rows_per_second(self) -> float:
        """Rows written per second of the whole run."""
        return self.rows / self.seconds if self.seconds else 0.0


def backfill(
    source: Source,
    store: Target,
    options: BackfillOptions | None = None,
    **changes: Unpack[BackfillKeywords],
) -> BackfillResult:
    """Score a source's dates into a store; dates unchanged since the last run are skipped.

    The store remembers contract and source. Rows of another contract than the store's are refused
    unless ``change_contract`` is set.

    Each group of whole dates is one transaction. A run that is killed leaves whole dates, and the
    same call resumes it. A date is rescored if its input, its run context, the contract or
    ``as_of`` differ from the store's ledger, and as long as the date is not over.

    Args:
        source: Parquet file, folder or glob, Delta table, or ``bigquery://project.dataset.table``;
            it may be the store itself. Or rows in memory: a frame or table of any library; a store
            remembers no source for them.
        store: folder of a Delta table, or ``bigquery://project.dataset.table``; or an open store.
        options: what to backfill, and how; None for the defaults.
        changes: fields of ``BackfillOptions``, in place of those of ``options``.

    Raises:
        InputError: a planned row is invalid, or the store has rows of another contract; nothing
            is written.
        ContractError: the contract cannot be used.
        StoreError: the store cannot be read or written, or others changed it while it was
            backfilled in place; committed dates stay.

    >>> from tempfile import TemporaryDirectory
    >>> from fsq.demo import simulate_season
    >>> with TemporaryDirectory() as folder:
    ...     source, store = f"{folder}/rows.parquet", f"{folder}/store"
    ...     simulate_season("2025-26").rows.tail(300).write_parquet(source)
    ...     first = backfill(source, store)
    ...     again = backfill(source, store)
    >>> first.rows, again.rows, again.skipped == first.dates
    (300, 0, True)
    """
    options = replace(options or BackfillOptions(), **changes)
    started = time.perf_counter()
    job = open_job(source, store, options)
    with spilled_to_disk(job.rows, job.source, job.columns) as rows:
        with source_read_errors(job.source):
            dates = fingerprint_dates(rows, job.date_column, job.fingerprint_columns)
            plan = make_plan(job, rows, dates, options)
        pending = pending_steps(plan)
        unknown = validate_steps(job, rows, pending)
        validate_fit(job, rows, pending)
        groups = group_steps(pending, options.chunk_rows)
        if options.dry_run:
            costs = estimate_costs(job, rows, pending, commits=len(groups))
            return BackfillResult(plan, unknown_sources=unknown, costs=costs)
        written = write_groups(job, rows, groups, options.progress)
    seconds = time.perf_counter() - started
    return BackfillResult(plan, written.rows, written.dates, seconds, dict(written.tiers), unknown)
