"""One process of a benchmark: a job as JSON on stdin, its figures as JSON on stdout."""

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
import pyarrow as pa

from fsq.bench import watch
from fsq.bench.cases import select_day
from fsq.bench.check import compute_digest, validate_consistency, validate_same_answer
from fsq.contract import Contract
from fsq.errors import FsqError, InputError
from fsq.intake.validation import validate_input
from fsq.schema.arrow import to_arrow
from fsq.schema.columns import DETAIL
from fsq.scoring.engine import PIECE_ROWS, score, score_validated
from fsq.scoring.options import ScoringOptions, make_scoring_options
from fsq.stores import LedgerEntry, open_group_write, open_store
from fsq.utils.timing import watch_stages

P = ParamSpec("P")
Job = dict[str, Any]
# A round scores about this many rows in total, and takes the median.
_ROWS_PER_ROUND, _MAX_REPEATS, _DAY_REPEATS = 110_000, 20, 7


def measure_seconds(job: Job) -> Job:
    """Time scoring, flat columns only, one day, and copying as many bytes as the result has.

    Several input files are measured one by one, and their seconds added.
    """
    options, total = _make_options(job), defaultdict[str, float](float)
    contract = options.contract
    days, rows, size, digest = list[float](), 0, 0, 0
    repeats = min(_MAX_REPEATS, max(1, _ROWS_PER_ROUND // job["rows"]))
    for path in job["paths"]:
        frame = pl.read_parquet(path)
        day = select_day(frame, contract)
        _score(day, options)  # fills per-process caches

        began = time.perf_counter()
        scored = _score(frame, options)
        total["first"] += time.perf_counter() - began
        result_size = int(scored.select(contract.output.names).estimated_size())
        rows, size = rows + frame.height, size + result_size
        digest += compute_digest(scored, contract)
        del scored

        # In turns, so that other load on the machine affects all of them.
        turns = [
            {
                "score": _time_call(_score, frame, options),
                "flat": _time_call(_score_flat, frame, options),
                "copy": _time_copy(result_size),
            }
            for _ in range(repeats)
        ]
        for name in turns[0]:
            total[name] += float(np.median([turn[name] for turn in turns]))
        days += [_time_call(_score, day, options) for _ in range(_DAY_REPEATS)]
    figures = {**total, "day": float(np.median(days))}
    return {"seconds": figures, "rows": rows, "bytes": size, "digest": f"{digest % 2**64:016x}"}


def measure_stages(job: Job) -> Job:
    """Time every stage from the file to the store, on one scoring thread.

    With ``memory``, measure bytes and peaks instead, and check the answer.
    """
    options, clock = _make_options(job, workers=1), watch.Stopwatch(memory=job["memory"])
    rows, started = 0, watch.read_peak_memory()
    _score(select_day(pl.read_parquet(job["paths"][0]), options.contract), options)
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder, watch_stages(clock):
        for path in job["paths"]:
            frame = clock.time(watch.READ, pl.read_parquet, path)
            layout = validate_input(frame.lazy(), options.contract, options.on_unknown)
            scored = clock.time(watch.BETWEEN, score_validated, frame, layout, options)
            table = clock.time(watch.CAST, _to_arrow, scored)
            if job["memory"]:
                validate_consistency(scored, options.contract)
            rows += frame.height
            clock.time(watch.DELTA, _write_delta, scored, folder, options.contract)
            del scored, frame
            if job["bigquery"]:
                clock.time(watch.REQUESTS, _serialize_requests, table)
            del table
    stages = {name: asdict(cost) for name, cost in clock.costs.items()}
    return {"stages": stages, "rows": rows, "before": started}


def measure_backfill(job: Job) -> Job:
    """Backfill into a new Delta table."""
    from fsq.backfilling.run import backfill

    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:
        done = backfill(job["source"], f"{folder}/store", contract=job["contract"])
    # Other load on the machine lengthens wall time, but hardly processor time.
    processor_seconds = time.process_time()
    return {
        "seconds": done.seconds,
        "processor_seconds": processor_seconds,
        "rows": done.rows,
        "peak": watch.read_peak_memory(),
    }


def measure_writing(job: Job) -> Job:
    """Time Polars alone writing the finished table, as Delta and as Parquet."""
    finished = pl.read_delta(job["store"])
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:
        finished.head(100).write_delta(f"{folder}/small")  # loads libraries
        delta = _time_call(finished.write_delta, f"{folder}/whole")
        parquet = _time_call(finished.write_parquet, f"{folder}/whole.parquet")
    return {"delta": delta, "parquet": parquet, "rows": finished.height}


def measure_rival(job: Job) -> Job:
    """Time another implementation on as many rows as it can handle, and check its answer."""
    rival = importlib.import_module(f"benchmarks.against_{job['name']}")
    options, frame = _make_options(job), pl.concat(pl.read_parquet(p) for p in job["paths"])
    sample = frame
    if rival.ROWS is not None and frame.height > rival.ROWS:
        sample = frame.gather_every(frame.height // rival.ROWS).head(rival.ROWS)
    table = rival.prepare(sample)
    rival.score(rival.prepare(sample.head(20)), options.contract, options.now)  # loads libraries
    score = float(np.median([_time_call(_score, frame, options) for _ in range(4)][1:]))
    began = time.perf_counter()
    answer = rival.score(table, options.contract, options.now)
    seconds, peak = time.perf_counter() - began, watch.read_peak_memory()
    expected = _score(sample, options).select(options.contract.output.names)
    validate_same_answer(rival.to_polars(answer, options.contract), expected, job["name"])
    return {"seconds": seconds, "rows": sample.height, "score": score, "peak": peak}


def measure_peer(job: Job) -> Job:
    """Time a library that checks plain rules, beside scoring and the flat columns, in turns."""
    rules = importlib.import_module("benchmarks.peer_rules")
    peer = importlib.import_module(f"benchmarks.peer_{job['name']}")
    options, frame = _make_options(job), pl.concat(pl.read_parquet(p) for p in job["paths"])
    plain = rules.PlainRules.of(options.contract, frame.columns)
    chosen = frame.select(*plain.key, pl.col(*plain.ranges).cast(pl.Float64), *plain.words)
    prepared = peer.prepare(plain, chosen.schema)
    for rows in (chosen.head(50), chosen):  # loads libraries, and checks the answer
        found, wanted = peer.filter_rows(rows, prepared), rules.filter_rows(rows, plain)
        if not found.select(plain.key).equals(wanted.select(plain.key)):
            raise FsqError(f"{job['name']} gives a different answer")
    peak = watch.read_peak_memory()
    _score(frame, options)
    turns = [
        (
            _time_call(peer.filter_rows, chosen, prepared),
            _time_call(_score, frame, options),
            _time_call(_score_flat, frame, options),
        )
        for _ in range(5)
    ]
    seconds, score_seconds, flat = (float(np.median(t)) for t in zip(*turns, strict=True))
    return {
        "seconds": seconds,
        "score": score_seconds,
        "flat": flat,
        "rows": frame.height,
        "peak": peak,
    }


def _make_options(job: Job, workers: int | None = None) -> ScoringOptions:
    options = make_scoring_options(
        job["contract"], None, None, datetime.fromisoformat(job["now"]), "error"
    )
    return options if workers is None else replace(options, workers=workers)


def _score(frame: pl.DataFrame, options: ScoringOptions) -> pl.DataFrame:
    scored: pl.DataFrame = score(frame, options.contract, now=options.now)
    return scored


def _score_flat(frame: pl.DataFrame, options: ScoringOptions) -> pl.DataFrame:
    scored: pl.LazyFrame = score(frame.lazy(), options.contract, now=options.now)
    flat = [c for c in options.contract.output.names if c != DETAIL]
    return scored.select(flat).collect()


def _time_call(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> float:
    """Time a call, without the time to free its result."""
    began = time.perf_counter()
    result = function(*args, **kwargs)
    seconds = time.perf_counter() - began
    del result
    return seconds


def _time_copy(size: int) -> float:
    """Time copying this many bytes between two buffers that are already in memory."""
    source, target = np.ones(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    target += np.uint8(1)
    return _time_call(np.copyto, target, source)


def _write_delta(scored: pl.DataFrame, folder: str, contract: Contract) -> None:
    """Write and commit the rows as one file, as a backfill does."""
    store = open_store(f"{folder}/store", contract)
    write = open_group_write(store, scored.clear())
    part = write.write(scored.iter_slices(PIECE_ROWS))
    entry = LedgerEntry(contract.name, contract.version_hash, "", scored.height)
    write.commit([part], dict.fromkeys(scored[contract.table.date].unique(), entry))


def _to_arrow(scored: pl.DataFrame) -> Any:
    """Convert the rows piece by piece, as a backfill does."""
    return pa.concat_tables(to_arrow(piece) for piece in scored.iter_slices(PIECE_ROWS))


def _serialize_requests(table: Any) -> int:
    """Serialize the rows into the requests that BigQuery gets, one by one; the number of bytes."""
    from fsq.stores.bigquery.stream import split_table

    return sum(request.serialize().size for request in split_table(table))


JOBS = {
    "seconds": measure_seconds,
    "stages": measure_stages,
    "backfill": measure_backfill,
    "writing": measure_writing,
    "against": measure_rival,
    "peer": measure_peer,
}


def main() -> None:
    """Run the job from stdin."""
    job = json.load(sys.stdin)
    try:
        result = JOBS[job["job"]](job)
    except InputError as error:
        result = {"problems": error.problems}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
