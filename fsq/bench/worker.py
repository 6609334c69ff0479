"""One fresh process of a benchmark: a job as JSON on stdin, its figures as JSON on stdout."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ParamSpec

import numpy as np
import polars as pl

from fsq.bench import watch
from fsq.bench.cases import a_day
from fsq.bench.check import consistent, digest, same
from fsq.errors import InputError
from fsq.intake.validation import validate_input
from fsq.schema.arrow import to_arrow
from fsq.schema.columns import COLUMN_NAMES
from fsq.scoring.engine import ScoringOptions, make_scoring_options, score, score_validated
from fsq.utils.timing import watched_by

P = ParamSpec("P")
Job = dict[str, Any]
FLAT = [c for c in COLUMN_NAMES if c != "feature_quality_detail"]
# A round repeats its work until it has scored about so many rows, and takes the median.
_ENOUGH_ROWS, _MOST_REPEATS, _DAY_REPEATS = 110_000, 20, 7


def seconds_of(job: Job) -> Job:
    """Scoring, flat columns only, one day, and copying as many bytes as the result has.

    Inputs of several files are measured file by file, and their seconds added.
    """
    options, total = _options(job), defaultdict[str, float](float)
    days, rows, made, content = list[float](), 0, 0, 0
    repeats = min(_MOST_REPEATS, max(1, _ENOUGH_ROWS // job["rows"]))
    for path in job["paths"]:
        frame = pl.read_parquet(path)
        day = a_day(frame)
        _score(day, options)  # makes what is made once per process

        began = time.perf_counter()
        scored = _score(frame, options)
        total["first"] += time.perf_counter() - began
        size = int(scored.select(COLUMN_NAMES).estimated_size())
        rows, made, content = rows + frame.height, made + size, content + digest(scored)
        del scored

        # In turns, so that other load on the machine meets all of them.
        turns = [
            {
                "score": _timed(_score, frame, options),
                "flat": _timed(_flat, frame, options),
                "copy": _copied(size),
            }
            for _ in range(repeats)
        ]
        for name in turns[0]:
            total[name] += float(np.median([turn[name] for turn in turns]))
        days += [_timed(_score, day, options) for _ in range(_DAY_REPEATS)]
    figures = {**total, "day": float(np.median(days))}
    return {"seconds": figures, "rows": rows, "bytes": made, "digest": f"{content % 2**64:016x}"}


def stages_of(job: Job) -> Job:
    """Every stage from the file to the store, one after another on one scoring thread.

    With ``memory`` the stages' bytes and peaks are read, and the answer is checked.
    """
    options, clock = _options(job, workers=1), watch.Stopwatch(memory=job["memory"])
    rows, started = 0, watch.peak_memory()
    _score(a_day(pl.read_parquet(job["paths"][0])), options)
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder, watched_by(clock):
        for path in job["paths"]:
            frame = clock.timed(watch.READ, pl.read_parquet, path)
            layout = validate_input(frame.lazy(), options.contract, options.on_unknown)
            scored = clock.timed(watch.BETWEEN, score_validated, frame, layout, options)
            table = clock.timed(watch.CAST, to_arrow, scored)
            if job["memory"]:
                consistent(scored, options.contract)
            rows += frame.height
            del scored, frame
            clock.timed(watch.DELTA, _delta, table, folder)
            if job["wire"]:
                clock.timed(watch.WIRE, _wire, table)
            del table
    spent = {name: asdict(s) for name, s in clock.spent.items()}
    return {"stages": spent, "rows": rows, "before": started}


def backfill_of(job: Job) -> Job:
    """A backfill into a new Delta table, with its peak of memory."""
    from fsq.backfill.run import backfill

    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:
        done = backfill(job["source"], f"{folder}/store", contract=job["contract"])
    # Busy neighbours lengthen the seconds, but hardly those of the processor.
    spent = time.process_time()
    return {
        "seconds": done.seconds,
        "processor_seconds": spent,
        "rows": done.rows,
        "peak": watch.peak_memory(),
    }


def writing_of(job: Job) -> Job:
    """Polars alone writes the finished table, as a Delta table and as Parquet."""
    finished = pl.read_delta(job["store"])
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:
        finished.head(100).write_delta(f"{folder}/small")  # loads what is loaded once
        delta = _timed(finished.write_delta, f"{folder}/whole")
        parquet = _timed(finished.write_parquet, f"{folder}/whole.parquet")
    return {"delta": delta, "parquet": parquet, "rows": finished.height}


def against_of(job: Job) -> Job:
    """Another way to the same answer, on as many rows as it can bear; the answer is checked."""
    rival = importlib.import_module(f"benchmarks.against_{job['name']}")
    options, frame = _options(job), pl.concat(pl.read_parquet(p) for p in job["paths"])
    few = frame
    if rival.ROWS is not None and frame.height > rival.ROWS:
        few = frame.gather_every(frame.height // rival.ROWS).head(rival.ROWS)
    given = rival.ready(few)
    rival.score(rival.ready(few.head(20)), options.contract, options.now)  # loads libraries
    score = float(np.median([_timed(_score, frame, options) for _ in range(4)][1:]))
    began = time.perf_counter()
    found = rival.score(given, options.contract, options.now)
    seconds, peak = time.perf_counter() - began, watch.peak_memory()
    same(rival.as_polars(found), _score(few, options).select(COLUMN_NAMES), job["name"])
    return {"seconds": seconds, "rows": few.height, "score": score, "peak": peak}


def _options(job: Job, workers: int | None = None) -> ScoringOptions:
    options = make_scoring_options(
        job["contract"], None, None, datetime.fromisoformat(job["now"]), "error"
    )
    return options if workers is None else replace(options, workers=workers)


def _score(frame: pl.DataFrame, options: ScoringOptions) -> pl.DataFrame:
    scored: pl.DataFrame = score(frame, options.contract, now=options.now)
    return scored


def _flat(frame: pl.DataFrame, options: ScoringOptions) -> pl.DataFrame:
    scored: pl.LazyFrame = score(frame.lazy(), options.contract, now=options.now)
    return scored.select(FLAT).collect()


def _timed(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> float:
    """Seconds of some work, without those of freeing what it made."""
    began = time.perf_counter()
    made = work(*args, **kwargs)
    spent = time.perf_counter() - began
    del made
    return spent


def _copied(size: int) -> float:
    """Seconds of copying so many bytes, from and to memory that has been touched."""
    source, target = np.ones(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    target += np.uint8(1)
    return _timed(np.copyto, target, source)


def _delta(table: Any, folder: str) -> None:
    from fsq.stores.delta.store import DeltaStore

    DeltaStore(f"{folder}/store").replace(table)


def _wire(table: Any) -> list[Any]:
    """The rows as the requests that BigQuery gets, up to the network."""
    from fsq.stores.bigquery.stream import split_requests

    return [p.serialize() for b in table.combine_chunks().to_batches() for p in split_requests(b)]


JOBS = {
    "seconds": seconds_of,
    "stages": stages_of,
    "backfill": backfill_of,
    "writing": writing_of,
    "against": against_of,
}


def main() -> None:
    """Do the job."""
    job = json.load(sys.stdin)
    try:
        made = JOBS[job["job"]](job)
    except InputError as error:
        made = {"problems": error.problems}
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
