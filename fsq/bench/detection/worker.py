"""What one process of the benchmark does: it reads, learns, and takes one date after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from fsq.backfilling.source import scan_source, source_read_errors
from fsq.bench.damage import select_templates
from fsq.bench.detection.detector import Alarm, Detector, Fsq
from fsq.bench.detection.season import Season, load_season, sample_dates
from fsq.bench.detection.trials import Harm, Judge, Trial, run_trials
from fsq.contract import Contract, load_contract

FitHarm = Callable[[Season], Harm]
_LASTING_EVERY = 4  # of the sampled dates: where a lasting fault begins


@dataclass(frozen=True)
class Plan:
    """What to measure; it can be sent to another process.

    Attributes:
        sources: files, folders or tables of feature rows; the last is damaged, the others are only
            learned from. Empty to simulate rows.
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


@dataclass(frozen=True)
class CleanDate:
    """What each detector says of an undamaged date.

    Attributes:
        alarms: by detector.
        seconds: processor time per detector: ``learn_s`` once, ``date_s`` for the date.
    """

    alarms: dict[str, list[Alarm]]
    seconds: dict[str, dict[str, float]]


class Worker:
    """A season, and detectors that learn from it when they are first asked."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.templates = select_templates(plan.words)
        self.season = load_season(read_frames(plan), load_contract(plan.contract), **plan.options)
        self.learning: dict[str, float] = {}

    @cached_property
    def judges(self) -> list[Judge]:
        """The detectors, which have learned from all dates that are not kept back."""
        learned = pl.col(self.season.table.date).is_in(self.season.learned)
        known, scored = self.season.rows.filter(learned), self.season.scored.filter(learned)
        judges = []
        for make in self.plan.detectors:
            detector, started = make(), time.process_time()
            detector.learn(self.season.table, known, scored)
            self.learning[detector.name] = time.process_time() - started
            judges.append(Judge(detector, self.season))
        return judges

    @cached_property
    def harm(self) -> Harm | None:
        """What measures harm, if anything does."""
        return None if self.plan.fit_harm is None else self.plan.fit_harm(self.season)

    def damage(self, day: date) -> list[Trial]:
        """Plant every template in a date, or from it on."""
        starts = sample_dates(self.season, self.plan.dates)[::_LASTING_EVERY]
        chosen = [t for t in self.templates if t.lasts == 1 or day in starts]
        return list(run_trials(self.judges, self.season, day, chosen, self.plan.seed, self.harm))

    def judge_clean(self, day: date) -> CleanDate:
        """Ask every detector about an undamaged date."""
        alarms, seconds = {}, {}
        for judge in self.judges:
            name = judge.detector.name
            evidence, started = self.season.show([day]), time.process_time()
            alarms[name] = judge.detector.judge(evidence)
            date_s = time.process_time() - started
            seconds[name] = {"learn_s": self.learning[name], "date_s": date_s}
        return CleanDate(alarms, seconds)


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
