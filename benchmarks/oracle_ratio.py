"""How much faster ``fsq.score`` is than the row-by-row oracle, and how long one day takes.

Run it as ``python -m benchmarks.oracle_ratio``; it ends with status 1 if the answers differ.
"""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl

import fsq
from fsq.demo import simulate_season
from fsq.schema import COLUMN_NAMES, POLARS_SCHEMA
from tests.oracle import score_rows
from tests.oracle_contracts import V2

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SAMPLE_ROWS = 500
DAY_ROWS = 200
ROUNDS = 5


def main() -> int:
    """Time both ways on the same rows, compare their answers, and print the figures."""
    season = simulate_season("2025-26", seed=7).rows
    sample = season.gather_every(season.height // SAMPLE_ROWS).head(SAMPLE_ROWS)
    day = _full_day(season)
    sample_rows = sample.to_dicts()

    scored = fsq.score(sample, now=NOW)  # also warms up caches that are filled once per process
    wanted = score_rows(sample_rows, V2, now=NOW)
    differing = differences(scored.select(COLUMN_NAMES).to_dicts(), wanted)
    if differing:
        print("fsq and the oracle differ:", *differing[:10], sep="\n  ", file=sys.stderr)
        return 1

    season_s, day_s, sample_s = _medians(
        lambda: fsq.score(season, now=NOW),
        lambda: fsq.score(day, now=NOW),
        lambda: by_row(sample),
    )
    oracle_s = sample_s * season.height / sample.height
    print(f"Python {platform.python_version()}, Polars {pl.__version__}, {os.cpu_count()} cores, "
          f"{platform.machine()}; medians of {ROUNDS} rounds")  # fmt: skip
    print(f"season of {season.height:,} rows, in memory: {season_s:.2f} s "
          f"({season.height / season_s:,.0f} rows/s)")  # fmt: skip
    print(f"oracle, row by row, frame in and frame out: {sample_s:.2f} s for {sample.height} rows, "
          f"so {oracle_s:.0f} s for all")  # fmt: skip
    print(f"ratio: {oracle_s / season_s:.0f}")
    print(f"day of {day.height} players: {1000 * day_s:.0f} ms")
    print(f"answers: equal in every field of the {sample.height} rows")
    return 0


def by_row(rows: pl.DataFrame) -> pl.DataFrame:
    """The oracle as a user would call it: a frame in, a frame out."""
    return pl.DataFrame(score_rows(rows.to_dicts(), V2, now=NOW), schema_overrides=POLARS_SCHEMA)


def differences(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[str]:
    """Where two lists of scored rows differ; floats may differ by rounding, NULL by nothing."""
    if len(found) != len(wanted):
        return [f"{len(found)} rows, not {len(wanted)}"]
    return [
        f"row {i}, {name}: {row[name]!r}, not {want[name]!r}"
        for i, (row, want) in enumerate(zip(found, wanted, strict=True))
        for name in COLUMN_NAMES
        if not _same(row[name], want[name])
    ]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return type(a) is type(b) and bool(a == b)


def _full_day(season: pl.DataFrame) -> pl.DataFrame:
    """The first date that has enough players, cut to exactly so many."""
    full = season.filter(pl.len().over("game_date") >= DAY_ROWS)
    return full.filter(pl.col("game_date") == pl.col("game_date").first()).head(DAY_ROWS)


def _medians(*works: Callable[[], object]) -> list[float]:
    """Median seconds of each work, in turns, so that other load on the machine meets all."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, spent in zip(works, seconds, strict=True):
            began = time.perf_counter()
            work()
            spent.append(time.perf_counter() - began)
    return [statistics.median(spent) for spent in seconds]


if __name__ == "__main__":
    sys.exit(main())
