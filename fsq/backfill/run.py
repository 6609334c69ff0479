"""Backfill: plan dates, score chunks of whole days, replace them, remember what was done."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa

from fsq.backfill.plan import Step, estimate_costs, group_steps, make_plan, open_job, validate_steps
from fsq.backfill.source import fingerprints, source_read_errors, spilled_to_disk
from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.layout import Layout
from fsq.intake.run_context import RunContext
from fsq.intake.validation import OnUnknown
from fsq.schema.arrow import to_arrow
from fsq.scoring.engine import ScoringOptions, make_scoring_options, score_in_chunks
from fsq.stores import CostEstimate, LedgerEntry, Store, WriteResult, write_conflict

# Rows per transaction: a season takes two, so that files are large and little is redone.
COMMIT_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill has come."""

    rows: int
    total_rows: int
    dates: int
    total_dates: int


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What a backfill did, or with ``dry_run`` would do."""

    plan: list[Step]
    rows: int = 0
    dates: int = 0
    skipped: int = 0
    seconds: float = 0.0
    tiers: dict[str, int] = field(default_factory=dict)
    unknown_sources: dict[str, int] = field(default_factory=dict)
    costs: CostEstimate | None = None  # of a dry run into a store that bills bytes

    @property
    def rows_per_second(self) -> float:
        """Rows written per second of the whole run."""
        return self.rows / self.seconds if self.seconds else 0.0


def parse_last(text: str, today: date) -> tuple[date, date]:
    """``7d`` as the dates of the last seven days, today included.

    >>> parse_last("7d", date(2026, 2, 7))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 7))
    """
    match = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if not match:
        raise InputError([f"--last {text!r}: write a number of days such as 7d"])
    return today - timedelta(days=int(match[1]) - 1), today


def parse_season(text: str) -> tuple[date, date]:
    """``2025-26`` as 1 July 2025 to 30 June 2026.

    >>> parse_season("2025-26")
    (datetime.date(2025, 7, 1), datetime.date(2026, 6, 30))
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if not match or not 1946 <= int(match[1]) < 9998 or (int(match[1]) + 1) % 100 != int(match[2]):
        raise InputError([f"--season {text!r}: write the two years such as 2025-26"])
    first = int(match[1])
    return date(first, 7, 1), date(first + 1, 6, 30)


def backfill(
    source: str,
    store: str,
    *,
    start: date | None = None,
    end: date | None = None,
    contract: str | Path | Contract = "v2_33features",
    run: RunContext | None = None,
    as_of: datetime | None = None,
    now: datetime | None = None,
    on_unknown_source: OnUnknown = "error",
    force: bool = False,
    dry_run: bool = False,
    chunk_rows: int = COMMIT_ROWS,
    progress: Callable[[Progress], None] | None = None,
) -> BackfillResult:
    """Score a source's dates into a store; what is unchanged since the last run is skipped.

    Every chunk of whole days is one transaction, so a killed run leaves whole dates, and the
    same call goes on where it stopped. A date is redone if its input, its run context, the
    contract or ``as_of`` differ from what the store remembers, and while it is not over yet.

    Args:
        source: Parquet file, folder or glob, a Delta table, or ``bigquery://project.dataset.table``;
            it may be the store itself.
        store: folder of the Delta table to write, or ``bigquery://project.dataset.table``.
        start: first date; None for the source's first.
        end: last date, included; None for the source's last.
        contract: as for ``fsq.score``, like run, as_of, now and on_unknown_source.
        run: what upstream says of its run.
        as_of: the moment for which freshness is judged, where rows have none.
        now: the clock, UTC.
        on_unknown_source: ``"error"`` or ``"default"``.
        force: redo every date.
        dry_run: only plan; nothing is written.
        chunk_rows: about so many rows are scored and committed at once.
        progress: called after every commit.

    Raises:
        InputError: any planned row is bad; nothing is written.
        StoreError: the store cannot be read or written, or, in place, others changed it
            meanwhile; committed dates stay.
    """
    began = time.perf_counter()
    options = make_scoring_options(contract, as_of, run, now, on_unknown_source)
    job = open_job(source, store, start, end, options)
    with spilled_to_disk(job.rows, source, job.wanted) as rows:
        with source_read_errors(source):
            found = fingerprints(rows, job.fingerprinted)
            plan = make_plan(found, rows, job.target.ledger(), options, force=force)
        todo = [step for step in plan if step.reason is not None]
        unknown = validate_steps(rows, job.layout, source, todo, options)
        skipped = len(plan) - len(todo)
        groups = group_steps(todo, chunk_rows)
        if dry_run:
            costs = estimate_costs(job, rows, source, todo, options, commits=len(groups))
            return BackfillResult(plan, skipped=skipped, unknown_sources=unknown, costs=costs)
        scored = _scored(rows, job.layout, source, groups, options)
        done = _written(scored, job.target, job.base, todo, progress)
    seconds = time.perf_counter() - began
    return BackfillResult(plan, done.rows, done.dates, skipped, seconds, dict(done.tiers), unknown)


def _scored(
    rows: pl.LazyFrame,
    layout: Layout,
    source: str,
    groups: list[list[Step]],
    options: ScoringOptions,
) -> Iterator[tuple[pa.Table, dict[date, LedgerEntry]]]:
    """Each chunk's scored rows, and what is to be remembered of its dates."""
    for chunk in groups:
        entries = {step.day: step.entry for step in chunk}
        with source_read_errors(source):
            batch = rows.filter(pl.col("game_date").is_in(list(entries))).collect()
        # Cast piece by piece: nested rows take much memory, so they are held once.
        yield pa.concat_tables(map(to_arrow, score_in_chunks(batch, layout, options))), entries


@dataclass
class _Done:
    """What has been committed so far."""

    rows: int = 0
    dates: int = 0
    tiers: Counter[str] = field(default_factory=Counter)


def _written(
    scored: Iterator[tuple[pa.Table, dict[date, LedgerEntry]]],
    target: Store,
    base: int | None,
    todo: list[Step],
    progress: Callable[[Progress], None] | None,
) -> _Done:
    """Commit each chunk while the next is read and scored, so that both cores stay busy."""
    done, total = _Done(), sum(step.rows for step in todo)

    def write(rows: pa.Table, entries: dict[date, LedgerEntry]) -> WriteResult:
        nonlocal base
        receipt = target.replace(rows, entries, base)
        # What someone else wrote between our commits may have changed dates still to be written.
        if receipt.conflict:
            raise write_conflict(target.uri)
        if base is not None:
            base = receipt.version
        return receipt

    def finish(job: Future[WriteResult]) -> None:
        receipt = job.result()
        done.rows += receipt.rows
        done.dates += receipt.dates
        if progress:
            progress(Progress(done.rows, total, done.dates, len(todo)))

    with ThreadPoolExecutor(max_workers=1) as writer:
        pending: Future[WriteResult] | None = None
        for rows, entries in scored:
            tiers = pl.Series(rows["quality_tier"]).value_counts()
            done.tiers.update(dict(tiers.iter_rows()))
            if pending:
                finish(pending)
            pending = writer.submit(write, rows, entries)
            del rows
        if pending:
            finish(pending)
    return done
