"""What a task does with its whole dates, and the lines of the manifest that it hands back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from fsq.backfill.source import fingerprints, scan_source, source_read_errors
from fsq.errors import FsqError, InputError, StoreError
from fsq.intake.layout import Layout
from fsq.intake.validation import validate_rows
from fsq.schema.columns import KEYS
from fsq.scoring.engine import ScoringOptions, score_validated
from fsq.stores import DataWriter, WriterCommitMessage
from fsq.stores.validation import validate_keys

# One line per date; what a task has written as a whole stands in each of its lines.
MANIFEST = pa.schema(
    {
        "task": pa.int64(),
        "game_date": pa.date32(),
        "rows": pa.int64(),
        "fingerprint": pa.string(),
        "sound": pa.bool_(),
        "part": pa.string(),
        "part_rows": pa.int64(),
        "part_size": pa.int64(),
        "facts": pa.string(),
        "tiers": pa.string(),
        "error": pa.string(),
        "problems": pa.list_(pa.string()),
    }
)
DDL = (
    "task long, game_date date, rows long, fingerprint string, sound boolean, part string, "
    "part_rows long, part_size long, facts string, tiers string, error string, "
    "problems array<string>"
)

# Rows that are scored and written at once, so that a date of any size fits into memory.
_SLICE = 20_000


@dataclass(frozen=True)
class Work:
    """What every task of a job has to know.

    Attributes:
        source: the source's URI.
        columns: the columns to read of it.
        layout: how to read them.
        fingerprinted: those whose content makes a date's fingerprint.
        chunks: the dates of each task.
        options: how to score.
        place: where to write; None to tell the dates' fingerprints alone.
        planned: rows and fingerprint of each date, as the plan has them.
    """

    source: str
    columns: list[str]
    layout: Layout
    fingerprinted: list[str]
    chunks: Sequence[Sequence[date]]
    options: ScoringOptions
    place: DataWriter | None = None
    planned: dict[date, tuple[int, str]] = field(default_factory=dict)

    def packed(self) -> bytes:
        """For the way to a worker."""
        return pickle.dumps(self)


def done(work: bytes, task: int) -> pa.RecordBatch:
    """Do one task; an error that a person can act on is a line of the manifest."""
    given: Work = pickle.loads(work)  # noqa: S301 - made by the driver
    step: Callable[[Work, int], pl.DataFrame] = survey if given.place is None else scored
    try:
        lines = step(given, task)
    except FsqError as error:
        told = getattr(error, "problems", None) or [str(error)]
        lines = pl.DataFrame({"error": [type(error).__name__], "problems": [told]})
    empty = pl.DataFrame(MANIFEST.empty_table())
    lines = pl.concat([empty, lines.with_columns(task=task)], how="diagonal_relaxed")
    return lines.to_arrow().cast(MANIFEST).combine_chunks().to_batches()[0]


def survey(work: Work, task: int) -> pl.DataFrame:
    """The fingerprints of a task's dates, and whether their rows can be scored."""
    rows = _read(work, task)
    try:
        validate_rows(rows.lazy(), work.layout, work.options.on_unknown)
        sound = True
    except InputError:
        sound = False  # the driver asks again, and tells of all dates at once
    found = fingerprints(rows.lazy(), work.fingerprinted)
    return found.with_columns(sound=pl.lit(sound))


def scored(work: Work, task: int) -> pl.DataFrame:
    """Score and write a task's dates."""
    assert work.place is not None  # noqa: S101 - the caller has looked
    rows = _read(work, task)
    found = fingerprints(rows.lazy(), work.fingerprinted)
    if {d: (n, f) for d, n, f in found.iter_rows()} != {
        day: work.planned[day] for day in work.chunks[task]
    }:
        raise StoreError(f"{work.source} was changed after it was planned; run it again")
    validate_keys(rows.select(KEYS).to_arrow())
    tiers: dict[str, int] = {}

    def slices() -> Iterator[pl.DataFrame]:
        for at in range(0, rows.height, _SLICE):
            out = score_validated(rows.slice(at, _SLICE), work.layout, work.options)
            for tier, count in out["quality_tier"].value_counts().iter_rows():
                tiers[tier] = tiers.get(tier, 0) + count
            yield out

    part = work.place.write(task, slices())
    return found.with_columns(**_told(part, tiers))


def _told(part: WriterCommitMessage, tiers: dict[str, int]) -> dict[str, Any]:
    return {
        "part": pl.lit(part.name),
        "part_rows": pl.lit(part.rows, pl.Int64),
        "part_size": pl.lit(part.size, pl.Int64),
        "facts": pl.lit(json.dumps(part.facts)),
        "tiers": pl.lit(json.dumps(tiers)),
    }


def _read(work: Work, task: int) -> pl.DataFrame:
    with source_read_errors(work.source):
        rows = scan_source(work.source).filter(pl.col("game_date").is_in(list(work.chunks[task])))
        return rows.select(list(dict.fromkeys(work.columns))).collect()
