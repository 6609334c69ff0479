"""The rows of a backfill, scored and written on several threads, and committed group by group."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from fsq.backfilling.job import Job
from fsq.backfilling.options import Progress
from fsq.backfilling.plan import Step
from fsq.backfilling.source import source_read_errors
from fsq.backfilling.windows import can_read_windows, find_extent, read_windows
from fsq.errors import StoreError
from fsq.scoring.engine import score_pieces
from fsq.stores import GroupWrite, Store, WriteResult, open_group_write
from fsq.utils.frames import read_batches
from fsq.utils.threads import map_in_order

# Rows that a thread reads, scores and writes as one file.
PART_ROWS = 40_000


@dataclass
class Written:
    """What has been committed so far."""

    rows: int = 0
    dates: int = 0
    tiers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one group that a thread has written, not yet committed."""

    group: int
    stored: Any
    rows: int
    tiers: Counter[str]


def write_groups(
    job: Job,
    rows: pl.LazyFrame,
    groups: list[list[Step]],
    progress: Callable[[Progress], None] | None,
) -> Written:
    """Score and write groups of whole dates, each in one commit.

    Threads score and write parts of the groups side by side. A group is committed once all of its
    parts are written, while the next one's are on their way.

    Raises:
        StoreError: the source changed after it was planned, or the store cannot be written.
    """
    written = Written()
    if not groups:
        return written
    steps = [step for group in groups for step in group]
    total_rows = sum(step.rows for step in steps)

    def finish(commit: Future[WriteResult]) -> None:
        result = commit.result()
        written.rows += result.rows
        written.dates += result.dates
        if progress:
            progress(Progress(written.rows, total_rows, written.dates, len(steps)))

    write = open_group_write(job.store, job.empty, job.base_version)
    try:
        with (
            ThreadPoolExecutor(max_workers=1) as committer,
            _interrupting(job.store),
            closing(_write_parts(job, write, rows, groups)) as parts,
        ):
            running: Future[WriteResult] | None = None
            for number, of_group in _collect_groups(job.source, parts, groups):
                for part in of_group:
                    written.tiers.update(part.tiers)
                if running:
                    finish(running)
                entries = {step.day: step.entry for step in groups[number]}
                running = committer.submit(write.commit, [p.stored for p in of_group], entries)
            if running:
                finish(running)
    except BaseException:
        write.abort()
        raise
    return written


def _write_parts(
    job: Job, write: GroupWrite[Any], rows: pl.LazyFrame, groups: list[list[Step]]
) -> Generator[_Part]:
    """Score and write the parts of all groups on several threads, in order."""

    def write_part(given: tuple[int, pl.DataFrame]) -> _Part:
        (number, part), tiers = given, Counter[str]()

        def score() -> Iterator[pl.DataFrame]:
            for piece in score_pieces(part, job.layout, job.scoring):
                tiers.update(dict(piece["quality_tier"].value_counts().iter_rows()))
                yield job.fit.apply(piece)

        return _Part(number, write.write(score()), part.height, tiers)

    parts = ((n, part) for n, group in enumerate(groups) for part in _read_parts(job, rows, group))
    # What waits for its commit in memory is kept to little more than one group.
    return map_in_order(write_part, parts, 1 if write.in_memory else job.scoring.workers)


def _read_parts(job: Job, rows: pl.LazyFrame, group: list[Step]) -> Iterator[pl.DataFrame]:
    """Read a group's rows part by part; a date may have more of them than memory holds."""
    days = [step.day for step in group]
    chosen = rows.filter(pl.col(job.date_column).is_in(days))
    with source_read_errors(job.source):
        if sum(step.rows for step in group) <= PART_ROWS:
            yield chosen.collect()
            return
        for batch in _read_large(job, rows, days):
            _take_signals_back()
            yield from batch.iter_slices(PART_ROWS)


def _read_large(job: Job, rows: pl.LazyFrame, days: list[date]) -> Iterator[pl.DataFrame]:
    """The rows of some dates, several parts at a time."""
    every = job.every_date if rows is job.rows else rows
    if can_read_windows(every):
        extent = find_extent(every, job.date_column, days)
        if extent is not None:
            return read_windows(every, job.date_column, days, extent)
    return read_batches(rows.filter(pl.col(job.date_column).is_in(days)), PART_ROWS)


def _collect_groups(
    source: str, parts: Iterator[_Part], groups: list[list[Step]]
) -> Iterator[tuple[int, list[_Part]]]:
    """The parts of each group, as soon as all of its rows are there.

    Raises:
        StoreError: there are fewer rows or more than were planned, and validated.
    """
    for number, group in enumerate(groups):
        of_group, left = list[_Part](), sum(step.rows for step in group)
        while left > 0:
            part = next(parts, None)
            if part is None or part.group != number:
                break
            of_group.append(part)
            left -= part.rows
        if left:
            raise StoreError(f"{source} changed after it was planned; run it again")
        yield number, of_group


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
