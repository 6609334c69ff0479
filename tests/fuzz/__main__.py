"""``python -m tests.fuzz``: feed fsq with hostile input; one line per target says what came of it.

Each target runs in a process of its own with bounded memory and a watchdog, so that a crash, a
hang or an allocation without bound is one more fault and does not end the run. Every input is
made from the seed, the target and its number alone; ``--only TARGET --first N --count 1`` repeats
one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.worker import TARGETS, work

MEMORY = 6 << 30  # bytes of address space; threads' stacks and libraries take two thirds of it
# Polars takes some lengths in a page at their word, asks for 2 EB, and ends the process over it.
_KNOWN = ("memory allocation of", "polars_parquet::arrow::read::deserialize")
STEP = 2_000  # inputs of one process, so that nothing piles up in it
# Tiny inputs gain nothing from more threads, and several targets may run side by side.
ONE_THREAD = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TOKIO_WORKER_THREADS")
ENVIRONMENT = os.environ | dict.fromkeys(ONE_THREAD, "1")
SECONDS = 60.0  # that one input may take


@dataclass
class Done:
    """What came of a target's inputs."""

    inputs: int = 0
    answered: int = 0
    refused: int = 0
    aborted: int = 0
    slowest: float = 0.0
    faults: list[tuple[int, str]] = field(default_factory=list)


def main() -> int:
    """Run the targets, print the summary, and fail if there was a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), metavar="TARGET")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--count", type=int, help="inputs of each target, instead of the usual")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for each target")
    parser.add_argument("--work", metavar="FOLDER", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.work:
        last = words.first + words.count
        work(words.only[0], words.seed, range(words.first, last), Path(words.work), MEMORY, SECONDS)
        return 0
    total = Done()
    print("target         inputs  answered  refused  aborted  faults  slowest")
    for target in words.only or TARGETS:
        count = words.count or max(1, round(TARGETS[target].usual * words.scale))
        done = ran(target, words.seed, words.first, count, words.budget)
        counts = (done.inputs, done.answered, done.refused, done.aborted, len(done.faults))
        told = "".join(f"{n:>{w},}" for n, w in zip(counts, (9, 10, 9, 9, 8), strict=True))
        print(f"{target:<12}{told} {done.slowest:>6.1f} s", flush=True)
        for number, what in done.faults[:8]:
            print(f"    {target} {number}: {what}", flush=True)
        total.inputs += done.inputs
        total.faults += done.faults
        total.aborted += done.aborted
    aborted = f", {total.aborted:,} aborted in Polars' decoder" if total.aborted else ""
    print(f"{total.inputs:,} inputs{aborted}, {len(total.faults):,} faults")
    return 1 if total.faults else 0


def ran(target: str, seed: int, first: int, count: int, budget: float) -> Done:
    """One target in a process of its own, begun anew after each crash."""
    total, end, until = Done(), first + count, time.monotonic() + budget
    while first < end and time.monotonic() < until:
        step = min(end - first, STEP)
        with TemporaryDirectory(prefix="fsq-fuzz-") as folder:
            numbers = ["--seed", str(seed), "--first", str(first), "--count", str(step)]
            command = [sys.executable, "-m", "tests.fuzz", "--work", folder, "--only", target]
            run = subprocess.run(
                [*command, *numbers],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
            )
            log = Path(folder) / "log"
            lines = [json.loads(s) for s in log.read_text().splitlines()] if log.exists() else []
        for line in lines:
            if "took" in line:
                _count(total, line)
        if run.returncode == 0:
            first += step
            continue
        number = lines[-1]["number"] if lines else first
        said = run.stderr.decode(errors="replace").strip().splitlines()
        total.inputs += 1
        first = number + 1
        if all(any(sign in s for s in said) for sign in _KNOWN):
            total.aborted += 1
            continue
        clue = next((s for s in said if re.search("panicked|Timeout|Fatal", s)), said[-1:])
        total.faults.append((number, f"the process ended with {run.returncode}: {clue}"))
    return total


def _count(total: Done, line: dict[str, Any]) -> None:
    total.inputs += 1
    total.slowest = max(total.slowest, line["took"])
    if line["what"] == "answered":
        total.answered += 1
    elif line["what"] == "refused":
        total.refused += 1
    else:
        total.faults.append((line["number"], line["what"]))


if __name__ == "__main__":
    sys.exit(main())
