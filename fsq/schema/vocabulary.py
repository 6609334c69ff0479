"""The words of the output that no contract changes, each set stated once, in its order."""

from __future__ import annotations

from typing import Literal, get_args

# Of a record, best first; a feature's tier is one of all but the last.
Tier = Literal["gold", "silver", "bronze", "poor", "critical"]
FeatureTier = Literal["gold", "silver", "bronze", "poor"]

TIERS: tuple[str, ...] = get_args(Tier)
FEATURE_TIERS: tuple[str, ...] = get_args(FeatureTier)
# The source type of a value that is a default; a contract names the others.
DEFAULT = "default"
