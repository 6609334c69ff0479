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
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.worker import TARGETS, work

MEMORY = 6 << 30  # bytes of address space; threads' stacks and libraries take two thirds of it
# Tiny inputs gain nothing from more threads, and several targets may run side by side.
ONE_THREAD = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TOKIO_WORKER_THREADS")
ENVIRONMENT = os.environ | dict.fromkeys(ONE_THREAD, "1")
SECONDS = 60.0  # that one input may take


def main() -> int:
    """Run the targets, print the summary, and fail if there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), metavar="TARGET")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, help="inputs of each target, instead of the usual")
    parser.add_argument("--budget", type=float, default=1e9, help="seconds for each target")
    parser.add_argument("--work", metavar="FOLDER", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.work:
        last = words.first + words.count
        work(words.only[0], words.seed, range(words.first, last), Path(words.work), MEMORY, SECONDS)
        return 0
    tried = faults = 0
    print(
        f"{'target':<12} {'inputs':>8} {'answered':>9} {'refused':>8} {'faults':>7} {'slowest':>8}"
    )
    for target in words.only or TARGETS:
        count = words.count or max(1, round(TARGETS[target].usual * words.scale))
        done = ran(target, words.seed, words.first, count, words.budget)
        print(f"{target:<12} {done['inputs']:>8,} {done['answered']:>9,} {done['refused']:>8,} "
              f"{len(done['faults']):>7,} {done['slowest']:>6.1f} s", flush=True)  # fmt: skip
        for number, what in done["faults"][:8]:
            print(f"    {target} {number}: {what}", flush=True)
        tried += done["inputs"]
        faults += len(done["faults"])
    print(f"{tried:,} inputs, {faults:,} faults")
    return 1 if faults else 0


def ran(target: str, seed: int, first: int, count: int, budget: float) -> dict:  # type: ignore[type-arg]
    """One target in a process of its own, begun anew after each crash."""
    total = {"inputs": 0, "answered": 0, "refused": 0, "faults": [], "slowest": 0.0}
    end, until = first + count, time.monotonic() + budget
    while first < end and time.monotonic() < until:
        step = min(end - first, 2_000)
        with TemporaryDirectory(prefix="fsq-fuzz-") as folder:
            command = [sys.executable, "-m", "tests.fuzz", "--work", folder, "--only", target,
                       "--seed", str(seed), "--first", str(first), "--count", str(step)]  # fmt: skip
            run = subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT
            )
            log = Path(folder) / "log"
            lines = [json.loads(line) for line in log.read_text().splitlines()]
        ended = [line for line in lines if "took" in line]
        total["inputs"] += len(ended)
        for line in ended:
            total["slowest"] = max(total["slowest"], line["took"])
            if line["what"] in ("answered", "refused"):
                total[line["what"]] += 1
            else:
                total["faults"].append((line["number"], line["what"]))
        if run.returncode == 0:
            first += step
            continue
        number = lines[-1]["number"] if lines else first
        said = run.stderr.decode(errors="replace").strip().splitlines()
        told = next((s for s in said if "panicked" in s or "Timeout" in s or "Fatal" in s), "")
        total["inputs"] += 1
        total["faults"].append((number, f"the process ended with {run.returncode}: {told}"))
        first = number + 1
    return total


if __name__ == "__main__":
    sys.exit(main())
