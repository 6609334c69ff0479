"""A function that runs commands, and the files and stores that they read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.demo import simulate_season
from tests.support.frames import wide


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    wide().write_parquet(path)
    return path


@pytest.fixture(scope="session")
def season_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A simulated season, incidents included."""
    folder = str(tmp_path_factory.mktemp("season") / "store")
    fsq.open_store(folder).replace(fsq.score(simulate_season(seed=7).rows))
    return folder


@pytest.fixture(scope="session")
def labelled_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four dates of 60 rows, with points to predict."""
    path = str(tmp_path_factory.mktemp("labelled") / "store")
    rows = wide(240, 4, seed=2).with_columns(points=pl.int_range(pl.len()).cast(pl.Float64) % 31)
    fsq.open_store(path).replace(fsq.score(rows))
    return path


@pytest.fixture(scope="module")
def short_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve dates of ten rows."""
    path = str(tmp_path_factory.mktemp("short") / "store")
    fsq.open_store(path).replace(fsq.score(wide(120, 12)))
    return path
