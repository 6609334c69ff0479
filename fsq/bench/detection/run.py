"""Runs the benchmark of detection, over one process or several."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from fsq.backfilling.source import scan_source, source_read_errors
from fsq.bench.damage import Template, select_templates
from fsq.bench.detection.detector import Alarm, Detector, Fsq
from fsq.bench.detection.season import Season, load_season, sample_dates
from fsq.bench.detection.summary import summarize
from fsq.bench.detection.trials import Harm, Judge, Trial, run_trials
from fsq.contract import Contract, load_contract

FitHarm = Callable[[Season], Harm]
OnStep = Callable[[str, float], None]
_LASTING_EVERY = 4  # of the sampled dates: where a lasting fault begins


@dataclass(frozen=True)
class Plan:
    """What to measure; it can be sent to another process.

    Attributes:
        sources: files, folders or tables of feature rows, as they follow each other in time; none
            to simulate rows.
        contract: of the rows.
        options: of ``load_season``.
        detectors: make the detectors to ask.
        fit_harm: fits a model and gives how much each row's error rises; None to leave it out.
        words: see ``select_templates``.
        dates: how many dates to damage.
        latest: how many dates of each source to read, the latest; None for all.
        seed: of what is left to chance.
    """

    sources: Sequence[str]
    contract: str | Path | Contract
    options: dict[str, Any] = field(default_factory=dict)
    detectors: Sequence[Callable[[], Detector]] = (Fsq,)
    fit_harm: FitHarm | None = None
    words: str | None = None
    dates: int = 10
    latest: int | None = None
    seed: int = 0


class Worker:
    """A season and detectors that have learned from it, which take one date after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.season = load_season(read_frames(plan), load_contract(plan.contract), **plan.options)
        self.templates = select_templates(plan.words)
        known = self.season.select(self.season.rows, self.season.learned)
        scored = self.season.select(self.season.scored, self.season.learned)
        self.judges, self.learning = [], {}
        for make in plan.detectors:
            detector, started = make(), time.process_time()
            detector.learn(self.season.table, known, scored)
            self.learning[detector.name] = time.process_time() - started
            self.judges.append(Judge(detector, self.season))
        self.harm = None if plan.fit_harm is None else plan.fit_harm(self.season)

    def damage(self, day: date) -> list[Trial]:
        """Plant every template in a date, or from it on."""
        starts = sample_dates(self.season, self.plan.dates)[::_LASTING_EVERY]
        chosen: list[Template] = [t for t in self.templates if t.lasts == 1 or day in starts]
        return list(run_trials(self.judges, self.season, day, chosen, self.plan.seed, self.harm))

    def judge_clean(self, dates: Sequence[date]) -> dict[str, list[Alarm]]:
        """What each detector says of undamaged dates, taken one at a time."""
        return {j.detector.name: [a for d in dates for a in j.judge([d])] for j in self.judges}

    def measure_time(self) -> dict[str, dict[str, float]]:
        """Processor seconds to learn, and per date that was judged."""
        return {
            j.detector.name: {
                "learn_s": self.learning[j.detector.name],
                "date_s": j.seconds / max(1, j.dates),
            }
            for j in self.judges
        }


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
    days = sample_dates(worker.season, plan.dates)
    trials: list[Trial] = []
    for i, found in enumerate(_map_dates(worker, days, jobs)):
        trials += found
        on_step(f"date {i + 1} of {len(days)}", 0.9 * (i + 1) / len(days))
    on_step("clean dates", 0.9)
    clean = worker.judge_clean(worker.season.kept)
    return summarize(trials, clean, len(worker.season.kept), worker.measure_time()) | {
        "contract": worker.season.table.contract.name,
        "trials": [t.to_dict() for t in trials],
    }


def read_frames(plan: Plan) -> list[pl.DataFrame]:
    """Read the feature rows of a plan, source by source; simulated ones without a source.

    Raises:
        InputError: a source cannot be read.
        StoreError: a store cannot be reached.
    """
    contract = load_contract(plan.contract)
    if not plan.sources:
        from fsq.demo import simulate_rows

        return [
            _take_latest(simulate_rows(contract, incidents=False).lazy(), contract, plan.latest)
        ]
    frames = []
    for source in plan.sources:
        with source_read_errors(source):
            frames.append(_take_latest(scan_source(source, contract), contract, plan.latest))
    return frames


def _take_latest(rows: pl.LazyFrame, contract: Contract, latest: int | None) -> pl.DataFrame:
    day = contract.table.date
    if latest is None or day not in rows.collect_schema():
        return rows.collect()
    dates = rows.select(pl.col(day).unique().sort()).collect().to_series()
    return rows.filter(pl.col(day) >= dates[max(0, len(dates) - latest)]).collect()


def _map_dates(worker: Worker, days: Sequence[date], jobs: int) -> Iterator[list[Trial]]:
    if jobs < 2:
        yield from map(worker.damage, days)
        return
    # A forked process would inherit Polars' threads as they happen to stand.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start_worker, (worker.plan,)) as pool:
        yield from pool.map(_damage_here, days)


_HERE: list[Worker] = []


def _start_worker(plan: Plan) -> None:
    _HERE.append(Worker(plan))


def _damage_here(day: date) -> list[Trial]:
    return _HERE[0].damage(day)
