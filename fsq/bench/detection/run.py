"""Runs the benchmark of detection, over one process or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

from fsq.bench.detection.season import sample_dates
from fsq.bench.detection.summary import summarize
from fsq.bench.detection.trials import Trial
from fsq.bench.detection.worker import CleanDate, Plan, Worker

OnStep = Callable[[str, float], None]
_MapDates = Callable[[str, Sequence[date]], Iterator[Any]]


def run_detection(
    plan: Plan, jobs: int = 1, on_step: OnStep = lambda what, done: None
) -> dict[str, Any]:
    """Measure what detectors see of damage, and how often they are wrong about clean dates.

    Args:
        plan: what to measure.
        jobs: processes.
        on_step: called with a short text and the part that is done, 0 to 1.

    Returns:
        The summary: see ``summarize``; and ``trials``, one object per damaged date.

    Raises:
        InputError: the rows cannot be scored, or have too few dates.
    """
    on_step("learning", 0.0)
    worker = Worker(plan)
    kept, trials, clean = worker.season.kept, list[Trial](), list[CleanDate]()
    days = sample_dates(worker.season, plan.dates)
    with _start(worker, jobs) as map_dates:
        for i, found in enumerate(map_dates("damage", days)):
            trials += found
            on_step(f"date {i + 1} of {len(days)}", 0.9 * (i + 1) / len(days))
        for i, judged in enumerate(map_dates("judge_clean", kept)):
            clean.append(judged)
            on_step("clean dates", 0.9 + 0.1 * (i + 1) / len(kept))
    return summarize(trials, clean) | {
        "contract": worker.season.table.contract.name,
        "trials": [t.to_dict() for t in trials],
    }


@contextmanager
def _start(worker: Worker, jobs: int) -> Iterator[_MapDates]:
    """A function that calls a worker's method for each of some dates, here or in processes."""
    if jobs < 2:
        yield lambda method, days: map(getattr(worker, method), days)
        return
    # A forked process would inherit Polars' threads as they happen to stand.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start_here, (worker.plan,)) as pool:
        yield lambda method, days: pool.map(_call_here, [method] * len(days), days)


_HERE: list[Worker] = []


def _start_here(plan: Plan) -> None:
    _HERE.append(Worker(plan))


def _call_here(method: str, day: date) -> Any:
    return getattr(_HERE[0], method)(day)
