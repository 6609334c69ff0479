"""The two Spark jobs of a backfill: one fingerprints the dates, the other scores and writes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from fsq.backfilling.job import Job
from fsq.backfilling.options import BackfillOptions, Progress
from fsq.backfilling.plan import Step, group_steps, make_plan, validate_steps
from fsq.backfilling.source import source_read_errors
from fsq.errors import StoreError
from fsq.intake.validation import validate_input
from fsq.spark.tasks import TaskSpec
from fsq.stores import BatchWrite, WriterCommitMessage

if TYPE_CHECKING:
    from fsq.spark.engine import Engine


class DistributedJob:
    """A backfill job whose rows only the executors read.

    Args:
        engine: runs the tasks.
        job: the source and the store.
        chunk_rows: target number of rows per task.
    """

    def __init__(self, engine: Engine, job: Job, chunk_rows: int) -> None:
        self._engine, self._job, self._chunk_rows = engine, job, chunk_rows
        self._invalid: set[date] = set()
        self._fingerprints: dict[date, tuple[int, str]] = {}

    def plan(self, options: BackfillOptions) -> list[Step]:
        """Decide for each date whether to score it; the driver reads nothing but dates."""
        job, scoring = self._job, self._job.scoring
        with source_read_errors(job.source):
            counts = (
                job.rows.group_by(pl.col(job.date_column).alias("day"))
                .len("rows")
                .sort("day")
                .collect()
            )
            if counts["day"].null_count():
                validate_input(job.rows, scoring.contract, scoring.on_unknown)
        dates = pl.DataFrame(schema={"day": pl.Date, "rows": pl.Int64, "fingerprint": pl.String})
        if counts.height:
            groups = _group_dates(counts, self._chunk_rows)
            manifest = self._engine.run(self._spec(groups, job.fingerprint_columns))
            self._invalid = set(manifest.filter(~pl.col("valid"))["day"])
            dates = manifest.select(dates.columns).sort("day")
        self._fingerprints = {day: (rows, text) for day, rows, text in dates.iter_rows()}
        return make_plan(job, job.rows, dates, options)

    def validate(self, pending: list[Step]) -> dict[str, int]:
        """Refuse invalid rows of pending dates; the unknown labels that count as defaults."""
        if self._job.scoring.on_unknown == "error":  # else all dates are read, to count labels
            pending = [step for step in pending if step.day in self._invalid]
        return validate_steps(self._job, self._job.rows, pending)

    def score(
        self,
        write: BatchWrite,
        pending: list[Step],
        progress: Callable[[Progress], None] | None,
    ) -> tuple[list[WriterCommitMessage], dict[str, int]]:
        """Have tasks score and write the pending dates.

        Returns:
            What the tasks wrote, and the number of rows per quality tier.
        """
        spec = replace(
            self._spec(
                [[step.day for step in group] for group in group_steps(pending, self._chunk_rows)],
                self._job.columns,
            ),
            writer=write.create_writer(self._job.empty),
            fit=self._job.fit,
            planned={step.day: self._fingerprints[step.day] for step in pending},
        )
        total_rows = sum(step.rows for step in pending)

        def advance(share: float) -> None:
            if progress:
                rows, dates = round(share * total_rows), round(share * len(pending))
                progress(Progress(rows, total_rows, dates, len(pending)))

        written = _read_manifest(self._engine.run(spec, advance), pending)
        advance(1.0)
        return written

    def _spec(self, groups: list[list[date]], columns: list[str]) -> TaskSpec:
        job = self._job
        layout = job.layout.select(columns)
        return TaskSpec(job.source, columns, layout, job.fingerprint_columns, groups, job.scoring)


def _group_dates(counts: pl.DataFrame, chunk_rows: int) -> list[list[date]]:
    """Dates in groups of about ``chunk_rows`` rows."""
    number = (counts["rows"].cum_sum() - 1) // chunk_rows
    return [g["day"].to_list() for g in counts.with_columns(n=number).partition_by("n")]


def _read_manifest(
    manifest: pl.DataFrame, pending: list[Step]
) -> tuple[list[WriterCommitMessage], dict[str, int]]:
    """What the tasks wrote, once it is known to be every pending date exactly once.

    Raises:
        StoreError: it is not.
    """
    dates = manifest.select("day", "rows").sort("day").rows()
    tasks = manifest.unique("task").sort("task")
    rows = manifest.group_by("task").agg(pl.col("rows").sum()).sort("task")["rows"]
    complete = dates == sorted((step.day, step.rows) for step in pending)
    if not complete or not rows.equals(tasks["written_rows"].rename("rows")):
        raise StoreError(
            "the tasks did not write every planned date exactly once; nothing was committed; "
            "run it again"
        )
    tiers: Counter[str] = Counter()
    for text in tasks["tiers"]:
        tiers.update(json.loads(text))
    written = tasks.select("written", "written_rows", "written_size", "facts").iter_rows()
    messages = [
        WriterCommitMessage(name, count, size, json.loads(facts))
        for name, count, size, facts in written
    ]
    return messages, dict(tiers)
