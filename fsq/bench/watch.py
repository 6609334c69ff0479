"""Measures the stages of one process: seconds, bytes of results, peak memory."""

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
NEST, CAST, DELTA, REQUESTS = "nest", "Arrow cast", "write Delta", "BigQuery requests"
STAGES = (READ, INTAKE, INTERLEAVE, *LEVELS, NEST, CAST, DELTA, REQUESTS)
# Code between the stages: slicing chunks, joining columns, casts.
BETWEEN = "between"


@dataclass
class StageCost:
    """The cost of a stage: ``size`` is the bytes of its results, ``peak`` those of the process."""

    seconds: float = 0.0
    size: int = 0
    peak: int = 0


class Stopwatch:
    """Adds up the time of each stage, without that of stages inside it.

    Only one thread may run stages; otherwise their times would overlap.

    Args:
        memory: also measure bytes and peaks. This takes time, so ignore the seconds then.
    """

    def __init__(self, *, memory: bool = False) -> None:
        self.costs: dict[str, StageCost] = {}
        self._memory = memory
        self._open: list[str] = []
        self._started = 0.0

    def begin(self, stage: str) -> None:
        """Begin a stage."""
        self._charge()
        self._open.append(stage)
        self._started = time.perf_counter()

    def end(self, result: object) -> None:
        """End the stage that began last."""
        self._charge()
        name = self._open.pop()
        if self._memory:
            self._cost(name).size += count_bytes(result)
            reset_peak()
        self._started = time.perf_counter()

    def time(self, stage: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function as a stage."""
        self.begin(stage)
        measured: object = None
        try:
            measured = result = function(*args, **kwargs)
        finally:
            self.end(measured)
        return result

    def _charge(self) -> None:
        """Charge the elapsed time to the innermost stage."""
        if self._open:
            cost = self._cost(self._open[-1])
            cost.seconds += time.perf_counter() - self._started
            if self._memory:
                cost.peak = max(cost.peak, read_peak_memory() or 0)
        if self._memory:
            reset_peak()

    def _cost(self, stage: str) -> StageCost:
        return self.costs.setdefault(stage, StageCost())


def count_bytes(result: object) -> int:
    """Count the bytes of a result's columns, shared ones included.

    A number is itself one of bytes: of a result that is not kept.
    """
    if isinstance(result, int):
        return result
    if isinstance(result, pl.DataFrame | pl.Series):
        return int(result.estimated_size())
    if isinstance(result, pa.Table | pa.RecordBatch):
        return int(result.nbytes)
    if isinstance(result, np.ndarray | pa.Buffer):
        return int(result.nbytes if isinstance(result, np.ndarray) else result.size)
    if is_dataclass(result) and not isinstance(result, type):
        return sum(count_bytes(getattr(result, f.name)) for f in fields(result))
    if isinstance(result, dict):
        return sum(map(count_bytes, result.values()))
    return sum(map(count_bytes, result)) if isinstance(result, list | tuple) else 0


def read_peak_memory() -> int | None:
    """Read the peak of resident bytes since the last reset; None if the system has none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return None if kilobytes is None else int(kilobytes) * 1024


def reset_peak() -> None:
    """Reset the peak, if the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
