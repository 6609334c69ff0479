"""Work on several threads, with its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numpy as np
import polars as pl

T = TypeVar("T")
R = TypeVar("R")


def map_in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R]:
    """Apply a function to items on several threads, and yield its results in their order.

    Items are taken while there is room: at most one more than there are workers is under way, so
    that items that are made one by one do not pile up.

    Args:
        work: the function; it runs in several threads at once.
        items: taken in the thread that asks for the results.
        workers: number of threads.

    >>> list(map_in_order(abs, [-3, 2, -1], workers=2))
    [3, 2, 1]
    """
    _load_numpy_for_polars()
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@cache
def _load_numpy_for_polars() -> None:
    """Let Polars find NumPy before there are threads.

    Polars that was imported before NumPy looks it up when it first needs it. If two threads do so
    at once, one finds the other's half-made module and fails with a TypeError.
    """
    pl.Series(np.zeros(1))
