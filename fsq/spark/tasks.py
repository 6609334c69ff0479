"""What a Spark task does with its dates, and the rows of the manifest that it returns."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from fsq.backfilling.source import fingerprint_dates, scan_source, source_read_errors
from fsq.contract.table import Table
from fsq.errors import FsqError, InputError, StoreError
from fsq.intake.layout import Layout
from fsq.intake.validation import validate_rows
from fsq.scoring.engine import score_validated
from fsq.scoring.options import ScoringOptions
from fsq.stores import ColumnFit, DataWriter, WriterCommitMessage
from fsq.stores.validation import validate_keys
from fsq.utils.cores import choose_workers

# One row per date; what a task wrote for all its dates is repeated in each of its rows.
MANIFEST = pa.schema(
    {
        "task": pa.int64(),
        "day": pa.date32(),
        "rows": pa.int64(),
        "fingerprint": pa.string(),
        "valid": pa.bool_(),
        "written": pa.string(),
        "written_rows": pa.int64(),
        "written_size": pa.int64(),
        "facts": pa.string(),
        "tiers": pa.string(),
        "error": pa.string(),
        "problems": pa.list_(pa.string()),
    }
)
DDL = (
    "task long, day date, rows long, fingerprint string, valid boolean, written string, "
    "written_rows long, written_size long, facts string, tiers string, error string, "
    "problems array<string>"
)

# Rows to score and write at once, so that a date of any size fits into memory.
_SLICE_ROWS = 20_000


@dataclass(frozen=True)
class TaskSpec:
    """What every task of a Spark job needs to know.

    Attributes:
        source: URI of the source.
        columns: columns to read.
        layout: how to read them.
        fingerprint_columns: columns whose content makes a date's fingerprint.
        groups: the dates of each task.
        scoring: how to score.
        writer: where to write; None to fingerprint the dates only.
        planned: rows and fingerprint of each date when it was planned.
        fit: how the scored rows' columns fit the store's; None to fingerprint the dates only.
    """

    source: str
    columns: list[str]
    layout: Layout
    fingerprint_columns: list[str]
    groups: Sequence[Sequence[date]]
    scoring: ScoringOptions
    writer: DataWriter | None = None
    planned: dict[date, tuple[int, str]] = field(default_factory=dict)
    fit: ColumnFit | None = None

    @property
    def table(self) -> Table:
        """What the contract says of the rows' columns."""
        return self.scoring.contract.table

    def to_bytes(self) -> bytes:
        """Serialized for the workers."""
        return pickle.dumps(self)


def run_task(spec: bytes, task: int) -> pa.RecordBatch:
    """Run one task; an error that a person can act on becomes a row of the manifest."""
    given: TaskSpec = pickle.loads(spec)  # noqa: S301 - made by the driver
    # The driver's machine says nothing of this one's.
    given = replace(given, scoring=replace(given.scoring, workers=choose_workers()))
    try:
        if given.writer is None:
            rows = fingerprint_task(given, task)
        else:
            rows = score_task(given, given.writer, task)
    except FsqError as error:
        problems = getattr(error, "problems", None) or [str(error)]
        rows = pl.DataFrame({"error": [type(error).__name__], "problems": [problems]})
    empty = pl.DataFrame(MANIFEST.empty_table())
    manifest = pl.concat([empty, rows.with_columns(task=task)], how="diagonal_relaxed")
    return manifest.to_arrow().cast(MANIFEST).combine_chunks().to_batches()[0]


def fingerprint_task(spec: TaskSpec, task: int) -> pl.DataFrame:
    """The fingerprints of a task's dates, and whether their rows are valid."""
    rows = _read_rows(spec, task)
    try:
        validate_rows(rows.lazy(), spec.layout, spec.scoring.on_unknown)
        valid = True
    except InputError:
        valid = False  # the driver validates again, to report the problems of all dates at once
    dates = fingerprint_dates(rows.lazy(), spec.table.date, spec.fingerprint_columns)
    return dates.with_columns(valid=pl.lit(valid))


def score_task(spec: TaskSpec, writer: DataWriter, task: int) -> pl.DataFrame:
    """Score and write a task's dates."""
    rows = _read_rows(spec, task)
    dates = fingerprint_dates(rows.lazy(), spec.table.date, spec.fingerprint_columns)
    planned = {day: spec.planned[day] for day in spec.groups[task]}
    if {day: (count, text) for day, count, text in dates.iter_rows()} != planned:
        raise StoreError(f"{spec.source} changed after it was planned; run it again")
    validate_keys(rows.select(spec.table.key).to_arrow(), spec.table)
    tiers: Counter[str] = Counter()

    def score_slices() -> Iterator[pl.DataFrame]:
        for start in range(0, rows.height, _SLICE_ROWS):
            scored = score_validated(rows.slice(start, _SLICE_ROWS), spec.layout, spec.scoring)
            tiers.update(dict(scored["quality_tier"].value_counts().iter_rows()))
            yield scored if spec.fit is None else spec.fit.apply(scored)

    message = writer.write(task, score_slices())
    return dates.with_columns(**_message_columns(message, tiers))


def _message_columns(message: WriterCommitMessage, tiers: dict[str, int]) -> dict[str, Any]:
    return {
        "written": pl.lit(message.name),
        "written_rows": pl.lit(message.rows, pl.Int64),
        "written_size": pl.lit(message.size, pl.Int64),
        "facts": pl.lit(json.dumps(message.facts)),
        "tiers": pl.lit(json.dumps(tiers)),
    }


def _read_rows(spec: TaskSpec, task: int) -> pl.DataFrame:
    with source_read_errors(spec.source):
        rows = scan_source(spec.source, spec.scoring.contract)
        rows = rows.filter(pl.col(spec.table.date).is_in(list(spec.groups[task])))
        return rows.select(list(dict.fromkeys(spec.columns))).collect()
