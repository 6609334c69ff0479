"""The values that categorical columns of the output take; each set is stated once, in order."""

from __future__ import annotations

from typing import Literal, get_args

CategoryName = Literal["matchup", "player_history", "team_context", "vegas", "game_context"]
SourceType = Literal["phase4", "phase3", "calculated", "default"]
# Of a record, from best to worst; a feature has every tier but the last.
Tier = Literal["gold", "silver", "bronze", "poor", "critical"]

CATEGORIES: tuple[str, ...] = get_args(CategoryName)
SOURCE_TYPES: tuple[str, ...] = get_args(SourceType)
TIERS: tuple[str, ...] = get_args(Tier)
FEATURE_TIERS = TIERS[:-1]
