"""Values that cannot be right: stuck, silently default, too old, out of range, shifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

import fsq
from tests.support.healthy_days import LAST, change_last, diagnose_last, list_serious, make_days


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


def test_a_moved_feature_shows_as_a_shifted_distribution() -> None:
    rows = change_last(make_days(), minutes_avg_last_10=pl.col("minutes_avg_last_10") + 12)
    kinds = {(f.kind, f.features) for f in list_serious(diagnose_last(rows))}
    assert ("distribution_shift", ("minutes_avg_last_10",)) in kinds
