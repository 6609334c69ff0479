"""Values that cannot be right: stuck, silently default, too old, out of range, shifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.diagnosis.checks.distribution_shift import measure_psi
from tests.support.healthy_days import (
    CONTRACT,
    LAST,
    change_last,
    diagnose_last,
    list_serious,
    make_days,
)


def test_stuck_silent_stale_and_ranges() -> None:
    half = pl.int_range(pl.len()) % 2 == 0
    wrong = pl.when(half).then(pl.lit(200.0)).otherwise("opponent_def_rating")
    cases: list[tuple[str, str, dict[str, pl.Expr]]] = [
        ("stuck_constant", "team_win_pct", {"team_win_pct": pl.lit(0.5)}),
        ("stuck_constant", "pace_score", {"pace_score": pl.lit(0.0)}),
        ("silent_default", "fatigue_score", {"fatigue_score": pl.lit(50.0)}),
        ("range_violation", "opponent_def_rating", {"opponent_def_rating": wrong}),
        (
            "stale_data",
            "opponent_pace",
            {
                "team_defense_zone_analysis__last_updated": pl.lit(
                    datetime(2026, 2, 8, tzinfo=UTC)
                ).cast(pl.Datetime("us", "UTC"))
            },
        ),
    ]
    for kind, feature, values in cases:
        found = list_serious(diagnose_last(change_last(make_days(), **values)))
        assert [(f.kind, f.severity) for f in found] == [(kind, "red")], (kind, found)
        assert feature in found[0].features


def test_a_stuck_feature_is_one_finding_over_its_dates() -> None:
    late = pl.col("game_date") > LAST - timedelta(days=4)
    rows = make_days(12).with_columns(
        team_win_pct=pl.when(late).then(0.5).otherwise("team_win_pct")
    )
    (finding,) = list_serious(fsq.diagnose(fsq.score(rows)))
    assert finding.kind == "stuck_constant"
    assert finding.dates == tuple(LAST - timedelta(days=i) for i in (3, 2, 1, 0))
    assert finding.rows_affected == 480


def test_another_unit_is_no_stuck_feature() -> None:
    days = make_days(24)
    profile = fsq.learn_profile(fsq.score(days.filter(pl.col("game_date") < LAST)))
    scored = fsq.score(change_last(days, points_avg_last_10=pl.col("points_avg_last_10") / 60))
    (known,) = list_serious(fsq.diagnose(scored, dates=[LAST], profile=profile))
    assert known.kind in ("wrong_unit", "level_shift")
    assert (known.features, known.severity) == (("points_avg_last_10",), "red")
    # Without a profile nothing else would tell.
    alone = list_serious(
        diagnose_last(change_last(days, points_avg_last_10=pl.col("points_avg_last_10") / 60))
    )
    assert "stuck_constant" in {f.kind for f in alone if "points_avg_last_10" in f.features}


def test_a_moved_feature_shows_as_a_shifted_distribution() -> None:
    rows = change_last(make_days(), minutes_avg_last_10=pl.col("minutes_avg_last_10") + 12)
    kinds = {(f.kind, f.features) for f in list_serious(diagnose_last(rows))}
    assert ("distribution_shift", ("minutes_avg_last_10",)) in kinds


def test_a_shift_says_how_far_and_how_far_earlier_dates_lay_from_each_other() -> None:
    name = "minutes_avg_last_10"
    days = make_days().with_columns(pl.col(name) + pl.col("game_date").dt.day() % 3)
    rows = change_last(days, **{name: pl.col(name) + 12})
    (found,) = [f for f in diagnose_last(rows).findings if f.kind == "distribution_shift"]
    per_date = [
        rows.filter(pl.col("game_date") == day)[name].to_numpy()
        for day in rows["game_date"].unique().sort()[-1 - CONTRACT.diagnosis.history_days :]
    ]
    every = np.sort(np.concatenate(per_date[:-1]))
    edges = every[[int(i * (len(every) - 1) / 10) for i in range(1, 10)]]
    places = [np.searchsorted(edges, values, "right") for values in per_date]
    counts = [np.bincount(p, minlength=10).astype(np.float64) for p in places]
    total = np.sum(counts[:-1], axis=0)
    assert found.evidence["psi"] == pytest.approx(measure_psi(counts[-1], total), abs=1e-3)
    others = [measure_psi(c, total - c) for c in counts[:-1]]
    assert found.evidence["usual_psi"] == pytest.approx(max(others), abs=1e-3)


@pytest.mark.parametrize(("value", "kinds"), [(100.0, set()), (55.0, {"stuck_constant"})])
def test_after_a_break_everybody_may_be_at_full_rest(value: float, kinds: set[str]) -> None:
    away = CONTRACT.diagnosis.break_days
    before = pl.col("game_date") < LAST
    rows = make_days(12).with_columns(
        pl.when(before).then(pl.col("game_date").dt.offset_by(f"-{away}d")).otherwise("game_date")
    )
    rested = fsq.score(change_last(rows, fatigue_score=pl.lit(value)))
    found = fsq.diagnose(rested, dates=[LAST]).findings
    assert {f.kind for f in found if "fatigue_score" in f.features} & {"stuck_constant"} == kinds
    without = fsq.score(change_last(make_days(12), fatigue_score=pl.lit(value)))
    kept = fsq.diagnose(without, dates=[LAST]).findings
    assert "stuck_constant" in {f.kind for f in kept if "fatigue_score" in f.features}


@pytest.mark.parametrize(("wrong", "severity"), [(1, None), (2, "yellow"), (6, "red")])
def test_values_out_of_range_show_on_a_date_of_few_rows(wrong: int, severity: str | None) -> None:
    at = pl.int_range(pl.len()).over("game_date")
    last = pl.col("game_date") == LAST
    rows = make_days().filter(~last | (at < 12))
    hit = last & (at < wrong)
    rows = rows.with_columns(
        opponent_pace=pl.when(hit).then(900.0).otherwise(pl.col("opponent_pace"))
    )
    found = [f for f in diagnose_last(rows).findings if f.kind == "range_violation"]
    assert [(f.severity, f.features) for f in found] == (
        [(severity, ("opponent_pace",))] if severity else []
    )


def test_few_rows_out_of_range_may_be_chance_where_such_rows_are_usual() -> None:
    at = pl.int_range(pl.len()).over("game_date")
    last = pl.col("game_date") == LAST
    few = make_days().filter(~last | (at < 12))
    rows = few.with_columns(
        opponent_pace=pl.when(at % 10 == 0).then(900.0).otherwise(pl.col("opponent_pace"))
    )
    kinds = {f.kind for f in diagnose_last(rows).findings}
    assert "range_violation" not in kinds
