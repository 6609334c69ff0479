"""Examples worked out by hand; every number below was computed on paper from the definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

import fsq

DAY = date(2026, 2, 6)
CONTRACT = fsq.load_contract("v2_33features")
MATCHUP = [
    "fatigue_score",
    "shot_zone_mismatch_score",
    "pace_score",
    "usage_spike_score",
    "opponent_def_rating",
    "opponent_pace",
]


def good_row(player: str) -> dict[str, Any]:
    """Every feature from phase 4, in range, fresh, with a full sample."""
    row: dict[str, Any] = {"player_lookup": player, "game_date": DAY}
    for f in CONTRACT.features:
        row |= {f.name: f.min + (f.max - f.min) * 0.45, f"{f.name}__source": "phase4"}
    row["player_daily_cache__last_updated"] = datetime(2026, 2, 6, 9, tzinfo=UTC)
    row["last_10__sample_size"] = 10
    return row


def scored(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return fsq.score(pl.DataFrame(rows))


def test_a_perfect_record() -> None:
    record = scored([good_row("a")]).row(0, named=True)
    assert record["feature_quality_score"] == 100.0
    assert record["quality_tier"] == "gold"
    assert record["quality_alert_level"] == "green"
    assert record["quality_alerts"] == []
    assert record["is_training_ready"] is True
    assert record["is_production_ready"] is True
    assert record["critical_feature_count"] == 6
    assert record["training_quality_feature_count"] == 33
    assert record["upstream_data_freshness_hours"] == 15.0  # 09:00 to midnight
    assert record["primary_data_source"] == "phase4"


def test_a_score_at_the_bound_of_gold_is_silver() -> None:
    row = good_row("a") | {f"{f.name}__source": "minutes_ppm" for f in CONTRACT.features}
    record = scored([row]).row(0, named=True)
    assert (record["feature_quality_score"], record["quality_tier"]) == (95.0, "silver")


def test_a_matchup_at_the_bound_of_red_is_not_red() -> None:
    matchup = [f.name for f in CONTRACT.features if f.category == "matchup"]
    record = scored([good_row("a") | dict.fromkeys(matchup[:3])]).row(0, named=True)
    assert record["matchup_quality_pct"] == 50.0
    assert record["quality_alert_level"] == "yellow"  # because of three defaults


def test_a_matchup_at_the_bound_of_yellow_is_green() -> None:
    row = good_row("a")
    for name in (f.name for f in CONTRACT.features if f.category == "matchup"):
        # 100 for the source, minus 20 for its age and 10 for a thin sample.
        row |= {f"{name}__last_updated": datetime(2026, 2, 3, tzinfo=UTC)}
        row |= {f"{name}__sample_size": 2}
    record = scored([row]).row(0, named=True)
    assert record["matchup_quality_pct"] == 70.0
    assert record["quality_alert_level"] == "green"


def test_february_sixth() -> None:
    """All 201 players get the default for every matchup feature."""
    rows = [good_row(f"player{i}") for i in range(201)]
    for row in rows:
        for name in MATCHUP:
            row |= {
                name: CONTRACT.features[CONTRACT.names.index(name)].expected,
                f"{name}__source": "default",
            }
    frame = scored(rows)
    assert frame.height == 201
    for record in frame.iter_rows(named=True):
        # (27 × 100 + 6 × 40) / 33: the mean hides that a whole category failed
        assert abs(record["feature_quality_score"] - 2940 / 33) < 1e-9
        assert record["quality_tier"] == "silver"
        assert record["matchup_quality_pct"] == 0.0
        assert record["matchup_default_count"] == 6
        assert record["quality_alert_level"] == "red"
        assert record["quality_alerts"] == [
            "all_matchup_features_defaulted",
            "critical_features_missing",
            "high_default_rate_20pct",  # 6 of the 29 required features
        ]
        assert record["is_production_ready"] is False
        assert record["is_training_ready"] is False
        assert record["has_composite_factors"] is False
        assert record["has_opponent_defense"] is False
        assert record["matchup_data_status"] == "MATCHUP_UNAVAILABLE"
        assert record["critical_feature_count"] == 0


def test_penalties() -> None:
    """A stale cache costs 10 points, a thin sample 10 more; beyond 48 hours it is 20."""
    row = good_row("a")
    midnight = datetime(2026, 2, 7, tzinfo=UTC)
    row["player_daily_cache__last_updated"] = midnight - timedelta(hours=31)
    row["last_10__sample_size"] = 3
    detail = {d["feature_name"]: d for d in scored([row])["feature_quality_detail"][0]}
    assert detail["points_avg_last_10"]["quality_score"] == 80.0  # 100 - 10 - 10
    assert abs(detail["points_avg_last_10"]["confidence_pct"] - 24.0) < 1e-9  # 100 × 0.8 × 0.3
    assert detail["points_avg_last_10"]["feature_quality_tier"] == "silver"
    assert detail["points_avg_last_10"]["triggered_alert"] == "thin_sample"
    assert detail["points_avg_last_5"]["quality_score"] == 90.0
    row["player_daily_cache__last_updated"] = midnight - timedelta(hours=49)
    detail = {d["feature_name"]: d for d in scored([row])["feature_quality_detail"][0]}
    assert detail["points_avg_last_10"]["quality_score"] == 70.0
    assert detail["points_avg_last_5"]["feature_quality_tier"] == "poor"
    assert detail["points_avg_last_5"]["triggered_alert"] == "stale_data_48h"


def test_missing_betting_lines_are_normal() -> None:
    row = good_row("bench")
    for name in CONTRACT.names[25:29]:
        row |= {name: None, f"{name}__source": "missing"}
    record = scored([row]).row(0, named=True)
    assert record["feature_quality_score"] == 100.0
    assert record["vegas_quality_pct"] == 0.0
    assert record["quality_alert_level"] == "green"
    assert record["optional_feature_count"] == 0
    assert record["default_feature_count"] == 4


def test_caps_of_the_example_contract() -> None:
    row = good_row("a") | {"pace_score__source": "default"}
    frame = fsq.score(pl.DataFrame([row]), contract="v2_33features_capped")
    assert frame["feature_quality_score"].item() == 69.0
    assert frame["quality_tier"].item() == "poor"
