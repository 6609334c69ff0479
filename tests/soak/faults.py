"""``python -m tests.soak.faults [KILLS [WORD ...]]``: kills, cuts, races, on each kind of store."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from fsq.stores.bigquery.client import open_clients
from tests.conftest import command, started, stopped
from tests.soak import contention, kills, ledgers, restarts, single, spark, wires
from tests.soak.victims import Limits
from tests.support.object_stores import KINDS, ObjectStores, find_missing, serve
from tests.support.spark import WITHOUT

# Seconds that a kill may take at most, with all that is checked after it; and those of a race.
_PER_KILL, _RACE = 60.0, 30.0
_WRITERS = 6
Part = Callable[[], object]


def list_parts(
    folder: Path, dataset: str, buckets: dict[str, ObjectStores], count: int
) -> dict[str, Part]:
    """What to run; so many kills in all."""

    def few(share: float) -> Limits:
        most = max(1, round(share * count))
        return Limits(most, most * _PER_KILL)

    def new() -> str:
        return str(folder / uuid.uuid4().hex[:8])

    def table() -> str:
        return f"bigquery://{dataset}.{uuid.uuid4().hex[:8]}"

    parts: dict[str, Part] = {
        "backfill into Delta": lambda: kills.into_delta(folder, "backfill", few(0.15)),
        "score into Delta": lambda: kills.into_delta(folder, "score", few(0.05)),
        "in place in Delta": lambda: kills.in_place_in_delta(folder, few(0.1)),
        "backfill into BigQuery": lambda: kills.into_emulator(folder, dataset, few(0.07)),
        "in place in BigQuery": lambda: kills.in_place_in_emulator(dataset, few(0.05)),
        "migrations of Delta": lambda: single.delta_migrations(folder, few(0.05)),
        "score to a file": lambda: single.killed_files(folder, few(0.05)),
        "check --record": lambda: ledgers.recorded(new, few(0.15)),
        "check --record, BigQuery": lambda: ledgers.recorded(table, few(0.02)),
        "repair": lambda: ledgers.repaired(folder, few(0.1)),
        "a race in Delta": lambda: contention.met(folder, new(), 160, _RACE, _WRITERS),
        "a race in BigQuery": lambda: contention.met(folder, table(), 80, _RACE, _WRITERS),
        "BigQuery restarted": lambda: dict(restarts.restarted(folder, 4)),
    }
    for kind, served in buckets.items():
        kill = partial(kills.into_bucket, folder, served.bucket, few(0.06))
        parts[f"backfill into {kind}://"] = kill
        parts[f"wires to {kind}://"] = partial(wires.cut_wires, folder, served, few(0.02))
        race = partial(contention.met, folder, f"{served.bucket}/met", 160, _RACE, _WRITERS)
        parts[f"a race in {kind}://"] = race
    if WITHOUT is None:
        parts["drivers of Spark"] = lambda: spark.killed_drivers(folder, few(0.025))
    return parts


def main(count: int, chosen: list[str]) -> None:
    """Run the parts whose names hold one of the words, or all; a line on each."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="fsq-faults-")))
        emulator, environment = started(command())
        running.callback(stopped, emulator)
        buckets = {}
        for kind in (k for k in KINDS if find_missing(k) is None):
            served = running.enter_context(serve(kind))
            environment |= served.environment
            buckets[kind] = served
        os.environ.update(environment)
        dataset = f"p.d{uuid.uuid4().hex[:12]}"
        with open_clients("p") as clients:
            clients.tables.create_dataset(dataset)
        for what, part in list_parts(folder, dataset, buckets, count).items():
            if not chosen or any(word in what for word in chosen):
                began = time.monotonic()
                print(f"{what:24} {part()} [{time.monotonic() - began:.0f} s]", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400, sys.argv[2:])
