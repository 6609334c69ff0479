"""Simulated seasons on two executors and on one machine: the same table, and the times.

    python -m benchmarks.spark_seasons [--seasons 10] [--emulator]

Both write the same source into a Delta table each, and the tables are compared row by row. With
``--emulator`` a part of every season goes into ``fsq emulator`` by both ways too.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

import fsq
import fsq.spark
from fsq.backfilling.run import backfill
from fsq.demo import simulate_season
from fsq.stores.bigquery.client import open_clients
from tests.conftest import command, started, stopped
from tests.support.spark import KEYS, MASTER
from tests.support.warehouse import held

NOW = datetime(2026, 7, 1, tzinfo=UTC)
LAST = 2025
# Dates of each season that go into the emulator, which takes about 2,000 rows a second.
EMULATED = 2


def main() -> None:
    """Print the times, and fail if a row differs."""
    parser = argparse.ArgumentParser(description="seasons on Spark and on one machine")
    parser.add_argument("--seasons", type=int, default=10)
    parser.add_argument("--emulator", action="store_true")
    wanted = parser.parse_args()
    with TemporaryDirectory(prefix="fsq-seasons-") as folder:
        paths = [_write_season(LAST - i, folder) for i in range(wanted.seasons)]
        began = time.perf_counter()
        with fsq.spark.session(MASTER) as spark:
            print(f"session: {time.perf_counter() - began:.1f} s", flush=True)
            for count in sorted({1, 3, wanted.seasons}):
                _compare_in_delta(spark, paths[:count], f"{folder}/{count}")
            if wanted.emulator:
                _compare_in_emulator(spark, paths, folder)


def _write_season(year: int, folder: str) -> Path:
    season = f"{year}-{(year + 1) % 100:02}"
    path = Path(folder) / f"{season}.parquet"
    simulate_season(season).rows.write_parquet(path)
    return path


def _compare_in_delta(spark: Any, paths: list[Path], folder: str) -> None:
    source = Path(folder) / "rows"
    source.mkdir(parents=True)
    for path in paths:
        (source / path.name).hardlink_to(path)
    one = backfill(str(source), f"{folder}/one", now=NOW)
    many = [fsq.spark.backfill(spark, str(source), f"{folder}/spark{i}", now=NOW) for i in range(2)]
    for path in paths:  # a season at a time, so that memory does not decide
        days = pl.scan_parquet(path).select(a=pl.min("game_date"), b=pl.max("game_date"))
        first, last = days.collect().row(0)
        tables = [
            fsq.open_store(f"{folder}/{s}").read(first, last).sort(KEYS).collect()
            for s in ("one", "spark0", "spark1")
        ]
        for table in tables[1:]:
            assert_frame_equal(table, tables[0])
    assert many[0].rows == many[1].rows == one.rows
    print(
        f"{len(paths)} seasons, {one.rows:,} rows: one machine {one.seconds:.1f} s, Spark "
        f"{many[0].seconds:.1f} s, again {many[1].seconds:.1f} s "
        f"({many[1].seconds / one.seconds:.2f} x); the tables are equal",
        flush=True,
    )


def _compare_in_emulator(spark: Any, paths: list[Path], folder: str) -> None:
    parts = [pl.read_parquet(p) for p in paths]
    days = [p["game_date"].unique().sort()[:EMULATED] for p in parts]
    source = f"{folder}/part.parquet"
    chosen = [
        p.filter(pl.col("game_date").is_in(d.implode())) for p, d in zip(parts, days, strict=True)
    ]
    pl.concat(chosen).write_parquet(source)
    process, environment = started(command())
    os.environ.update(environment)
    try:
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.d")
        one = backfill(source, "bigquery://p.d.one", now=NOW)
        many = fsq.spark.backfill(spark, source, "bigquery://p.d.spark", now=NOW, chunk_rows=1_000)
        assert one.rows == many.rows
        assert_frame_equal(held("bigquery://p.d.spark"), held("bigquery://p.d.one"))
        print(
            f"{EMULATED} dates of {len(paths)} seasons, {one.rows:,} rows, into the emulator: one "
            f"machine {one.seconds:.1f} s, Spark {many.seconds:.1f} s; the tables are equal"
        )
    finally:
        stopped(process)


if __name__ == "__main__":
    main()
