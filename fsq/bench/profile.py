"""Samples the Python stacks of the scoring threads."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import polars as pl

from fsq.bench.cases import write_inputs
from fsq.scoring.engine import score
from fsq.scoring.options import make_scoring_options

Stacks = Counter[tuple[str, ...]]
_INTERVAL = 0.001  # seconds
_MIN_SECONDS = 2.0
_PACKAGE = str(Path(__file__).parents[1])


class Sampler:
    """Samples the stack of every other thread each millisecond.

    Time in Polars, NumPy or Arrow counts for the calling function of fsq; their own Python frames
    are shown as well.
    """

    def __init__(self) -> None:
        self.stacks: Stacks = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL):
            for thread, frame in sys._current_frames().items():
                stack = _name_frames(frame) if thread != self._thread.ident else ()
                if stack:
                    self.stacks[stack] += 1


def _name_frames(frame: FrameType | None) -> tuple[str, ...]:
    """Name a stack's frames from the one that scores on; empty if none does."""
    names = []
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        short = (
            file.removeprefix(_PACKAGE + "/") if file.startswith(_PACKAGE) else _shorten_path(file)
        )
        if not short.startswith(("bench/", "utils/timing")):
            names.append(f"{short}:{code.co_name}")
        frame = frame.f_back
    names.reverse()
    start = next(
        (
            i
            for i, n in enumerate(names)
            if n.endswith((":_score_chunk", ":validate_columns", ":validate_rows"))
        ),
        None,
    )
    return () if start is None else tuple(names[start:])


def _shorten_path(file: str) -> str:
    parts = Path(file).parts
    packages = [i for i, p in enumerate(parts) if p == "site-packages"]
    return "/".join(parts[packages[-1] + 1 :][:2]) if packages else Path(file).name


def profile_scoring(source: str | None, *, case: str, contract: str) -> Stacks:
    """Score repeatedly for a few seconds, and count the stacks.

    Raises:
        InputError: the rows cannot be scored.
    """
    options = make_scoring_options(contract, None, None, datetime.now(UTC), "error")
    with tempfile.TemporaryDirectory(prefix="fsq-bench-") as folder:
        frames = [
            pl.read_parquet(p) for p in write_inputs(source, case, Path(folder), options.contract)
        ]
    score(frames[0].head(1), options.contract, now=options.now)
    until = time.perf_counter() + _MIN_SECONDS
    with Sampler() as sampler:
        while True:
            for frame in frames:
                score(frame, options.contract, now=options.now)
            if time.perf_counter() > until:
                break
    return sampler.stacks


def fold_stacks(stacks: Stacks) -> str:
    r"""Write one line per stack, the format that flame graph tools read.

    >>> fold_stacks(Counter({("a", "b"): 2}))
    'a;b 2\n'
    """
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))
