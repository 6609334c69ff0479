"""Where and with what a benchmark ran; figures mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract
from fsq.utils.version import VERSION

_LIBRARIES = ("polars", "pyarrow", "numpy", "deltalake")
ROOT = Path(__file__).parents[2]  # of the checkout, if fsq runs from one


def context(contract: Contract) -> dict[str, Any]:
    """Versions, machine, contract and commit."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {"fsq": VERSION} | {name: _version(name) for name in _LIBRARIES},
        "cores": _cores(),
        "polars_threads": pl.thread_pool_size(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "contract": contract.name,
        "contract_version": contract.version_hash,
        "commit": _commit(),
    }


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _commit() -> str | None:
    """The checkout's commit, with a plus if files differ from it; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    try:
        told = [
            subprocess.run(  # noqa: S603 - the words are those below
                ["git", "-C", str(ROOT), *words],  # noqa: S607 - whichever git is there
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            ).stdout.strip()
            for words in (
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return told[0] + ("+" if told[1] else "")
