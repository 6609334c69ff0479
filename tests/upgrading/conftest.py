"""What version 0.1 left, copied so that a test may change it, and rows of the season after it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fsq.demo import simulate_season

MADE = Path(__file__).parent / "made_by_0_1"
LAST = date(2025, 12, 23)


@pytest.fixture
def old_store(tmp_path: Path) -> str:
    return str(shutil.copytree(MADE / "store", tmp_path / "store"))


@pytest.fixture(scope="session")
def old_rows() -> pl.DataFrame:
    """The rows that the store was filled from."""
    return pl.read_parquet(MADE / "rows.parquet")


@pytest.fixture(scope="session")
def later_rows() -> pl.DataFrame:
    """The dates after those, until the end of January, with as many records per game."""
    following = pl.col("game_date").is_between(LAST, date(2026, 1, 31), closed="right")
    place = pl.int_range(pl.len()).over("game_date", "team_abbr")
    return simulate_season(seed=7).rows.filter(following, pl.col("played")).filter(place < 6)
