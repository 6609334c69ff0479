"""How long does a training set of a stored season take, and how much of it is reading?

A simulated season in one Delta table; medians of five rounds in one process.
``python -m benchmarks.training_speed``
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable

import fsq
from fsq.demo import simulate_season


def median(work: Callable[[], object]) -> float:
    """Seconds."""
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        rounds.append(time.perf_counter() - began)
    return statistics.median(rounds)


def main() -> None:
    """Print one line per way."""
    with tempfile.TemporaryDirectory() as folder:
        store = fsq.open_store(folder)
        rows = store.replace(fsq.score(simulate_season().rows)).rows
        label = "actual_points"
        days = store.read(columns=["game_date"]).unique().collect()["game_date"].sort()
        ways: dict[str, Callable[[], object]] = {
            "from the store": lambda: fsq.training_set(store, label).waterfall,
            "masked": lambda: fsq.training_set(store, label, "mask").frame,
            "one month": lambda: fsq.training_set(store, label, start=days[-30]).frame,
            "from its LazyFrame": lambda: fsq.training_set(store.read(), label).waterfall,
            "the detail alone, as a whole": lambda: store.read(
                columns=["feature_quality_detail"]
            ).collect(),
        }
        first = next(iter(ways.values()))
        first()
        base = median(first)
        print(f"{rows:,} records")
        for name, work in ways.items():
            took = median(work)
            print(f"{name:<30}{took:6.2f} s{took / base:8.1f} ×")


if __name__ == "__main__":
    main()
