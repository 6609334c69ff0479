"""How long many seasons take on many cores, from measured costs and BigQuery's quotas.

    python -m benchmarks.spark_sizing

It measures the processor time of each step on one simulated season, with one thread for Polars as
in a task. The rest is arithmetic: the cores share the steps that run in tasks, and no run is
faster than the quotas allow.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa

from fsq.backfilling.source import fingerprint_dates
from fsq.demo import simulate_season
from fsq.intake.validation import validate_columns, validate_rows
from fsq.schema.arrow import to_arrow
from fsq.scoring.engine import score_validated
from fsq.scoring.options import make_scoring_options
from fsq.stores.bigquery.stream import split_requests
from fsq.stores.delta.files import DeltaDataWriter
from fsq.utils.sizes import COMMIT_ROWS

# Measured on two executors of one machine: the start of a session up to its first finished job, and
# the overhead of a job. The overhead of a task is an assumption.
START, PER_JOB, PER_TASK = 18.0, 0.6, 0.05
# The driver's work per task at the commit, an assumption. It excludes BigQuery's MERGE.
PER_PART = 0.002
# BigQuery's quotas: bytes per second into one region of a project, for the multi-regions and for
# others; streams created per hour; the limits of one commit.
THROUGHPUT = {"US or EU": 3e9, "a region": 300e6}
STREAMS_PER_HOUR, STREAMS_PER_COMMIT, BYTES_PER_COMMIT = 10_000, 10_000, 1e12
SIZES, CORES = (10, 100, 1_000), (2, 16, 64, 256)


@dataclass(frozen=True)
class Costs:
    """The cost of one row: processor seconds in a task and on the driver, and bytes."""

    survey: float
    score: float
    file: float
    send: float
    dates: float
    sent: float
    stored: float


def main() -> None:
    """Print the costs, and the table."""
    season = simulate_season("2025-26").rows
    costs = _measure_costs(season)
    print(
        "per 1,000 rows in a task: "
        + ", ".join(
            f"{what} {seconds * 1e6:.0f} ms"
            for what, seconds in (
                ("fingerprints", costs.survey),
                ("read and score", costs.score),
                ("write a file", costs.file),
                ("serialise for BigQuery", costs.send),
            )
        )
    )
    print(
        f"on the driver: dates {costs.dates * 1e6:.2f} ms; {costs.sent / 1e3:.1f} kB sent and "
        f"{costs.stored:.0f} bytes of file per row\n"
    )
    cores = " | ".join(f"{c} cores" for c in CORES)
    print(f"| seasons | rows | tasks | to | {cores} | quota minimum | bound |")
    print("|---|---|---|---|" + "---|" * (len(CORES) + 2))
    for size in SIZES:
        rows = size * season.height
        for to, floor, bound in _find_quota_bounds(rows, costs):
            seconds = [max(floor, _estimate_seconds(rows, c, costs, to != "Delta")) for c in CORES]
            print(
                f"| {size:,} | {rows / 1e6:,.1f} M | {math.ceil(rows / COMMIT_ROWS):,} | {to} | "
                f"{' | '.join(map(_format_duration, seconds))} | "
                f"{_format_duration(floor)} | {bound} |"
            )


def _measure_costs(season: pl.DataFrame) -> Costs:
    rows = season.head(COMMIT_ROWS)
    options = make_scoring_options("v2_33features", None, None, None, "error")
    layout = validate_columns(rows.lazy(), options.contract, "error")
    columns = [*layout.carried, *layout.needed]
    with TemporaryDirectory() as folder:
        path = f"{folder}/rows.parquet"
        rows.write_parquet(path)
        read = pl.scan_parquet(path)
        days = [rows["game_date"].unique().to_list()]
        scored = score_validated(rows, layout, options)
        table = to_arrow(scored)
        place = DeltaDataWriter(folder, "t", table.schema, options.contract.table)

        def chosen() -> pl.DataFrame:
            return read.filter(pl.col("game_date").is_in(days[0])).collect()

        def surveyed() -> None:
            found = chosen().lazy()
            validate_rows(found, layout, "error")
            fingerprint_dates(found, options.contract.table.date, columns)

        def score() -> None:
            found = chosen()
            fingerprint_dates(found.lazy(), options.contract.table.date, columns)
            score_validated(found, layout, options)

        def pieces() -> list[pa.Buffer]:
            batches = to_arrow(scored).combine_chunks().to_batches()
            return [p.serialize() for b in batches for p in split_requests(b)]

        part = place.write(0, [scored])
        assert Path(folder, part.name).stat().st_size == part.size
        seconds = [
            _time_processor(call) / rows.height
            for call in (
                surveyed,
                score,
                lambda: place.write(0, [scored]),
                pieces,
                lambda: read.group_by("game_date").len().collect(),
            )
        ]
        sent = sum(p.size for p in pieces()) / rows.height
        survey_, score_, file_, send_, dates_ = seconds
        return Costs(survey_, score_, file_, send_, dates_, sent, part.size / rows.height)


def _time_processor(call: Callable[[], Any]) -> float:
    """Measure processor seconds, since the machine is shared; the minimum of several tries."""
    tries = []
    for _ in range(6):
        began = time.process_time()
        call()
        tries.append(time.process_time() - began)
    return min(tries[1:])


def _find_quota_bounds(rows: int, costs: Costs) -> list[tuple[str, float, str]]:
    """Find, per destination, the least seconds that quotas allow, and which quota decides."""
    tasks, size = math.ceil(rows / COMMIT_ROWS), rows * costs.sent
    bounds = [("Delta", 0.0, "none")]
    for where, speed in THROUGHPUT.items():
        waits = {"bytes": size / speed, "streams": max(0, tasks / STREAMS_PER_HOUR - 1) * 3600}
        bound = max(waits, key=lambda name: waits[name])
        commits = max(math.ceil(tasks / STREAMS_PER_COMMIT), math.ceil(size / BYTES_PER_COMMIT))
        limit = bound if commits == 1 else f"{bound}; {commits} runs, since a commit takes 1 TB"
        bounds.append((f"BigQuery, {where}", max(waits.values()), limit))
    return bounds


def _estimate_seconds(rows: int, cores: int, costs: Costs, bigquery: bool) -> float:
    tasks = math.ceil(rows / COMMIT_ROWS)
    waves = math.ceil(tasks / cores)
    write = costs.send if bigquery else costs.file
    work = costs.survey + costs.score + write
    alone = START + 2 * PER_JOB + rows * costs.dates + tasks * PER_PART
    return alone + waves * (2 * PER_TASK + COMMIT_ROWS * work)


def _format_duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
