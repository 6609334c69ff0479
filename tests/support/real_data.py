"""Real seasons and flights as feature rows, where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SEASONS = sorted(DATA.glob("nba_features_*.parquet"))

needs_seasons = pytest.mark.skipif(not SEASONS, reason="the real seasons are not here")
