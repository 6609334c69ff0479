"""How long does a training set of a stored season take, and how much of that is reading?

    python -m benchmarks.training_speed

It uses a simulated season in one Delta table, and prints medians of five rounds in one process.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable

import fsq
from fsq.demo import simulate_season


def time_median(function: Callable[[], object]) -> float:
    """Time a function; the median in seconds."""
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        function()
        rounds.append(time.perf_counter() - began)
    return statistics.median(rounds)


def main() -> None:
    """Print one line per variant."""
    with tempfile.TemporaryDirectory() as folder:
        store = fsq.open_store(folder)
        rows = store.replace(fsq.score(simulate_season().rows)).rows
        label = "actual_points"
        days = store.read(columns=["game_date"]).unique().collect()["game_date"].sort()
        variants: dict[str, Callable[[], object]] = {
            "from the store": lambda: fsq.training_set(store, label).waterfall,
            "without a diagnosis": lambda: fsq.training_set(store, label, exclude=None).waterfall,
            "masked": lambda: fsq.training_set(store, label, "mask").frame,
            "one month": lambda: fsq.training_set(store, label, start=days[-30]).frame,
            "from its LazyFrame": lambda: fsq.training_set(store.read(), label).waterfall,
            "reading the whole detail": lambda: store.read(
                columns=["feature_quality_detail"]
            ).collect(),
        }
        first = next(iter(variants.values()))
        first()
        base = time_median(first)
        print(f"{rows:,} records")
        for name, function in variants.items():
            seconds = time_median(function)
            print(f"{name:<30}{seconds:6.2f} s{seconds / base:8.1f} ×")


if __name__ == "__main__":
    main()
