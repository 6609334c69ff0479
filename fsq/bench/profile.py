"""Where scoring spends its time: samples of the Python stacks of the threads that score."""

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

from fsq.bench.cases import inputs
from fsq.scoring.engine import make_scoring_options, score

Stacks = Counter[tuple[str, ...]]
_EVERY = 0.001  # seconds
_LEAST_SECONDS = 2.0
_PACKAGE = str(Path(__file__).parents[1])


class Sampler:
    """Looks every millisecond at what each thread but its own does.

    What Polars, numpy or Arrow compute counts to the line of fsq that asked for it; deeper frames
    of theirs are shown up to the call that leaves Python.
    """

    def __init__(self) -> None:
        self.stacks: Stacks = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            for thread, frame in sys._current_frames().items():
                stack = _named(frame) if thread != self._thread.ident else ()
                if stack:
                    self.stacks[stack] += 1


def _named(frame: FrameType | None) -> tuple[str, ...]:
    """A stack from the outermost function of fsq on; empty where none scores a chunk."""
    names = []
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        short = file.removeprefix(_PACKAGE + "/") if file.startswith(_PACKAGE) else _module(file)
        if not short.startswith(("bench/", "utils/timing")):
            names.append(f"{short}:{code.co_name}")
        frame = frame.f_back
    names.reverse()
    begins = next(
        (
            i
            for i, n in enumerate(names)
            if n.endswith((":_score_chunk", ":validate_columns", ":validate_rows"))
        ),
        None,
    )
    return () if begins is None else tuple(names[begins:])


def _module(file: str) -> str:
    parts = Path(file).parts
    packages = [i for i, p in enumerate(parts) if p == "site-packages"]
    return "/".join(parts[packages[-1] + 1 :][:2]) if packages else Path(file).name


def profiled(source: str | None, *, case: str, contract: str) -> Stacks:
    """Score until there is something to see, and count the stacks.

    Raises:
        InputError: the rows are bad.
    """
    options = make_scoring_options(contract, None, None, datetime.now(UTC), "error")
    with tempfile.TemporaryDirectory(prefix="fsq-bench-") as made:
        frames = [pl.read_parquet(p) for p in inputs(source, case, Path(made))]
    score(frames[0].head(1), options.contract, now=options.now)
    until = time.perf_counter() + _LEAST_SECONDS
    with Sampler() as sampler:
        while True:
            for frame in frames:
                score(frame, options.contract, now=options.now)
            if time.perf_counter() > until:
                break
    return sampler.stacks


def folded(stacks: Stacks) -> str:
    r"""One line per stack, as flame graph tools read it.

    >>> folded(Counter({("a", "b"): 2}))
    'a;b 2\n'
    """
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))
