"""How many cores this process may use, and how many threads are worth starting on them."""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/")
# More threads score no faster: they meet at Python's lock and at the memory.
_MOST_WORKERS = 8


def choose_workers() -> int:
    """How many threads score and write: one for each core that Polars may use too, up to eight.

    ``POLARS_MAX_THREADS`` limits both.
    """
    limit = os.environ.get("POLARS_MAX_THREADS", "")
    cores = count_cores()
    if limit.isdecimal() and int(limit) > 0:
        cores = min(cores, int(limit))
    return min(cores, _MOST_WORKERS)


def count_cores(root: Path = _ROOT) -> int:
    """How many cores this process may use: its affinity, and the limit of its control group.

    A part of a core counts as a whole one. There is always one at least.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limits = (math.ceil(limit) for limit in _read_quotas(root))
    return max(1, min([cores, *limits]))


def _read_quotas(root: Path) -> list[float]:
    """The limits of the control group and of those around it, in cores."""
    folders = root / "sys/fs/cgroup"
    found = [_read_old_quota(folders / "cpu")]
    for group in (_own_group(root), "/"):
        folder = folders / group.strip("/")
        while folder != folders.parent:
            found.append(_read_quota(folder / "cpu.max"))
            folder = folder.parent
    return [quota for quota in found if quota is not None]


def _own_group(root: Path) -> str:
    """The path of this process's control group; the root's where it is hidden."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        if line.startswith("0::/"):
            return line.removeprefix("0::").split("/..")[0]
    return "/"


def _read_quota(path: Path) -> float | None:
    """The second version's limit: the quota and the period in one file; None for no limit."""
    return _divide(*[*_read(path).split(), "", ""][:2])


def _read_old_quota(folder: Path) -> float | None:
    """The first version's limit."""
    return _divide(
        _read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()
    )


def _divide(quota: str, period: str) -> float | None:
    known = quota.isdecimal() and period.isdecimal() and int(quota) and int(period)
    return int(quota) / int(period) if known else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
