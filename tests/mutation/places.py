"""Copies of the checkout in which tests run, so that the checkout itself is never changed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from tests.mutation.reach import Reach
from tests.mutation.targets import ROOT, Group

PLACE = Path("build/mutation")
TIMEOUT = 300.0  # seconds for the tests of one change; one that makes them hang is noticed
# As in tests/conftest.py, without looking for the smallest example of a failure.
PYTEST = ["-q", "-rfE", "--tb=no", "--basetemp=pytest", "--hypothesis-profile=mutation"]


def copy_checkout(number: int) -> Path:
    """Copy what the tests need."""
    place = PLACE / str(number)
    shutil.rmtree(place, ignore_errors=True)
    for name in ("fsq", "tests", "benchmarks", "docs", ".ci", "changelog.d"):
        shutil.copytree(name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "Makefile", "mkdocs.yml"):
        shutil.copy(name, place / name)
    return place


def run_tests(
    place: Path, options: list[str], tests: Iterable[str], timeout: float | None = TIMEOUT
) -> tuple[str, str]:
    """How the tests end in a copy, and the first that failed."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(place.resolve()), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "POLARS_MAX_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place.resolve() / "hypothesis"),
    }
    # Hundreds of tests do not fit into a command's arguments.
    (place / "tests.txt").write_text("\n".join(tests), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *PYTEST, *options, "@tests.txt"]
    with (
        (place / "said").open("w+") as said,
        subprocess.Popen(
            command, cwd=place, env=environment, stdout=said, stderr=said, start_new_session=True
        ) as run,
    ):
        try:
            status = run.wait(timeout)
        except subprocess.TimeoutExpired:
            return "hung", ""
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
        said.seek(0)
        by = next((s for s in said if s.startswith(("FAILED", "ERROR"))), "")
        return {0: "survived", 1: "killed"}.get(status, "broken"), by.strip()[:200]


def find_reach(name: str, group: Group, place: Path) -> Reach:
    """What the group's tests run; noted once for the same sources and tests.

    :raises SystemExit: a test fails without any change.
    """
    noted = (PLACE / f"reach-{name}-{_fingerprint(group)}.json").resolve()
    if not noted.exists():
        of = [word for place in group.places for word in ("--reach-of", place)]
        follow = ["-p", "tests.mutation.reach", "--reach", f"{noted}.part", *of]
        outcome, by = run_tests(place, follow, group.list_tests(), timeout=None)
        if outcome != "survived":
            raise SystemExit(f"{name}, without any change: {outcome}, {by}; see {place / 'said'}")
        Path(f"{noted}.part").rename(noted)
    return Reach.load(noted)


def _fingerprint(group: Group) -> str:
    paths = [ROOT / p for p in group.list_tests()]
    files = [f for p in paths for f in ([p] if p.is_file() else sorted(p.rglob("*.py")))]
    return sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:16]
