"""Watches the stages of one process: seconds, bytes made, peak memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

P = ParamSpec("P")
T = TypeVar("T")

READ, INTAKE, INTERLEAVE = "read", "intake", "interleave"
LEVELS = ("level 1", "level 2", "level 3")
NEST, CAST, DELTA, WIRE = "nest", "Arrow cast", "write Delta", "BigQuery wire"
STAGES = (READ, INTAKE, INTERLEAVE, *LEVELS, NEST, CAST, DELTA, WIRE)
# What scoring does between its stages: cutting chunks, joining columns, casts.
BETWEEN = "between"


@dataclass
class Spent:
    """What a stage took: ``made`` are the bytes of its results, ``peak`` those of the process."""

    seconds: float = 0.0
    made: int = 0
    peak: int = 0


class Stopwatch:
    """Adds up the stages' own time; a stage within another is not counted to the outer one.

    Args:
        memory: also read bytes and peaks. That takes time, so the seconds are then worthless.

    Only one thread may run stages: side by side, their times would overlap.
    """

    def __init__(self, *, memory: bool = False) -> None:
        self.spent: dict[str, Spent] = {}
        self._memory = memory
        self._open: list[str] = []
        self._since = 0.0

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self._turn()
        self._open.append(stage)
        self._since = time.perf_counter()

    def end(self, made: object) -> None:
        """The stage that began last ends."""
        self._turn()
        name = self._open.pop()
        if self._memory:
            self._of(name).made += size(made)
            reset_peak()
        self._since = time.perf_counter()

    def timed(self, stage: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do some work as a stage."""
        self.begin(stage)
        made: object = None
        try:
            made = result = work(*args, **kwargs)
        finally:
            self.end(made)
        return result

    def _turn(self) -> None:
        """Charge what has passed to the innermost stage."""
        if self._open:
            spent = self._of(self._open[-1])
            spent.seconds += time.perf_counter() - self._since
            if self._memory:
                spent.peak = max(spent.peak, peak_memory() or 0)
        if self._memory:
            reset_peak()

    def _of(self, stage: str) -> Spent:
        return self.spent.setdefault(stage, Spent())


def size(made: object) -> int:
    """Bytes of the columns that a result holds, shared ones included."""
    if isinstance(made, pl.DataFrame | pl.Series):
        return int(made.estimated_size())
    if isinstance(made, pa.Table | pa.RecordBatch):
        return int(made.nbytes)
    if isinstance(made, np.ndarray | pa.Buffer):
        return int(made.nbytes if isinstance(made, np.ndarray) else made.size)
    if is_dataclass(made) and not isinstance(made, type):
        return sum(size(getattr(made, f.name)) for f in fields(made))
    if isinstance(made, dict):
        return sum(map(size, made.values()))
    return sum(map(size, made)) if isinstance(made, list | tuple) else 0


def peak_memory() -> int | None:
    """Largest resident bytes of this process since the last reset; None where none tells."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return None if kilobytes is None else int(kilobytes) * 1024


def reset_peak() -> None:
    """Let the peak begin anew, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
