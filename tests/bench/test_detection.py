"""The benchmark of detection: what counts as seen, as named, and as a false alarm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.bench.damage import DamageTable, select_templates
from fsq.bench.detection import (
    Alarm,
    Evidence,
    Fsq,
    Plan,
    Season,
    load_season,
    render_summary,
    render_templates,
    run_detection,
)
from fsq.bench.detection.season import sample_dates
from fsq.bench.detection.summary import bootstrap, summarize
from fsq.bench.detection.trials import Judge, Trial, run_trials
from fsq.bench.detection.worker import CleanDate
from fsq.cli import main
from fsq.demo import simulate_season
from tests.support.any_table import CONTRACT, PATH, make_rows

FALLBACK = "first table falls back, all"


class Says:
    """A detector that says the same of every date, and more of those with a default."""

    name = "says"
    explains = True

    def __init__(self, *always: Alarm) -> None:
        self.always = always

    def learn(self, table: DamageTable, rows: pl.DataFrame, scored: pl.DataFrame) -> None:
        self.table, self.dates = table, rows[table.date].n_unique()

    def judge(self, evidence: Evidence) -> list[Alarm]:
        said = [
            Alarm(d, a.severity, a.kind, a.table, a.features)
            for d in evidence.dates
            for a in self.always
        ]
        for feature in self.table.live:
            default = evidence.rows.filter(pl.col(f"{feature}__source") == "default")
            before = evidence.before.filter(pl.col(f"{feature}__source") == "default")
            usual = before.height / evidence.before.height
            for d in evidence.dates:
                rows = default.filter(pl.col(self.table.date) == d).height
                share = rows / evidence.rows.filter(pl.col(self.table.date) == d).height
                if share > usual + 0.5:
                    upstream = self.table.feature(feature).upstream_table
                    said.append(Alarm(d, "red", "upstream_table_missing", upstream, (feature,)))
        return said


@pytest.fixture(scope="module")
def season() -> Season:
    rows = make_rows(dates=50, entities=100, incidents=False)
    return load_season([rows], CONTRACT, "outcome", kept_share=0.4)


def _run(season: Season, words: str, *always: Alarm, harm: Any = None) -> list[Trial]:
    detector = Says(*always)
    detector.learn(season.table, season.rows, season.scored)
    day = season.kept[5]
    judge = Judge(detector, season)
    return list(run_trials([judge], season, day, select_templates(words), harm=harm))


def _alarm(*features: str, severity: Any = "yellow", kind: str = "stuck_constant") -> Alarm:
    return Alarm(date(2000, 1, 1), severity, kind, "table", features)


def test_a_fault_that_is_named_is_seen(season: Season) -> None:
    (trial,) = [t for t in _run(season, FALLBACK) if t.family == "labelled fallback"]
    assert (trial.seen, trial.right_table, trial.right_kind) == ("red", True, True)
    assert (trial.alarmed, trial.about_features) == (True, True)
    assert trial.kinds == ("upstream_table_missing",)
    assert trial.rows == season.select(season.rows, [season.kept[5]]).height


def test_what_is_said_of_clean_dates_too_is_nothing_new(season: Season) -> None:
    every = _alarm(*season.table.live)
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


def _trial(template: str, seen: Any, **changes: Any) -> Trial:
    values: dict[str, Any] = {
        "detector": "d", "template": template, "family": "leaks", "day": date(2026, 1, 1),
        "step": 0, "about_features": True, "alarmed": seen is not None, "seen": seen,
        "right_table": seen is not None, "right_kind": seen is not None, "kinds": (), "rows": 5,
        "harm": None, "harm_stopped": None,
    }  # fmt: skip
    return Trial(**(values | changes))


def _clean(*alarms: Alarm) -> CleanDate:
    return CleanDate({"d": list(alarms)}, {"d": {"learn_s": 1.0, "date_s": 0.1}})


def test_templates_count_alike_however_many_dates_they_have() -> None:
    trials = [_trial("a", "red"), _trial("b", None), _trial("b", None), _trial("b", "yellow")]
    alarms = [_alarm("f", severity="red"), _alarm("g"), _alarm("f", kind="other")]
    figures = summarize(trials, [_clean(*alarms), *(_clean() for _ in range(49))])
    assert figures["clean_dates"] == 50
    found = figures["detectors"]["d"]
    leaks = found["families"]["leaks"]
    assert leaks["seen"] == pytest.approx((1 + 1 / 3) / 2)
    assert (leaks["red"], leaks["templates"], leaks["dates"], leaks["blind"]) == (0.5, 2, 4, 0)
    assert found["families"]["all"]["interval"] == pytest.approx([1 / 3, 1])
    assert found["false_alarms"] == {
        "dates": 1,
        "per_100": 2.0,
        "red": 1,
        "kinds": {"other": 1, "stuck_constant": 1},
        "days": ["2000-01-01"],
    }


def test_naming_harm_lasting_faults_and_controls() -> None:
    trials = [
        _trial("a", "red", harm=4.0, harm_stopped=4.0),
        _trial("a", "yellow", right_kind=False, harm=6.0, harm_stopped=1.0),
        _trial("a", None, alarmed=True, harm=-3.0, harm_stopped=-3.0),  # by chance, it helped
        _trial("c", "red", about_features=False, right_table=None),
        _trial("l", "red", family="lasting faults"),
        _trial("l", None, family="lasting faults", step=1),
        _trial("o", None, family="controls", alarmed=True),
    ]
    found = summarize(trials, [_clean()])["detectors"]["d"]
    assert found["seconds"] == {"learn_s": 1.0, "date_s": 0.1}
    assert found["naming"] == {
        "feature": pytest.approx(2 / 3),
        "table": 1.0,
        "kind": pytest.approx(2 / 3),
    }
    assert found["harm"] == {"dates": 2, "total": 10.0, "stopped": 0.5}
    assert found["lasting"] == {"l": [1.0, 0.0]}
    assert found["controls"] == {"o": 1.0}
    assert found["families"]["all"]["templates"] == 2


def test_an_interval_needs_two_templates() -> None:
    assert bootstrap([1.0]) is None
    assert bootstrap([1.0, None]) is None
    low, high = bootstrap([0.0, 1.0] * 20) or (0, 0)
    assert 0.3 < low < 0.4
    assert 0.6 < high < 0.7


def test_the_season_is_parted(season: Season) -> None:
    assert len(season.kept) == 20
    assert len(season.learned) == 30
    assert season.learned[-1] < season.kept[0]
    assert len(season.list_before(season.kept[0])) == 21
    assert season.list_before(season.learned[2]) == season.learned[:2]
    assert sample_dates(season, 3) == [season.kept[0], season.kept[10], season.kept[-1]]
    assert sample_dates(season, 99) == season.kept
    seen = season.show([season.kept[3]])
    assert set(seen.rows["flight_date"]) == {season.kept[3]}
    assert seen.before["flight_date"].max() == season.kept[2]
    assert seen.before_scored.height == seen.before.height


def test_an_earlier_season_is_learned_from() -> None:
    rows = make_rows(dates=60, entities=40, incidents=False)
    dates = rows["flight_date"].unique().sort()
    first = rows.filter(pl.col("flight_date") < dates[30])
    second = rows.filter(pl.col("flight_date") >= dates[30])
    season = load_season([first, second], CONTRACT, kept_share=0.5)
    assert len(season.learned) == 45
    assert season.kept == dates[45:].to_list()


def test_a_later_season_may_be_learned_from_too() -> None:
    rows = make_rows(dates=60, entities=40, incidents=False)
    dates = rows["flight_date"].unique().sort()
    first = rows.filter(pl.col("flight_date") < dates[30])
    second = rows.filter(pl.col("flight_date") >= dates[30])
    season = load_season([second, first], CONTRACT, kept_share=0.5)
    assert season.kept == dates[15:30].to_list()
    assert season.learned == [*dates[:15], *dates[30:]]
    assert season.list_before(season.kept[0]) == dates[:15].to_list()


def test_scored_rows_are_damaged_like_their_source() -> None:
    rows = make_rows(dates=45, entities=40, incidents=False)
    season = load_season([fsq.score(rows, CONTRACT)], CONTRACT, "outcome")
    assert season.table.live == load_season([rows], CONTRACT, "outcome").table.live
    assert season.scored.height == rows.height


def test_too_few_dates() -> None:
    rows = make_rows(dates=30, entities=20, incidents=False)
    with pytest.raises(fsq.InputError, match="30 dates, of which 15 are to learn from"):
        load_season([rows], CONTRACT)


def test_fsq_finds_planted_faults(tmp_path: Path) -> None:
    rows = simulate_season(players_per_team=10, incidents=False).rows
    dates = rows["game_date"].unique().sort()
    path = tmp_path / "rows.parquet"
    rows.filter(pl.col("game_date") <= dates[60]).write_parquet(path)
    plan = Plan(
        [str(path)], "v2_33features", {"label": "actual_points", "kept_share": 0.3}, dates=2,
        words=f"{FALLBACK}; one feature times 100, all; 63 % of the rows missing; controls",
    )  # fmt: skip
    steps: list[float] = []
    summary = run_detection(plan, on_step=lambda _, done: steps.append(done))
    found = summary["detectors"]["fsq"]
    seen = {t["template"]: (t["seen"], t["red"]) for t in found["templates"]}
    assert seen[FALLBACK] == (1.0, 1.0)
    assert seen["63 % of the rows missing"][0] == 1.0
    assert found["naming"]["table"] == 1.0
    assert found["false_alarms"]["red"] == 0
    assert set(found["controls"].values()) == {0.0}
    assert steps == sorted(steps)
    text = render_summary(summary)
    assert "labelled fallback" in text
    assert f"{FALLBACK:<52}100 (100)" in render_templates(summary)
    assert json.loads(json.dumps(summary)) == summary


def test_several_processes_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=40, incidents=False).write_parquet(path)
    plan = Plan([str(path)], PATH, words=FALLBACK, dates=2, options={"kept_share": 0.3})
    alone, together = (run_detection(plan, jobs) for jobs in (1, 2))
    assert alone["trials"] == together["trials"]
    assert alone["trials"]


def test_a_detector_must_learn_first(season: Season) -> None:
    with pytest.raises(ValueError, match="learn first"):
        Fsq().judge(season.show([season.kept[0]]))


def _bench(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["bench", *map(str, words)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def few_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two faults, since all of them take minutes."""

    def select(words: str | None = None) -> Sequence[Any]:
        return select_templates("first table falls back, all; one feature by 60, one subgroup")

    monkeypatch.setattr("fsq.bench.detection.worker.select_templates", select)


@pytest.mark.usefixtures("few_templates")
def test_the_command_measures_ones_own_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=60, incidents=False).write_parquet(path)
    args = ("--detection", path, "--contract", PATH, "--label", "outcome")
    status, out, _ = _bench(capsys, *args)
    assert status == 0
    assert "labelled fallback" in out
    assert "dates as they are" in out
    status, out, err = _bench(capsys, *args, "--json")
    assert status == 0
    document = json.loads(out)
    assert document["source"] == str(path)
    assert document["detectors"]["fsq"]["families"]["labelled fallback"]["seen"] == 1.0
    assert "labelled fallback" in err


@pytest.mark.usefixtures("few_templates")
def test_the_command_measures_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, store = tmp_path / "rows.parquet", tmp_path / "store"
    make_rows(dates=45, entities=60, incidents=False).write_parquet(source)
    backfill = ["backfill", "--source", str(source), "--store", str(store), "--contract", str(PATH)]
    assert main(backfill) == 0
    capsys.readouterr()
    documents = []
    for rows in (source, store):
        args = ("--detection", rows, "--contract", PATH, "--label", "outcome", "--json")
        status, out, _ = _bench(capsys, *args)
        assert status == 0
        documents.append(json.loads(out)["detectors"]["fsq"]["templates"])
    assert documents[0] == documents[1]


def test_a_label_without_detection(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = _bench(capsys, "--label", "outcome")
    assert status == 2
    assert "--label needs --detection" in err


def test_a_label_that_is_absent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=20, incidents=False).write_parquet(path)
    status, _, err = _bench(capsys, "--detection", path, "--contract", PATH, "--label", "points")
    assert status == 2
    assert "no columns ['points']" in err
