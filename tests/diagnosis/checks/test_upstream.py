"""Features that fall back: which job, which table, since when."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
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


@pytest.mark.parametrize(
    ("ran", "kind"),
    [
        (True, "processor_wrote_nothing"),
        (False, "processor_did_not_run"),
        (None, "upstream_table_missing"),
    ],
)
def test_root_cause_names_the_processor(ran: bool | None, kind: str) -> None:
    """What the run context says decides between not run, ran in vain, and nobody knows."""
    job, names = "PlayerCompositeFactorsProcessor", TABLES["player_composite_factors"]
    done = [p.name for p in CONTRACT.processors if ran or p.name != job]
    context = None if ran is None else fsq.RunContext("run-1", done)
    rows = change_last(make_days(), **default_values(names)).drop("processors_completed")
    (finding,) = list_serious(diagnose_last(rows, run=context))
    assert finding.kind == kind
    assert finding.severity == "red"
    assert finding.processor == job
    assert finding.features == tuple(names)
    assert finding.dates == (LAST,)
    assert finding.rows_affected == 120
    assert f"run-processor {job} --date {LAST}" == finding.remedy[0]
    assert finding.remedy[1].startswith("fsq backfill")


def test_rows_own_words_win_over_the_run() -> None:
    names = TABLES["player_composite_factors"]
    rows = change_last(make_days(), **default_values(names))
    (finding,) = list_serious(diagnose_last(rows, run=fsq.RunContext("run", [])))
    assert finding.kind == "processor_wrote_nothing"


def test_some_players_left_out() -> None:
    names = TABLES["player_shot_zone_analysis"]
    hit = pl.col("player_lookup") < "player048"
    values = {
        n: pl.when(hit).then(v).otherwise(pl.col(n)) for n, v in default_values(names).items()
    }
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **values)))
    assert finding.kind == "processor_wrote_part"
    assert finding.rows_affected == 48
    assert "player000" in finding.cause
    assert "ran, but" in finding.cause


def test_one_feature_missing_of_a_table() -> None:
    (finding,) = list_serious(
        diagnose_last(change_last(make_days(), **default_values(["fatigue_score"])))
    )
    assert (finding.kind, finding.severity) == ("feature_missing", "red")
    assert finding.features == ("fatigue_score",)


def test_lost_windows_are_no_season_start() -> None:
    """A cache that failed leaves samples of 0, as a season's first days do; it stays red."""
    names = TABLES["player_daily_cache"]
    samples = dict.fromkeys(("last_5__sample_size", "last_10__sample_size"), pl.lit(0))
    (finding,) = list_serious(
        diagnose_last(change_last(make_days(), **default_values(names), **samples))
    )
    assert (finding.kind, finding.severity) == ("processor_wrote_nothing", "red")
    rows = make_days().with_columns(season__sample_size=pl.lit(40))
    lost = change_last(rows, **default_values(["points_avg_season"]), season__sample_size=pl.lit(0))
    (finding,) = list_serious(diagnose_last(lost))
    assert (finding.kind, finding.features) == ("feature_missing", ("points_avg_season",))


def test_a_season_start_is_yellow_unless_the_job_did_not_run() -> None:
    names = TABLES["player_daily_cache"]
    young = make_days().with_columns(last_5__sample_size=pl.lit(1), last_10__sample_size=pl.lit(1))
    rows = change_last(young, **default_values(names))
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.severity) == ("season_start", "yellow")
    done = [p.name for p in CONTRACT.processors if p.name != "PlayerDailyCacheProcessor"]
    (finding,) = list_serious(diagnose_last(change_last(rows, processors_completed=pl.lit(done))))
    assert (finding.kind, finding.severity) == ("processor_did_not_run", "red")


def test_run_context_that_disagrees() -> None:
    done = [p.name for p in CONTRACT.processors if p.name != "PlayerDailyCacheProcessor"]
    rows = change_last(make_days(), processors_completed=pl.lit(done))
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.severity) == ("run_context_disagrees", "yellow")
    assert finding.processor == "PlayerDailyCacheProcessor"
