"""Large inputs: a day of many rows, a contract of many features, a store of many dates."""

from __future__ import annotations

import io
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date, timedelta
from pathlib import Path

import polars as pl

import fsq
from fsq.cli import main
from tests.support.frames import wide


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long it took, and the most memory that this process ever held."""
    began = time.perf_counter()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    told = f"{time.perf_counter() - began:6.1f} s, at most {peak:.1f} GiB so far"
    print(f"{what:52} {told}", flush=True)


def _run(*words: str) -> None:
    with timed(f"fsq {words[0]} {words[-1]}"), redirect_stdout(io.StringIO()):
        status = main(list(words))
    assert status in (0, 1), status


def many_dates(folder: Path, dates: int, rows_per_date: int = 10) -> None:
    """Commands on a store of so many dates."""
    source, store = folder / "dates.parquet", str(folder / "dates")
    few = wide(dates * rows_per_date, dates)
    few.write_parquet(source)
    last = str(date(2026, 1, 1) + timedelta(days=dates - 1))
    backfill = ["backfill", "--source", str(source), "--store", store]
    print(f"a store of {dates:,} dates with {rows_per_date} rows each:")
    _run(*backfill)
    _run(*backfill, "--dry-run")
    _run("check", "--store", store, "--date", last)
    _run("trend", "--store", store)
    _run("report", "--store", store, "--out", str(folder / "report.html"))


def many_commits(folder: Path, dates: int) -> None:
    """A store that was written date by date, as a daily job does."""
    source, store = folder / "daily.parquet", str(folder / "daily")
    wide(dates * 2, dates).write_parquet(source)
    backfill = ["backfill", "--source", str(source), "--store", store]
    print(f"a store of {dates:,} commits:")
    _run(*backfill, "--commit-rows", "1")
    _run(*backfill, "--dry-run")
    _run("trend", "--store", store)


def long_day(folder: Path, records: int) -> None:
    """A single date with so many rows."""
    source, store = folder / "day.parquet", str(folder / "day")
    wide(records, 1).write_parquet(source)
    print(f"a date of {records:,} rows:")
    _run("score", str(source), "--out", str(folder / "day-scored.parquet"))
    _run("backfill", "--source", str(source), "--store", store)
    _run("check", "--store", store, "--date", "2026-01-01")


def broad(folder: Path, features: int, records: int = 20_000) -> None:
    """A contract of so many features."""
    base = fsq.load_contract("v2_33features")
    count = len(base.features)
    entry = (
        '  {{ index = {0}, name = "made_{0}", category = "matchup", upstream_table = '
        '"player_composite_factors", min = 0, max = 100, on_violation = "clamp", expected = 50, '
        'fallback_reason = "composite_factors_missing", definition_version = "v2" }},\n'
    )
    lines = "".join(entry.format(i) for i in range(count, features))
    contract = folder / "broad.toml"
    contract.write_text(
        f'extends = "v2_33features"\nname = "broad"\nfeatures = [\n{lines}]\n', encoding="utf-8"
    )
    more = [pl.lit(40.0).alias(f"made_{i}") for i in range(count, features)]
    words = [pl.lit("phase4").alias(f"made_{i}__source") for i in range(count, features)]
    source, store = folder / "broad.parquet", str(folder / "broad")
    wide(records, 80).with_columns(*more, *words).write_parquet(source)
    with_it = ["--contract", str(contract)]
    print(f"a contract of {features} features, {records:,} rows:")
    _run("score", str(source), *with_it, "--out", str(folder / "broad-scored.parquet"))
    _run("backfill", "--source", str(source), *with_it, "--store", store)
    _run("check", *with_it, "--date", "2026-02-06", "--store", store)
    _run("trend", *with_it, "--store", store)


if __name__ == "__main__":
    at, what, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    {"dates": many_dates, "commits": many_commits, "day": long_day, "features": broad}[what](
        at, size
    )
