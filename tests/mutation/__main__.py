"""``python -m tests.mutation``: change one thing at a time, and see whether a test notices.

It draws some changes of each package from a seed, and tries each in a copy of the checkout with the
tests that run the changed line, fast ones first. A change that was tried before on the same source
is not tried again. docs/decisions/0005-mutation-tool.md says why it is not a library.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from hashlib import sha256
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from random import Random

from tests.mutation.mutants import Mutant, is_another, mutants
from tests.mutation.places import PLACE, copy_checkout, find_reach, run_tests
from tests.mutation.reach import Reach
from tests.mutation.targets import GROUPS, Group

TRIED = PLACE / "tried.jsonl"
MOST = 60.0  # seconds of tests per change; those that run its line come first


def main() -> int:
    """Try the changes; print a line per package and those that nothing noticed."""
    arguments = _parse()
    names = arguments.group or list(GROUPS)
    PLACE.mkdir(parents=True, exist_ok=True)
    chosen = {n: _draw(GROUPS[n], arguments.each, arguments.seed) for n in names}
    known = _load_tried()
    places: SimpleQueue[Path] = SimpleQueue()
    for number in range(arguments.workers):
        places.put(copy_checkout(number))
    with ThreadPoolExecutor(arguments.workers) as pool, TRIED.open("a") as log:
        for name, drawn in chosen.items():
            todo = [m for m in drawn if _is_to_try(known.get(_key(m)), again=arguments.survivors)]
            print(f"{name}: {len(drawn)} changes, {len(todo)} of them to try", flush=True)
            if not todo:
                continue
            place = places.get()
            reach = find_reach(name, GROUPS[name], place)
            places.put(place)
            tried = [pool.submit(_try_change, places, m, reach) for m in todo]
            for done in as_completed(tried):
                mutant, found = done.result()
                known[_key(mutant)] = str(found["outcome"])
                line = {"key": _key(mutant), **found, **asdict(mutant)}
                print(json.dumps(line), file=log, flush=True)
    _print_report(chosen, known)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--each", type=int, default=40, help="changes to draw per package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--group", action="append", choices=GROUPS, help="only these packages")
    parser.add_argument(
        "--survivors", action="store_true", help="try the changes that survived again"
    )
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _draw(group: Group, count: int, seed: int) -> list[Mutant]:
    found = [m for f in group.list_modules() for m in mutants(f, _read(f))]
    Random(f"{seed}:{group.places}").shuffle(found)
    return list(islice((m for m in found if is_another(m, _read(m.file))), count))


def _read(file: str) -> str:
    return Path(file).read_text(encoding="utf-8")


def _key(m: Mutant) -> str:
    return sha256(m.applied(_read(m.file)).encode()).hexdigest()[:16]


def _load_tried() -> dict[str, str]:
    lines = TRIED.read_text(encoding="utf-8").splitlines() if TRIED.exists() else []
    return {found["key"]: found["outcome"] for found in map(json.loads, lines)}


def _is_to_try(outcome: str | None, *, again: bool) -> bool:
    return outcome is None or (again and outcome in ("survived", "unreached"))


def _try_change(
    places: SimpleQueue[Path], mutant: Mutant, reach: Reach
) -> tuple[Mutant, dict[str, object]]:
    """Try a change: did a test notice, which one, and after how many seconds?"""
    source = _read(mutant.file)
    tests = reach.list_tests(mutant.file, mutant.line, source, MOST)
    if not tests:
        return mutant, {"outcome": "unreached", "by": "", "took": 0.0}
    place, began = places.get(), time.monotonic()
    try:
        (place / mutant.file).write_text(mutant.applied(source), encoding="utf-8")
        outcome, by = run_tests(place, ["-x"], tests)
        if by.startswith("ERROR: not found"):  # a test that is named after what was changed
            whole = dict.fromkeys(test.partition("[")[0] for test in tests)
            outcome, by = run_tests(place, ["-x"], whole)
        took = round(time.monotonic() - began, 1)
        return mutant, {"outcome": outcome, "by": by, "took": took}
    finally:
        (place / mutant.file).write_text(source, encoding="utf-8")
        places.put(place)


def _print_report(chosen: dict[str, list[Mutant]], known: dict[str, str]) -> None:
    print("\npackage       drawn  noticed  of these hung  missed  score")
    for name, drawn in chosen.items():
        count = Counter(known[_key(m)] for m in drawn if _key(m) in known)
        every, missed = count.total(), count["survived"] + count["unreached"]
        if every:
            noticed, share = every - missed, 1 - missed / every
            row = f"{every:5} {noticed:8} {count['hung']:14} {missed:7} {share:6.0%}"
            print(f"{name:12} {row}")
    for name, drawn in chosen.items():
        for m in drawn:
            if known.get(_key(m)) in ("survived", "unreached"):
                print(f"\n{name}, {known[_key(m)]}: {m.file}:{m.line}", *_show(m), sep="\n")


def _show(m: Mutant) -> Iterator[str]:
    source = _read(m.file)
    before, after = source.splitlines(), m.applied(source).splitlines()
    yield from list(difflib.unified_diff(before, after, n=0, lineterm=""))[3:]


if __name__ == "__main__":
    sys.exit(main())
