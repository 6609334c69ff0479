"""Kill executors, Python workers and drivers of backfills on Spark, and compare the tables.

    python -m benchmarks.spark_kills [--rounds 6]

Each round kills two executors, two Python workers and one driver: before its commit, after it, or
at a random moment, in turn. The driver is then restarted with the run's id. After every kill, the
table must equal the single machine's row by row, and so must the ledger.
"""

from __future__ import annotations

import argparse
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from polars.testing import assert_frame_equal

import fsq
import fsq.spark
from fsq.backfilling.run import backfill
from tests.support.frames import wide
from tests.support.spark import MASTER, NOW, Killer, driver, executors, table, workers

ROWS, DAYS, PER_TASK = 600, 60, 20


def main() -> None:
    """Print what was killed, and whether the table was the same."""
    parser = argparse.ArgumentParser(description="kill parts of Spark")
    parser.add_argument("--rounds", type=int, default=6)
    rounds = parser.parse_args().rounds
    kills: Counter[str] = Counter()
    with TemporaryDirectory(prefix="fsq-kills-") as folder:
        source, single = f"{folder}/rows.parquet", f"{folder}/single"
        wide(ROWS, DAYS).write_parquet(source)
        backfill(source, single, now=NOW)
        with fsq.spark.session(MASTER) as spark:
            for number in range(rounds):
                kinds = _make_kills(spark, source)
                last = ("driver-before", "driver-after", "driver-anywhen")[number % 3]
                for kind in ("executor", "worker", "executor", "worker", last):
                    began, kill = time.perf_counter(), kinds[kind]
                    store = f"{folder}/{number}-{kind}"
                    landed = kill(store)
                    assert_frame_equal(table(store), table(single))
                    ledgers = [fsq.open_store(s).ledger() for s in (store, single)]
                    assert ledgers[0] == ledgers[1]
                    shutil.rmtree(store)
                    kills[kind] += landed
                    outcome = "killed" if landed else "came too late"
                    seconds = time.perf_counter() - began
                    print(
                        f"{number} {kind:16} {outcome:14}{seconds:6.1f} s, the same table",
                        flush=True,
                    )
    print(
        f"{kills.total()} kills ({', '.join(f'{n} {k}' for k, n in kills.items())}): "
        "every table equals the single machine's, without duplicate or lost rows"
    )


def _make_kills(spark: Any, source: str) -> dict[str, Callable[[str], bool]]:
    def run(store: str, **more: Any) -> int:
        return fsq.spark.backfill(spark, source, store, now=NOW, chunk_rows=PER_TASK, **more).rows

    def process(victims: Callable[[], list[int]]) -> Callable[[str], bool]:
        def kill(store: str) -> bool:
            killer = Killer(victims, random.uniform(0, 0.8))
            assert run(store, progress=killer.progress) == ROWS
            killer.wait()
            return killer.landed

        return kill

    def restarted(when: Callable[[], str]) -> Callable[[str], bool]:
        def kill(store: str) -> bool:
            die = when()
            status = driver("local[1]", source, store, "one", die)
            committed = Path(store).exists() and bool(fsq.open_store(store).ledger())
            rows = run(store, run_id="one", force=True)
            assert rows == (0 if committed else ROWS), (rows, committed)
            assert committed or die != "after"
            return status == -9

        return kill

    return {
        "executor": process(executors),
        "worker": process(workers),
        "driver-before": restarted(lambda: "before"),
        "driver-after": restarted(lambda: "after"),
        "driver-anywhen": restarted(lambda: f"{random.uniform(0, 2):.2f}"),
    }


if __name__ == "__main__":
    main()
