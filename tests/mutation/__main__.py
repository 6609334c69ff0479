"""``python -m tests.mutation``: change one thing at a time, and see whether a test notices.

It draws a share of all changes from a seed, and tries each in a copy of the checkout with the tests
of its file, fast ones first. A change that was tried before on the same source is not tried again.
docs/decisions/0005-mutation-tool.md says why it is not a library.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from random import Random

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.targets import GROUPS, list_tests

PLACE = Path("build/mutation")
TRIED = PLACE / "tried.jsonl"
TIMEOUT = 300.0  # seconds for the tests of one file; a change that makes them hang is noticed
# As in tests/conftest.py, without looking for the smallest example of a failure.
PYTEST = ["-x", "-q", "-rfE", "--tb=no", "--basetemp=pytest", "--hypothesis-profile=mutation"]


def main() -> int:
    """Try the changes; print a line per file and those that nothing noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--share", type=float, default=0.5, help="share of all changes, 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="only files with this in their path"
    )
    parser.add_argument(
        "--survivors", action="store_true", help="try the changes that survived again"
    )
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    files = [
        f
        for group in GROUPS.values()
        for f in group
        if not arguments.only or any(text in f for text in arguments.only)
    ]
    PLACE.mkdir(parents=True, exist_ok=True)
    chosen = [m for f in files for m in _draw(f, arguments.share, arguments.seed)]
    known = _load_tried()
    survived = {k for k, outcome in known.items() if outcome == "survived"}
    again = survived if arguments.survivors else set()
    todo = [m for m in chosen if _key(m) not in known or _key(m) in again]
    Random(arguments.seed).shuffle(todo)  # so that a run cut short says something of every file
    print(f"{len(chosen):,} changes, {len(todo):,} of them to try", flush=True)
    places: SimpleQueue[Path] = SimpleQueue()
    for number in range(arguments.workers):
        places.put(_copy_checkout(number))
    for tests in {tuple(list_tests(m.file)[:-1]) for m in todo}:
        outcome, by = _run_tests(place := places.get(), list(tests))
        places.put(place)
        if outcome != "survived":
            print(f"without any change: {outcome}, {by}", file=sys.stderr)
            return 1
    with ThreadPoolExecutor(arguments.workers) as pool, TRIED.open("a") as log:
        for done in as_completed([pool.submit(_try_change, places, m) for m in todo]):
            mutant, found = done.result()
            key = _key(mutant)
            known[key] = str(found["outcome"])
            print(json.dumps({"key": key, **found, **asdict(mutant)}), file=log, flush=True)
    _print_report(chosen, known)
    return 0


def _draw(file: str, share: float, seed: int) -> list[Mutant]:
    found = mutants(file, Path(file).read_text(encoding="utf-8"))
    count = round(len(found) * share)
    return sorted(Random(f"{seed}:{file}").sample(found, count), key=lambda m: m.start)


def _key(m: Mutant) -> str:
    source = Path(m.file).read_text(encoding="utf-8")
    return sha256(m.applied(source).encode()).hexdigest()[:16]


def _load_tried() -> dict[str, str]:
    lines = TRIED.read_text(encoding="utf-8").splitlines() if TRIED.exists() else []
    return {found["key"]: found["outcome"] for found in map(json.loads, lines)}


def _copy_checkout(number: int) -> Path:
    """Copy what the tests need; the checkout itself is never changed."""
    place = PLACE / str(number)
    shutil.rmtree(place, ignore_errors=True)
    for name in ("fsq", "tests", "benchmarks"):
        shutil.copytree(name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(name, place / name)
    return place


def _try_change(places: SimpleQueue[Path], mutant: Mutant) -> tuple[Mutant, dict[str, object]]:
    """Try a change: did a test notice, which one, and after how many seconds?"""
    place, began = places.get(), time.monotonic()
    source = Path(mutant.file).read_text(encoding="utf-8")
    try:
        (place / mutant.file).write_text(mutant.applied(source), encoding="utf-8")
        outcome, by = _run_tests(place, list_tests(mutant.file))
        took = round(time.monotonic() - began, 1)
        return mutant, {"outcome": outcome, "by": by, "took": took}
    finally:
        (place / mutant.file).write_text(source, encoding="utf-8")
        places.put(place)


def _run_tests(place: Path, tests: list[str]) -> tuple[str, str]:
    environment = os.environ | {
        "PYTHONPATH": str(place.resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "POLARS_MAX_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place.resolve() / "hypothesis"),
    }
    command = [sys.executable, "-m", "pytest", *PYTEST, *tests]
    with (
        (place / "said").open("w+") as said,
        subprocess.Popen(
            command, cwd=place, env=environment, stdout=said, stderr=said, start_new_session=True
        ) as run,
    ):
        try:
            status = run.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            return "hung", ""
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
        said.seek(0)
        by = next((s for s in said if s.startswith(("FAILED", "ERROR"))), "")
        return {0: "survived", 1: "killed"}.get(status, "broken"), by.strip()[:200]


def _print_report(chosen: list[Mutant], known: dict[str, str]) -> None:
    print(f"\n{'file':42} changes  noticed  missed   score")
    for group, files in GROUPS.items():
        total: Counter[str] = Counter()
        for file in files:
            of_file = [m for m in chosen if m.file == file and _key(m) in known]
            count = Counter(known[_key(m)] for m in of_file)
            if count:
                print(_format_row(file, count))
            total += count
        if total:
            print(_format_row(f"all: {group}", total), end="\n\n")
    for m in (m for m in chosen if known.get(_key(m)) == "survived"):
        source = Path(m.file).read_text(encoding="utf-8")
        before, after = source.splitlines(), m.applied(source).splitlines()
        print(f"{m.file}:{m.line}")
        print(*list(difflib.unified_diff(before, after, n=0, lineterm=""))[3:], sep="\n")


def _format_row(name: str, count: Counter[str]) -> str:
    missed, every = count["survived"], count.total()
    return f"{name:42} {every:7} {every - missed:8} {missed:7} {1 - missed / every:7.0%}"


if __name__ == "__main__":
    sys.exit(main())
