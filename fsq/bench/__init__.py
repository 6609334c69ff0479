"""``fsq bench``: where the time and memory of scoring go, on this machine and one's own data."""

from fsq.bench.compare import compared
from fsq.bench.run import bench

__all__ = ["bench", "compared"]
