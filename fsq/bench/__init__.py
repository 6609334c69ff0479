"""``fsq bench``: where scoring spends time and memory, on this machine and your data."""

from fsq.bench.compare import compare_runs
from fsq.bench.run import run_bench

__all__ = ["compare_runs", "run_bench"]
