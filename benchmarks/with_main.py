"""Compares this checkout's speed with that of the branch it came from, in one sitting.

Both are measured in turns, so that other work on the machine slows both: a figure of an earlier
sitting would not do. Exit status 1 if a figure grew.

    python -m benchmarks.with_main --base origin/main --case startup --rounds 3 --fail-over 15%
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from fsq.bench.compare import compare_runs, parse_share
from fsq.bench.context import ROOT

Document = dict[str, Any]


def main() -> int:
    """Measure both, and print the figures side by side."""
    options = _parse()
    base = _check_out(options.base, ROOT / "build" / "bench-base")
    if base is None:
        print(f"{options.base} is this commit: there is nothing to compare")
        return 0
    pairs: list[list[Document]] = []
    for at in range(options.rounds):
        print(f"round {at + 1} of {options.rounds}", file=sys.stderr)
        before = _measure(base, options.case)
        if before is None:
            print(f"{options.base} has no case {options.case}: there is nothing to compare")
            return 0
        now = _measure(ROOT, options.case)
        pairs.append([before, now or {}])
    figures = summarize(pairs, parse_share(options.fail_over))
    for name, changes, grew in figures:
        median = statistics.median(changes)
        print(f"{name:30} {median:+7.1%}  {'grew' if grew else ''}")
    return int(any(grew for _, _, grew in figures))


def summarize(pairs: list[list[Document]], fail_over: float) -> list[tuple[str, list[float], bool]]:
    """Each figure's changes, round by round, and whether it grew.

    It did if the median of the changes exceeds the threshold, and so do all of them but one: a busy
    moment affects a single round.

    Args:
        pairs: per round, the document of the base and of this checkout.
        fail_over: share by which a figure may grow.
    """
    changes: dict[str, list[float]] = {}
    for before, now in pairs:
        for figure in compare_runs(before, now, fail_over)["figures"]:
            changes.setdefault(figure["figure"], []).append(figure["change"])
    out = []
    for name, found in changes.items():
        beyond = sum(change > fail_over for change in found)
        grew = statistics.median(found) > fail_over and beyond >= max(1, len(found) - 1)
        out.append((name, found, grew))
    return out


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", default="origin/main", help="branch to compare with")
    parser.add_argument("--case", default="startup", help="of fsq bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fail-over", default="15%", help="share by which a figure may grow")
    return parser.parse_args()


def _git(*words: str) -> str:
    done = subprocess.run(  # noqa: S603 - words of this module
        ["git", *words],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _check_out(branch: str, folder: Path) -> Path | None:
    """The commit where this checkout left the branch; None if that is this one, unchanged."""
    commit = _git("merge-base", "HEAD", branch)
    if commit == _git("rev-parse", "HEAD") and not _git("status", "--porcelain"):
        return None
    if folder.exists():
        _git("worktree", "remove", "--force", str(folder))
    _git("worktree", "prune")
    _git("worktree", "add", "--detach", str(folder), commit)
    return folder


def _measure(folder: Path, case: str) -> Document | None:
    """What ``fsq bench`` of a checkout measures; None if it knows no such case."""
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "fsq", "bench", "--case", case, "--rounds", "1", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2 and "--case" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(f"fsq bench failed in {folder}:\n{done.stderr[-2000:]}")
    document: Document = json.loads(done.stdout)
    return document


if __name__ == "__main__":
    sys.exit(main())
