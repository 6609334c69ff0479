"""Where a benchmark ran, and with which versions."""

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
FORMAT = 1  # of the document
ROOT = Path(__file__).parents[2]  # of the checkout, if there is one


def describe_context(contract: Contract) -> dict[str, Any]:
    """Describe versions, machine, contract and commit."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {"fsq": VERSION} | {name: _find_version(name) for name in _LIBRARIES},
        "cores": _count_cores(),
        "polars_threads": pl.thread_pool_size(),
        "processor": _find_processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "contract": contract.name,
        "contract_version": contract.version_hash,
        "commit": _find_commit(),
    }


def _find_version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _find_processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _find_commit() -> str | None:
    """The checkout's commit, with a plus if files have changed; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    try:
        outputs = [
            subprocess.run(  # noqa: S603 - fixed arguments
                ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - git is on the path
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            ).stdout.strip()
            for arguments in (
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return outputs[0] + ("+" if outputs[1] else "")


def list_modules(prefix: str) -> list[str]:
    """The names of the modules of ``benchmarks`` that begin with this, in a checkout.

    >>> list_modules("no_such_")
    []
    """
    found = sorted((ROOT / "benchmarks").glob(f"{prefix}*.py"))
    names = [path.stem.removeprefix(prefix).replace("_", "-") for path in found]
    return [name for name in names if name != "rules"]


def make_environment(folder: str) -> dict[str, str]:
    """This environment, with the checkout importable and compiled modules kept.

    An installed fsq has compiled modules too, so compiling them must not be timed.
    """
    paths = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    environment = {**os.environ, "PYTHONPATH": paths}
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        environment["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
    return environment
