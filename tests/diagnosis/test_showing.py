"""What findings show: where, the usual band, and what values should have been."""

from __future__ import annotations

from datetime import date
from io import BytesIO, TextIOWrapper

import polars as pl
import pytest

import fsq
from fsq.diagnosis.pictures import can_draw
from fsq.diagnosis.rendering import Summary, list_not_evaluated, render_markdown, wrap_finding
from tests.support.frames import CONTRACT
from tests.support.healthy_days import LAST, change_last, default_values, diagnose_last, make_days
from tests.support.wrong_join import (
    DAY,
    MIXED,
    diagnose_wrong_join,
    find_team,
    make_clean_rows,
    make_wrong_rows,
    score_wrong_join,
)


@pytest.fixture(scope="module")
def dx() -> fsq.Diagnosis:
    return diagnose_wrong_join()


@pytest.fixture(scope="module")
def finding(dx: fsq.Diagnosis) -> fsq.diagnosis.Finding:
    return next(f for f in dx.findings if set(f.features) & set(MIXED))


def test_a_wrong_join_shows_records_and_what_they_should_have_been(
    finding: fsq.diagnosis.Finding,
) -> None:
    right = make_clean_rows().filter(game_date=DAY)
    wrong = make_wrong_rows().filter(game_date=DAY)
    shown = finding.evidence["rows_shown"]
    assert len(shown) == len({r["key"] for r in shown}) == 3
    for row in shown:
        true = right.filter(player_lookup=row["key"])[row["feature"]][0]
        stored = wrong.filter(player_lookup=row["key"])[row["feature"]][0]
        assert row["value"] == pytest.approx(stored, rel=1e-5)
        assert row["feature"] in MIXED
        assert abs(row["expected"] - true) < 0.4 * abs(stored - true)


def test_a_finding_says_where_and_how_rare(finding: fsq.diagnosis.Finding) -> None:
    assert f"with team_abbr {find_team()}" in finding.title
    assert finding.evidence["where"] in finding.title
    assert finding.cause.endswith(" clean dates.")
    assert f"Not once in {finding.evidence['band']['clean_dates']} clean dates." in finding.cause


def test_the_band_holds_the_dates_before_and_not_the_last(finding: fsq.diagnosis.Finding) -> None:
    band = finding.evidence["band"]
    assert band["feature"] in finding.features
    assert band["dates"][-1] == {"date": str(DAY), "value": band["value"]}
    assert band["value"] > band["high"]
    assert all(d["value"] <= band["high"] for d in band["dates"][:-1])


def test_the_text_draws_it_in_ascii_where_it_must(finding: fsq.diagnosis.Finding) -> None:
    drawn, plain = wrap_finding(finding), wrap_finding(finding, blocks=False)
    assert any("█" in line for line in drawn)
    assert "\n".join(plain).isascii()
    assert all(len(line) <= 80 for line in drawn + plain)
    assert sum("should be near" in " ".join(plain[i : i + 2]) for i in range(len(plain))) >= 3
    assert can_draw(TextIOWrapper(BytesIO(), "utf-8"))
    assert not can_draw(TextIOWrapper(BytesIO(), "ascii"))


def test_notebooks_and_markdown_show_it(dx: fsq.Diagnosis) -> None:
    html = dx._repr_html_()
    assert '<svg class="band" role="img" aria-label="' in html
    assert "should be near" in html
    assert "▁" in render_markdown(dx.summary)


def test_explain_tells_the_findings_of_a_record(
    dx: fsq.Diagnosis, finding: fsq.diagnosis.Finding
) -> None:
    row = finding.evidence["rows_shown"][0]
    told = fsq.explain(score_wrong_join(), row["key"], DAY, diagnosis=dx).findings
    assert told is not None
    mine = next(t for t in told if t["id"] == finding.id)
    value = next(s for s in mine["should_be"] if s["feature"] == row["feature"])
    assert value["expected"] == pytest.approx(row["expected"], rel=1e-5)
    shown = fsq.explain(score_wrong_join(), row["key"], DAY, diagnosis=dx)._repr_html_()
    assert f"should be near {value['expected']:.4g}, by " in shown
    assert all(name in shown for name in CONTRACT.names)
    named = dx.named_rows["player_lookup"].unique()
    other = score_wrong_join().filter(
        pl.col("game_date") == DAY, ~pl.col("player_lookup").is_in(named.implode())
    )["player_lookup"][0]
    assert fsq.explain(score_wrong_join(), other, DAY, diagnosis=dx).findings == []
    assert fsq.explain(score_wrong_join(), other, DAY).findings is None


def test_findings_of_other_checks_say_where_too() -> None:
    rows = make_days().with_columns(team=pl.format("T{}", pl.int_range(pl.len()) % 3))
    table = ["pace_score", "usage_spike_score"]
    hit = pl.col("team") == "T0"
    lost = {n: pl.when(hit).then(v).otherwise(pl.col(n)) for n, v in default_values(table).items()}
    serious = [f for f in diagnose_last(change_last(rows, **lost)).findings if f.features]
    assert [f.severity for f in serious if "all 40 with team T0" in f.title] != []


def test_rows_are_shown_beside_those_of_the_dates_before() -> None:
    rows = make_days()
    every_third = pl.int_range(pl.len()) % 3 == 0
    fewer = rows.filter((pl.col("game_date") != LAST) | every_third)
    (finding,) = [f for f in diagnose_last(fewer).findings if f.kind == "missing_rows"]
    band = finding.evidence["band"]
    assert (band["what"], band["feature"]) == ("rows per game", None)
    assert (band["low"], band["high"], band["value"]) == (30.0, 30.0, 10.0)
    assert "rows per game 10, usually 30" in " ".join(wrap_finding(finding))


FIRST, SECOND = date(2026, 2, 6), date(2026, 2, 7)


def test_what_was_not_evaluated_is_told_once_per_reason() -> None:
    skipped = [
        {"check": "stale_data", "features": ["a", "b"], "reason": "no times", "dates": [FIRST]},
        {"check": "mixed_ids", "features": [], "reason": "no ids", "dates": [SECOND, FIRST]},
        {"check": "as_of", "features": [], "reason": "no times", "dates": [FIRST]},
        {"check": "as_of", "features": ["c"], "reason": "no times", "dates": [FIRST, SECOND]},
    ]
    shown = Summary({FIRST: "green", SECOND: "green"}, 2, (), tuple(skipped))
    assert list_not_evaluated(shown) == [
        "stale_data of 2 features, as_of: no times (2026-02-06)",
        "mixed_ids: no ids",
        "as_of of c: no times",
    ]


def test_figures_of_several_stuck_features_say_whose_they_are() -> None:
    stuck = {"fatigue_score": pl.lit(0.5), "shot_zone_mismatch_score": pl.lit(7.0)}
    findings = diagnose_last(change_last(make_days(), **stuck)).findings
    (found,) = (f for f in findings if f.kind == "stuck_constant")
    value = {"fatigue_score": "0.5", "shot_zone_mismatch_score": "7"}
    (measured,) = (
        n for n in stuck if f"{n} has 1 distinct value (about {value[n]})" in found.title
    )
    assert f"The standard deviation of {measured} is 0" in found.cause
