"""The same backfill on many machines: Spark schedules, and every task scores whole dates.

Needs the extra ``spark``; see docs/spark.md.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from fsq.backfill.plan import (
    Job,
    Step,
    estimate_costs,
    group_steps,
    make_plan,
    open_job,
    validate_steps,
)
from fsq.backfill.run import COMMIT_ROWS, BackfillResult, Progress
from fsq.backfill.source import source_read_errors
from fsq.contract import Contract
from fsq.errors import InputError, StoreError
from fsq.intake.run_context import RunContext
from fsq.intake.validation import OnUnknown, validate_input
from fsq.scoring.engine import ScoringOptions, make_scoring_options, score_validated
from fsq.spark.session import require, session
from fsq.spark.tasks import Work
from fsq.stores import BatchWrite, WriterCommitMessage, get_capabilities, open_batch_write

__all__ = ["backfill", "session"]

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fsq.spark.engine import Engine

_RUN_ID = re.compile(r"[A-Za-z0-9_.:+-]{1,200}")


def backfill(
    spark: SparkSession,
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
    run_id: str | None = None,
) -> BackfillResult:
    """Score a source's dates into a store, on the executors of a Spark session.

    The plan, the ledger and the rows are those of ``fsq.backfill.backfill``. All dates become
    visible at once, in one commit at the end: a run that is killed before it changes nothing.

    Args:
        spark: a session, classic or Connect. Its executors need fsq and what it depends on.
        source: as for ``fsq.backfill.backfill``; every executor must be able to read it.
        store: as there; a Delta table's folder must be one that all executors and the driver
            share.
        start: first date; None for the source's first.
        end: last date, included; None for the source's last.
        contract: as for ``fsq.score``, like run, as_of, now and on_unknown_source.
        run: what upstream says of its run.
        as_of: the moment for which freshness is judged, where rows have none.
        now: the clock, UTC.
        on_unknown_source: ``"error"`` or ``"default"``.
        force: redo every date.
        dry_run: only plan; nothing is written.
        chunk_rows: about so many rows make a task.
        progress: called as tasks are done; rows and dates are estimated from their share.
        run_id: names this run, so that it is committed once however often it is started;
            None for a new name.

    Raises:
        InputError: rows are bad, the extra is not installed, or the executors lack packages;
            nothing is written.
        StoreError: the store or the source failed, or Spark gave a task up; nothing is visible.
    """
    require()
    from fsq.spark.engine import Engine

    began = time.perf_counter()
    options = make_scoring_options(contract, as_of, run, now, on_unknown_source)
    run_id = secrets.token_hex(8) if run_id is None else _sound(run_id)
    job = open_job(source, store, start, end, options)
    both = [get_capabilities(uri) for uri in (source, store)]
    engine = Engine(
        spark,
        [p for c in both for p in c.executor_packages],
        [n for c in both for n in c.executor_environment],
    )
    spread = open_batch_write(job.target, job.base)
    work = _Backfill(engine, spread, job, source, options, chunk_rows)
    plan = work.plan(force=force)
    if spread.committed(run_id):
        plan = [replace(step, reason=None) for step in plan]
    todo = [step for step in plan if step.reason is not None]
    skipped, unknown = len(plan) - len(todo), work.unknown(todo)
    if dry_run:
        costs = estimate_costs(job, job.rows, source, todo, options, commits=1)
        return BackfillResult(plan, skipped=skipped, unknown_sources=unknown, costs=costs)
    if not todo:
        seconds = time.perf_counter() - began
        return BackfillResult(plan, skipped=skipped, seconds=seconds, unknown_sources=unknown)
    try:
        parts, tiers = work.score(todo, progress)
        receipt = spread.commit(parts, {s.day: s.entry for s in todo}, run_id)
    except BaseException:
        spread.abort()
        raise
    seconds = time.perf_counter() - began
    if receipt is None:  # another driver of this very run came first
        spread.abort()
        done = [replace(step, reason=None) for step in plan]
        return BackfillResult(done, skipped=len(plan), seconds=seconds, unknown_sources=unknown)
    return BackfillResult(plan, receipt.rows, receipt.dates, skipped, seconds, tiers, unknown)


class _Backfill:
    """The two jobs of a backfill: one tells what there is to do, the other does it."""

    def __init__(
        self,
        engine: Engine,
        spread: BatchWrite,
        job: Job,
        source: str,
        options: ScoringOptions,
        chunk_rows: int,
    ) -> None:
        self._engine, self._spread, self._job = engine, spread, job
        self._source, self._options, self._chunk_rows = source, options, chunk_rows
        self._unsound: set[date] = set()
        self._found: dict[date, tuple[int, str]] = {}

    def plan(self, *, force: bool) -> list[Step]:
        """What is to be done for each date: tasks read the rows, the driver only their dates."""
        rows = self._job.rows
        with source_read_errors(self._source):
            days = rows.group_by("game_date").len("rows").sort("game_date").collect()
            if days["game_date"].null_count():
                validate_input(rows, self._options.contract, self._options.on_unknown)
        found = pl.DataFrame(
            schema={"game_date": pl.Date, "rows": pl.Int64, "fingerprint": pl.String}
        )
        if days.height:
            groups = _groups(days, self._chunk_rows)
            told = self._engine.run(self._work(groups, self._job.fingerprinted))
            self._unsound = set(told.filter(~pl.col("sound"))["game_date"])
            found = told.select(found.columns).sort("game_date")
        self._found = {day: (count, text) for day, count, text in found.iter_rows()}
        ledger = self._job.target.ledger()
        return make_plan(found, rows, ledger, self._options, force=force)

    def unknown(self, todo: list[Step]) -> dict[str, int]:
        """Refuse bad rows of planned dates; unknown words that count as defaults."""
        suspect = [s for s in todo if s.day in self._unsound]
        if self._options.on_unknown == "default":
            suspect = todo
        return validate_steps(
            self._job.rows, self._job.layout, self._source, suspect, self._options
        )

    def score(
        self, todo: list[Step], progress: Callable[[Progress], None] | None
    ) -> tuple[list[WriterCommitMessage], dict[str, int]]:
        """Let tasks score and write; the parts that they wrote, and the tiers of their rows."""
        with source_read_errors(self._source):
            empty = self._job.rows.select(list(dict.fromkeys(self._job.wanted))).head(0).collect()
        place = self._spread.create_writer(score_validated(empty, self._job.layout, self._options))
        groups = [[step.day for step in chunk] for chunk in group_steps(todo, self._chunk_rows)]
        work = replace(
            self._work(groups, self._job.wanted),
            place=place,
            planned={s.day: self._found[s.day] for s in todo},
        )
        rows = sum(step.rows for step in todo)

        def advance(share: float) -> None:
            if progress:
                done = round(share * rows), rows, round(share * len(todo)), len(todo)
                progress(Progress(*done))

        lines = self._engine.run(work, advance)
        parts = _whole(lines, todo)
        advance(1.0)
        return parts

    def _work(self, groups: list[list[date]], columns: list[str]) -> Work:
        layout = self._job.layout.select(columns)
        return Work(self._source, columns, layout, self._job.fingerprinted, groups, self._options)


def _sound(run_id: str) -> str:
    if not _RUN_ID.fullmatch(run_id):
        raise InputError([f"run id {run_id!r}: use up to 200 letters, digits and any of _.:+-"])
    return run_id


def _groups(days: pl.DataFrame, chunk_rows: int) -> list[list[date]]:
    """Dates in groups of about so many rows."""
    number = (days["rows"].cum_sum() - 1) // chunk_rows
    return [g["game_date"].to_list() for g in days.with_columns(n=number).partition_by("n")]


def _whole(
    lines: pl.DataFrame, todo: list[Step]
) -> tuple[list[WriterCommitMessage], dict[str, int]]:
    """The parts of a manifest, once it has every planned date exactly once, with its rows.

    Raises:
        StoreError: it has not.
    """
    there = lines.select("game_date", "rows").sort("game_date").rows()
    parts = lines.unique("task").sort("task")
    held = lines.group_by("task").agg(pl.col("rows").sum()).sort("task")
    if there != sorted((s.day, s.rows) for s in todo) or not held["rows"].equals(
        parts["part_rows"].rename("rows")
    ):
        raise StoreError(
            "the tasks did not write every planned date exactly once; nothing was "
            "committed; run it again"
        )
    tiers: Counter[str] = Counter()
    for text in parts["tiers"]:
        tiers.update(json.loads(text))
    columns = parts.select("part", "part_rows", "part_size", "facts").iter_rows()
    return [
        WriterCommitMessage(n, rows, size, json.loads(facts)) for n, rows, size, facts in columns
    ], dict(tiers)
