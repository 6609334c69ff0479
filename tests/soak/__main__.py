"""``python -m tests.soak [MINUTES]``: kills, meetings and large inputs, and a line on each."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

from fsq.stores.bigquery.client import open_clients
from tests.conftest import command, started, stopped
from tests.soak import contention, kills, load, restarts, single
from tests.soak.victims import Limits


def main(minutes: float) -> None:
    """Each of ten parts gets its share of the minutes; large inputs come last, at full size."""
    share = minutes * 60 / 10
    limits = Limits(1_000, share)
    with tempfile.TemporaryDirectory(prefix="fsq-soak-") as name:
        folder = Path(name)
        emulator, environment = started(command())
        os.environ.update(environment)
        dataset = f"p.d{uuid.uuid4().hex[:12]}"
        try:
            with open_clients("p") as clients:
                clients.tables.create_dataset(dataset)
            parts = {
                "score into Delta": lambda: kills.into_delta(folder, "score", limits),
                "backfill into Delta": lambda: kills.into_delta(folder, "backfill", limits),
                "in place in Delta": lambda: kills.in_place_in_delta(folder, limits),
                "backfill into BigQuery": lambda: kills.into_emulator(folder, dataset, limits),
                "in place in BigQuery": lambda: kills.in_place_in_emulator(dataset, limits),
                "score to a file": lambda: single.killed_files(folder, limits),
                "migrations of Delta": lambda: single.delta_migrations(folder, limits),
                "migrations of BigQuery": lambda: single.emulator_migrations(dataset, limits),
                "meeting in Delta": lambda: contention.met(folder, str(folder / "met"), 400, share),
                "meeting in BigQuery": lambda: contention.met(
                    folder, f"bigquery://{dataset}.met", 160, share
                ),
            }
            for what, part in parts.items():
                began = time.monotonic()
                print(f"{what:24} {part()} [{time.monotonic() - began:.0f} s]", flush=True)
        finally:
            stopped(emulator)
        print(f"{'emulator killed':24} {dict(restarts.restarted(folder, 4))}", flush=True)
        load.many_dates(folder, 3_000)
        load.many_commits(folder, 300)
        load.broad(folder, 200)
        load.long_day(folder, 200_000)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
