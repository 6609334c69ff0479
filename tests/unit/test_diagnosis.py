"""What shows only across the rows of a date, on simulated seasons with planted incidents."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import lru_cache

import polars as pl
import pytest

import fsq
from fsq.demo import Season, simulate_season
from fsq.diagnosis.findings import Finding, merged

SEASON_START = date(2025, 10, 21)


@lru_cache(maxsize=2)
def season(seed: int, incidents: bool = True) -> tuple[Season, pl.DataFrame]:
    made = simulate_season("2025-26", seed=seed, incidents=incidents)
    return made, fsq.score(made.rows)


@lru_cache(maxsize=2)
def clean_rows() -> pl.DataFrame:
    """Two clean mid-season weeks."""
    rows = simulate_season("2025-26", seed=3, incidents=False).rows
    return rows.filter(pl.col("game_date").is_between(date(2026, 1, 10), date(2026, 1, 25)))


LAST = date(2026, 1, 25)


def diagnosed(rows: pl.DataFrame) -> fsq.Diagnosis:
    return fsq.diagnose(fsq.score(rows), dates=[LAST], season_start=SEASON_START)


def on_last(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    hit = pl.col("game_date") == LAST
    return rows.with_columns(
        pl.when(hit).then(new).otherwise(pl.col(n)).alias(n) for n, new in columns.items()
    )


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_every_planted_incident_is_found_and_clean_days_stay_without_red(seed: int) -> None:
    made, scored = season(seed)
    found = fsq.diagnose(scored)
    for planted in made.planted:
        days = tuple(date.fromisoformat(d) for d in planted["dates"])
        match = [f for f in found.findings if f.kind == planted["kind"] and f.dates == days]
        assert len(match) == 1, planted
        assert match[0].severity == "red"
        assert set(match[0].features) == set(planted["features"])
        if planted["kind"] == "processor_did_not_run":
            assert match[0].processor == planted["processor"]
        assert match[0].rows >= planted["rows_affected"] * 0.8
    planted_days = {date.fromisoformat(d) for p in made.planted for d in p["dates"]}
    assert set(found.red_dates) == planted_days


def test_a_clean_stretch_is_green() -> None:
    found = diagnosed(clean_rows())
    assert found.verdict() == "green"
    assert found.headline == "GREEN: 2026-01-25: no fault found"


def test_a_job_that_ran_but_wrote_nothing_is_told_from_one_that_did_not_run() -> None:
    contract = fsq.load_contract()
    composite = [f for f in contract.features if f.upstream_table == "player_composite_factors"]
    fell = {f.name: pl.lit(f.expected) for f in composite}
    fell |= {f"{f.name}__source": pl.lit("default") for f in composite}
    rows = on_last(clean_rows(), **fell)
    ran = diagnosed(rows).findings[0]
    assert ran.kind == "table_missing"
    assert "ran, but wrote nothing" in ran.cause
    assert ran.remedy[0] == ("python -m data_processors.player_composite_factors --date 2026-01-25")
    job = "PlayerCompositeFactorsProcessor"
    done = pl.col("processors_completed").list.filter(pl.element() != job)
    did_not = diagnosed(on_last(rows, processors_completed=done)).findings[0]
    assert (did_not.kind, did_not.processor) == ("processor_did_not_run", job)
    assert did_not.cause == f"{job} did not run"
    unknown = diagnosed(rows.drop("processors_completed"))
    assert "does not say whether it ran" in unknown.findings[0].cause
    assert "what ran" in [n.check for n in unknown.not_evaluated]


def test_a_job_missing_from_the_context_though_its_features_are_there_disagrees() -> None:
    done = pl.col("processors_completed").list.filter(pl.element() != "PlayerDailyCacheProcessor")
    found = diagnosed(on_last(clean_rows(), processors_completed=done))
    assert [(f.kind, f.severity) for f in found.findings] == [("processor_missing", "yellow")]


def test_a_rise_of_defaults_in_some_rows_is_yellow() -> None:
    some = pl.int_range(pl.len()) % 3 == 0
    word = pl.when(some).then(pl.lit("default")).otherwise("team_pace__source")
    found = diagnosed(on_last(clean_rows(), team_pace__source=word))
    assert [(f.kind, f.severity, f.features) for f in found.findings] == [
        ("default_rise", "yellow", ("team_pace",))
    ]


def test_values_spread_otherwise_are_a_shift() -> None:
    moved = pl.col("minutes_avg_last_10") * 0.5
    found = diagnosed(on_last(clean_rows(), minutes_avg_last_10=moved))
    assert [(f.kind, f.features) for f in found.findings] == [
        ("distribution_shift", ("minutes_avg_last_10",))
    ]


def test_few_rows_and_no_history_are_not_evaluated_rather_than_fine() -> None:
    few = clean_rows().filter(pl.col("game_date") == LAST).head(20)
    found = diagnosed(few)
    checks = {n.check: n.reason for n in found.not_evaluated}
    assert checks["spread and shares"] == "fewer than 50 rows"
    assert checks["against the dates before"] == "fewer than 3 dates before"


def test_no_rows_are_nothing_to_judge() -> None:
    found = diagnosed(clean_rows().head(0))
    assert found.headline.startswith("NOTHING TO JUDGE")
    assert found.dates == ()


def test_rows_that_are_not_scored_are_refused() -> None:
    with pytest.raises(fsq.InputError, match="cannot be diagnosed"):
        fsq.diagnose(clean_rows())


def test_findings_of_one_cause_on_following_dates_are_one() -> None:
    days = [SEASON_START + timedelta(days=i) for i in range(30)]

    def on(day: date) -> Finding:
        return Finding("stuck_constant", "red", (day,), ("pace_score",), 10, "e", "c")

    told = merged([on(days[0]), on(days[1]), on(days[20])], days)
    assert [f.dates for f in told] == [(days[0], days[1]), (days[20],)]
    assert [f.rows for f in told] == [20, 10]


def test_a_diagnosis_is_plain_json_and_its_html_is_escaped() -> None:
    contract = fsq.load_contract().model_dump(mode="json")
    contract["processors"][1]["rerun"] = "run '<script>' {date}"
    sly = type(fsq.load_contract()).model_validate(contract)
    _, scored = season(7)
    found = fsq.diagnose(scored, sly, dates=[date(2026, 2, 6)])
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == "red"
    page = found._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_frames_have_the_method_and_arrow_tables_are_accepted() -> None:
    scored = fsq.score(clean_rows())
    from_frame = scored.fsq.diagnose(dates=[LAST])
    from_lazy = scored.lazy().fsq.diagnose(dates=[LAST])
    from_arrow = fsq.diagnose(scored.to_arrow(), dates=[LAST])
    assert from_frame.to_dict() == from_lazy.to_dict() == from_arrow.to_dict()
