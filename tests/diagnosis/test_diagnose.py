"""Verdicts, history, inputs and displays of a diagnosis."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest

import fsq
from fsq.demo import simulate_season
from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.rendering import render_markdown
from tests.support.healthy_days import (
    CONTRACT,
    LAST,
    TABLES,
    change_last,
    default_values,
    diagnose_last,
    list_serious,
    make_days,
)


def test_healthy_rows_are_green() -> None:
    dx = diagnose_last(make_days())
    assert list_serious(dx) == []
    assert dx.verdict == "green"


def test_another_season_is_no_history() -> None:
    old = make_days().filter(pl.col("game_date") < LAST)
    moved = old.with_columns(pl.col("game_date") - pl.duration(days=200))
    rows = pl.concat([moved, make_days().filter(pl.col("game_date") == LAST)])
    assert diagnose_last(rows).verdict == "unknown"


def test_no_history_and_few_rows_are_not_fine() -> None:
    scored = fsq.score(make_days())
    alone = fsq.diagnose(scored.filter(pl.col("game_date") == LAST))
    assert alone.verdict == "unknown"
    assert {"missing_rows", "category_shift", "distribution_shift"} <= {
        n["check"] for n in alone.not_evaluated
    }
    few = fsq.diagnose(fsq.score(make_days(per_day=30)), dates=[LAST])
    assert few.verdict == "unknown"
    assert "stuck_constant" in {n["check"] for n in few.not_evaluated}
    assert "fewer than 50 rows" in " ".join(str(few).split())


def test_history_may_come_apart() -> None:
    scored = fsq.score(change_last(make_days(), **default_values(["fatigue_score"])))
    last = scored.filter(pl.col("game_date") == LAST)
    whole = fsq.diagnose(scored, dates=[LAST])
    parts = fsq.diagnose(last, history=scored.filter(pl.col("game_date") < LAST))
    assert parts.to_dict() == whole.to_dict()


def test_every_kind_of_table_gives_the_same() -> None:
    scored = fsq.score(change_last(make_days(), team_win_pct=pl.lit(0.5)))
    want = fsq.diagnose(scored).to_dict()
    assert fsq.diagnose(scored.lazy()).to_dict() == want
    assert fsq.diagnose(scored.to_arrow()).to_dict() == want
    assert scored.fsq.diagnose().to_dict() == want
    assert scored.lazy().fsq.diagnose().to_dict() == want
    shuffled = fsq.diagnose(scored.sample(fraction=1, shuffle=True, seed=1)).to_dict()
    assert shuffled["findings"] == want["findings"]


def test_a_date_without_rows_is_red_and_no_rows_are_no_error() -> None:
    scored = fsq.score(make_days())
    absent = LAST + timedelta(days=1)
    dx = fsq.diagnose(scored, dates=[absent])
    assert dx.dates == {absent: "red"}
    assert dx.findings[0].title == "no rows at all"
    assert fsq.diagnose(scored.head(0)).verdict == "unknown"


def test_rows_of_another_contract_or_unscored_are_refused() -> None:
    with pytest.raises(fsq.InputError, match="name the contract"):
        fsq.diagnose(fsq.score(make_days()), contract="v3_37features")
    with pytest.raises(fsq.InputError, match=r"fsq\.score"):
        fsq.diagnose(make_days())


def test_displays_escape_and_hold_80_columns() -> None:
    rows = make_days().with_columns(player_lookup=pl.lit("<script>") + pl.col("player_lookup"))
    names = TABLES["player_shot_zone_analysis"]
    hit = pl.col("player_lookup").str.ends_with("1")
    values = {
        n: pl.when(hit).then(v).otherwise(pl.col(n)) for n, v in default_values(names).items()
    }
    dx = fsq.diagnose(fsq.score(change_last(rows, **values).with_columns(hit.alias("x"))))
    shown = diagnose_last(change_last(rows, **default_values(names)))
    assert "<script>" in shown.findings[0].cause
    assert "<script>" not in shown._repr_html_()
    assert "&lt;script&gt;" in shown._repr_html_()
    assert "<script>" not in render_markdown(shown.summary)
    assert all(len(line) <= 80 for line in str(shown).splitlines())
    assert repr(dx) == str(dx)
    assert shown.frame.height == len(shown.findings)
    assert shown.frame.schema == fsq.diagnose(fsq.score(make_days(1))).frame.schema
    json.dumps(shown.to_dict(), allow_nan=False)
    assert "<table" in CONTRACT._repr_html_()


def test_planted_incidents_of_a_season_are_found_and_nothing_else() -> None:
    season = simulate_season(seed=11)
    dx = fsq.diagnose(fsq.score(season.rows))
    planted = {(p["kind"], date.fromisoformat(d)): p for p in season.incidents for d in p["dates"]}
    said = {(f.kind, d) for f in dx.findings if f.severity == "red" for d in f.dates}
    assert said == set(planted)
    assert {f.kind for f in dx.findings} <= set(list_kinds())
    red = [f for f in dx.findings if f.severity == "red"]
    for (kind, day), incident in planted.items():
        named = {n for f in red if f.kind == kind and day in f.dates for n in f.features}
        assert named == set(incident["features"])
