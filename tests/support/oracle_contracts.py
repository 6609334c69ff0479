"""The contracts as the definition of quality lists them, typed in by hand for the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.oracle_model import (
    OracleAlerts,
    OracleContract,
    OracleFeature,
    OracleGate,
    OracleLegacy,
)

HISTORY, DAILY = "player_history_missing", "player_daily_cache"
COMPOSITE, ZONES = "player_composite_factors", "player_shot_zone_analysis"
DEFENSE, CONTEXT = "team_defense_zone_analysis", "upcoming_player_game_context"
OFFENSE, SUMMARY = "team_offense_game_summary", "player_game_summary"
GAME, ODDS, CALC = "game_context", "odds_api", "calculated"

# name, category, table, window, min, max, violation, expected, suspicious, reason
_V2 = [
    ("points_avg_last_5", "player_history", DAILY, "last_5", 0, 70, "warn", 10, 0, HISTORY),
    ("points_avg_last_10", "player_history", DAILY, "last_10", 0, 70, "warn", 10, 0, HISTORY),
    ("points_avg_season", "player_history", DAILY, "season", 0, 70, "warn", 10, 0, HISTORY),
    ("points_std_last_10", "player_history", DAILY, "last_10", 0, 30, "warn", 5, 1, HISTORY),
    ("games_in_last_7_days", "player_history", DAILY, None, 0, 5, "clamp", 3, 0, HISTORY),
    ("fatigue_score", "matchup", COMPOSITE, None, 0, 100, "clamp", 50, 1, "composite_factors_missing"),
    ("shot_zone_mismatch_score", "matchup", COMPOSITE, None, -15, 15, "warn", 0, 0, "composite_factors_missing"),
    ("pace_score", "matchup", COMPOSITE, None, -8, 8, "warn", 0, 0, "composite_factors_missing"),
    ("usage_spike_score", "matchup", COMPOSITE, None, -8, 8, "warn", 0, 0, "composite_factors_missing"),
    ("rest_advantage", GAME, CALC, None, -3, 3, "warn", 0, 0, "calculation_failed"),
    ("injury_risk", GAME, CALC, None, 0, 3, "warn", 0, 0, "calculation_failed"),
    ("recent_trend", GAME, CALC, None, -2, 2, "warn", 0, 0, "calculation_failed"),
    ("minutes_change", GAME, CALC, None, -2, 2, "warn", 0, 0, "calculation_failed"),
    ("opponent_def_rating", "matchup", DEFENSE, None, 90, 130, "warn", 112, 1, "opponent_defense_missing"),
    ("opponent_pace", "matchup", DEFENSE, None, 90, 115, "warn", 100, 1, "opponent_defense_missing"),
    ("home_away", GAME, CONTEXT, None, 0, 1, "clamp", 0, 0, "game_context_missing"),
    ("back_to_back", GAME, CONTEXT, None, 0, 1, "clamp", 0, 0, "game_context_missing"),
    ("playoff_game", GAME, CONTEXT, None, 0, 1, "clamp", 0, 0, "game_context_missing"),
    ("pct_paint", GAME, ZONES, None, 0, 1, "clamp", 0.30, 1, "shot_zone_data_missing"),
    ("pct_mid_range", GAME, ZONES, None, 0, 1, "clamp", 0.20, 1, "shot_zone_data_missing"),
    ("pct_three", GAME, ZONES, None, 0, 1, "clamp", 0.35, 1, "shot_zone_data_missing"),
    ("pct_free_throw", GAME, CALC, None, 0, 0.5, "clamp", 0.15, 1, "calculation_failed"),
    ("team_pace", "team_context", OFFENSE, None, 90, 115, "warn", 100, 1, "team_context_missing"),
    ("team_off_rating", "team_context", OFFENSE, None, 90, 130, "warn", 112, 1, "team_context_missing"),
    ("team_win_pct", "team_context", CALC, None, 0, 1, "clamp", 0.5, 0, "calculation_failed"),
    ("vegas_points_line", "vegas", ODDS, None, 0, 80, "warn", None, 0, "vegas_line_unavailable"),
    ("vegas_opening_line", "vegas", ODDS, None, 0, 80, "warn", None, 0, "vegas_line_unavailable"),
    ("vegas_line_move", "vegas", ODDS, None, -15, 15, "warn", 0, 0, "vegas_line_unavailable"),
    ("has_vegas_line", "vegas", ODDS, None, 0, 1, "clamp", 0, 0, "vegas_line_unavailable"),
    ("avg_points_vs_opponent", "player_history", SUMMARY, "vs_opponent", 0, 70, "warn", 10, 0, "no_opponent_history"),
    ("games_vs_opponent", "player_history", SUMMARY, None, 0, 100, "clamp", 0, 0, "no_opponent_history"),
    ("minutes_avg_last_10", "player_history", DAILY, "last_10", 0, 48, "clamp", 28, 1, "minutes_ppm_unavailable"),
    ("ppm_avg_last_10", "player_history", DAILY, "last_10", 0, 1.5, "warn", 0.4, 1, "minutes_ppm_unavailable"),
]  # fmt: skip
_V3 = [
    ("star_teammate_out", GAME, CONTEXT, None, 0, 5, "clamp", 0, 0, "star_teammates_unavailable"),
    ("fg_pct_last_game", "player_history", SUMMARY, None, 0, 1, "clamp", 0.45, 1, "no_last_game"),
    ("pts_vs_season_zscore", "player_history", CALC, None, -4, 4, "warn", 0, 0, "calculation_failed"),
    ("minutes_increase_pct", "player_history", DAILY, None, -1, 5, "warn", 0, 0, "minutes_ppm_unavailable"),
]  # fmt: skip
V2_14 = ["points_std_last_10", "opponent_def_rating", "home_away", "back_to_back",
         "points_avg_last_5", "points_avg_season", "minutes_avg_last_10"]  # fmt: skip
V3_13 = [*V2_14, "pts_vs_season_zscore", "minutes_increase_pct", "star_teammate_out",
         "fg_pct_last_game"]  # fmt: skip

# raw word: canonical type, base, reliability
SOURCES = {
    "phase4": ("phase4", 100.0, 1.0),
    "vegas": ("phase4", 100.0, 1.0),
    "minutes_ppm": ("phase4", 95.0, 1.0),
    "opponent_history": ("phase4", 90.0, 0.95),
    "phase3": ("phase3", 87.0, 0.95),
    "calculated": ("calculated", 100.0, 0.9),
    "default": ("default", 40.0, 0.0),
    "fallback": ("default", 40.0, 0.0),
    "missing": ("default", 0.0, 0.0),
}
# whether each is expected on every date
PROCESSORS = {
    "PlayerDailyCacheProcessor": True,
    "PlayerCompositeFactorsProcessor": True,
    "TeamDefenseZoneAnalysisProcessor": True,
    "PlayerShotZoneAnalysisProcessor": True,
    "MLFeatureStoreProcessor": True,
    "UpcomingPlayerGameContextProcessor": False,
    "TeamOffenseGameSummaryProcessor": False,
    "PlayerGameSummaryProcessor": False,
}
# Missing lines are normal; the matchup features are critical.
OPTIONAL, CRITICAL = range(25, 29), (5, 6, 7, 8, 13, 14)


def _features(lines: list[tuple[Any, ...]], first: int, version: str) -> list[OracleFeature]:
    return [
        OracleFeature(*[i, *line, version, i in OPTIONAL, i in CRITICAL])
        for i, line in enumerate(lines, first)
    ]


V2 = OracleContract(
    name="v2_33features",
    features=_features(_V2, 0, "v2"),
    sources=SOURCES,
    source_types={"phase4": "gold", "phase3": "silver", "calculated": "bronze"},
    categories={
        "matchup": False,
        "player_history": False,
        "team_context": False,
        "vegas": True,
        "game_context": False,
    },
    keys=["player_lookup"],
    date="game_date",
    group="game_id",
    sizes={"last_5": 5, "last_10": 10, "season": None, "vs_opponent": None},
    processors=PROCESSORS,
    alerts=OracleAlerts(gate_category="matchup"),
    training_ready=OracleGate(
        ["gold", "silver"],
        category_min={"matchup": 70, "player_history": 80},
        no_critical_default=True,
    ),
    production_ready=OracleGate(
        ["gold", "silver", "bronze"], min_score=85, category_min={"matchup": 50}
    ),
    legacy=OracleLegacy(
        "phase4", "phase3", "matchup_data_status", "matchup", "MATCHUP_UNAVAILABLE"
    ),
    flags={
        "has_composite_factors": [line[0] for line in _V2[5:9]],
        "has_opponent_defense": ["opponent_def_rating", "opponent_pace"],
        "has_vegas_line": ["vegas_points_line"],
    },
    model_column="breakout_model_compatible",
    model_flags={"breakout_v3_features_available": ["star_teammate_out", "fg_pct_last_game"]},
    models={"v2_14features": V2_14},
)
V3 = replace(
    V2,
    name="v3_37features",
    features=[*V2.features, *_features(_V3, 33, "v3")],
    models={"v2_14features": V2_14, "v3_13features": V3_13},
)
CAPPED = replace(V2, name="v2_33features_capped", caps=[(1, 69.0), (5, 49.0)])
