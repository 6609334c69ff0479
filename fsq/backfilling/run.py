"""Backfill on this machine: plan the dates, score groups of them, commit each group."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Unpack

import polars as pl
import pyarrow as pa

from fsq.backfilling.job import Job, open_job
from fsq.backfilling.options import BackfillKeywords, BackfillOptions, Progress
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
from fsq.schema.arrow import to_arrow
from fsq.scoring.engine import score_in_chunks
from fsq.stores import CostEstimate, LedgerEntry, Store, WriteResult, write_conflict


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
        written = _write_groups(job, _score_groups(job, rows, groups), pending, options.progress)
    seconds = time.perf_counter() - started
    return BackfillResult(plan, written.rows, written.dates, seconds, dict(written.tiers), unknown)


def _score_groups(
    job: Job, rows: pl.LazyFrame, groups: list[list[Step]]
) -> Iterator[tuple[pa.Table, dict[date, LedgerEntry]]]:
    """Scored rows of each group, with the ledger entries of its dates."""
    for group in groups:
        entries = {step.day: step.entry for step in group}
        with source_read_errors(job.source):
            batch = rows.filter(pl.col(job.date_column).is_in(list(entries))).collect()
        # Nested rows take much memory: convert chunk by chunk, so that only one copy exists.
        chunks = score_in_chunks(batch, job.layout, job.scoring)
        fitted = (job.fit.apply(chunk) for chunk in chunks)
        tables = [to_arrow(chunk, convert=job.arrow_type) for chunk in fitted]
        yield pa.concat_tables(tables), entries


@dataclass
class _Written:
    """What has been committed so far."""

    rows: int = 0
    dates: int = 0
    tiers: Counter[str] = field(default_factory=Counter)


def _write_groups(
    job: Job,
    groups: Iterator[tuple[pa.Table, dict[date, LedgerEntry]]],
    pending: list[Step],
    progress: Callable[[Progress], None] | None,
) -> _Written:
    """Commit each group while the next is read and scored, so that both cores stay busy."""
    written, total_rows = _Written(), sum(step.rows for step in pending)
    base_version = job.base_version

    def commit(rows: pa.Table, entries: dict[date, LedgerEntry]) -> WriteResult:
        nonlocal base_version
        result = job.store.replace(rows, entries, base_version)
        # A concurrent write may also have changed dates that are still to be written.
        if result.conflict:
            raise write_conflict(job.store.uri)
        if base_version is not None:
            base_version = result.version
        return result

    def wait_for(commit: Future[WriteResult]) -> None:
        result = commit.result()
        written.rows += result.rows
        written.dates += result.dates
        if progress:
            progress(Progress(written.rows, total_rows, written.dates, len(pending)))

    with ThreadPoolExecutor(max_workers=1) as writer, _interrupting(job.store):
        running: Future[WriteResult] | None = None
        for rows, entries in groups:
            tiers = pl.Series(rows["quality_tier"]).value_counts()
            written.tiers.update(dict(tiers.iter_rows()))
            if running:
                wait_for(running)
            running = writer.submit(commit, rows, entries)
            del rows
        if running:
            wait_for(running)
    return written


@contextmanager
def _interrupting(store: Store) -> Iterator[None]:
    """If the block is interrupted, do not wait for a commit, which may take hours."""
    _take_signals_back()
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        store.interrupt()
        raise


def _take_signals_back() -> None:
    """Install Python's handler of SIGINT again.

    Polars replaces it with its own, which swallows an interruption while one of its queries is
    open; a source that is read in batches stays open.
    """
    if threading.current_thread() is threading.main_thread():
        handler = signal.getsignal(signal.SIGINT)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
