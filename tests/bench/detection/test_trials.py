"""What counts as seen, as named, and as new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from fsq.bench.damage import select_templates
from fsq.bench.detection import Alarm, Evidence, Season
from fsq.bench.detection.trials import Judge, Trial, run_trials
from tests.support.detectors import Says, make_alarm

FALLBACK = "first table falls back, all"


def _run(season: Season, words: str, *always: Alarm, harm: Any = None) -> list[Trial]:
    detector = Says(*always)
    detector.learn(season.table, season.rows, season.scored)
    day = season.kept[5]
    judge = Judge(detector, season)
    return list(run_trials([judge], season, day, select_templates(words), harm=harm))


def test_a_fault_that_is_named_is_seen(season: Season) -> None:
    (trial,) = [t for t in _run(season, FALLBACK) if t.family == "labelled fallback"]
    assert (trial.seen, trial.right_table, trial.right_kind) == ("red", True, True)
    assert (trial.alarmed, trial.about_features) == (True, True)
    assert trial.kinds == ("upstream_table_missing",)
    assert trial.rows == season.select(season.rows, [season.kept[5]]).height


def test_what_is_said_of_clean_dates_too_is_nothing_new(season: Season) -> None:
    every = make_alarm(*season.table.live)
    (trial,) = _run(season, "one feature times 100, all", every)
    assert (trial.alarmed, trial.seen) == (False, None)


class Watches(Says):
    """A detector that says something of a feature where another one has become very large."""

    def judge(self, evidence: Evidence) -> list[Alarm]:
        watched = self.table.varied[0]
        largest, usual = (
            f.select(pl.col(watched).max()).item() for f in (evidence.rows, evidence.before)
        )
        return self.tell(evidence.dates, largest > 2 * usual)

    def tell(self, dates: Sequence[date], is_large: bool) -> list[Alarm]:
        raise NotImplementedError


def _watch(season: Season, detector: Watches) -> Trial:
    detector.learn(season.table, season.rows, season.scored)
    templates = select_templates("one feature times 100, all")
    (trial,) = run_trials([Judge(detector, season)], season, season.kept[5], templates)
    return trial


def test_what_gets_worse_is_new(season: Season) -> None:
    class Worse(Watches):
        def tell(self, dates: Sequence[date], is_large: bool) -> list[Alarm]:
            severity: Any = "red" if is_large else "yellow"
            feature = self.table.varied[0]
            return [Alarm(d, severity, "range_violation", None, (feature,)) for d in dates]

    trial = _watch(season, Worse())
    assert (trial.seen, trial.right_table, trial.right_kind) == ("red", False, True)


def test_a_fault_that_another_feature_is_blamed_for_is_not_seen(season: Season) -> None:
    class Blames(Watches):
        def tell(self, dates: Sequence[date], is_large: bool) -> list[Alarm]:
            innocent = self.table.varied[1]
            return [Alarm(d, "red", "x", None, (innocent,)) for d in dates if is_large]

    trial = _watch(season, Blames())
    assert (trial.alarmed, trial.seen) == (True, None)


def test_missing_rows_are_seen_by_whatever_is_new(season: Season) -> None:
    class Counts(Says):
        def judge(self, evidence: Evidence) -> list[Alarm]:
            few = evidence.rows.height < 0.6 * evidence.before.height / 21
            return [Alarm(d, "yellow", "missing_rows", None, ()) for d in evidence.dates if few]

    detector = Counts()
    detector.learn(season.table, season.rows, season.scored)
    judge = Judge(detector, season)
    templates = select_templates("63 % of the rows missing; a tenth of the rows missing")
    trials = run_trials([judge], season, season.kept[5], templates)
    few, most = (t for t in trials if t.family == "rows")
    assert (few.seen, most.seen) == (None, "yellow")
    assert most.right_table is None


def test_a_lasting_fault_has_a_trial_for_each_date(season: Season) -> None:
    trials = _run(season, "ten dates: first table falls back, 10 %")
    assert [t.step for t in trials] == list(range(10))
    assert [t.day for t in trials] == season.list_from(season.kept[5], 10)
    detector = Says()
    detector.learn(season.table, season.rows, season.scored)
    last = season.kept[-3]
    templates = select_templates("ten dates")
    assert not list(run_trials([Judge(detector, season)], season, last, templates))


def test_harm_is_stopped_by_red_or_by_the_gate(season: Season) -> None:
    def harm(clean: pl.DataFrame, damaged: pl.DataFrame) -> Any:
        return (damaged["seats"] != clean["seats"]).fill_null(False).to_numpy() * 2.0 + 1.0

    (red, *_) = _run(season, FALLBACK, harm=harm)
    assert red.harm
    assert red.harm_stopped == red.harm
    (silent,) = _run(season, "one feature zeros, 10 %", harm=harm)
    assert silent.harm == pytest.approx(silent.rows)  # only what was touched counts
    assert silent.harm_stopped < silent.harm  # type: ignore[operator]
    (rows,) = [t for t in _run(season, "one subgroup missing", harm=harm) if t.family == "rows"][:1]
    assert rows.harm is None
