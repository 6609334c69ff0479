"""What the benchmarks compare with gives fsq's own answer, or the comparison means nothing."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime

import polars as pl
import pytest

import fsq
from fsq.bench.check import validate_consistency, validate_same_answer
from fsq.demo import simulate_season
from fsq.errors import FsqError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
CONTRACT = fsq.load_contract()


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """A little of every part of a season, with values that no rule expects."""
    season = simulate_season("2025-26", seed=11).rows.gather_every(900)
    odd = pl.int_range(pl.len()) % 7
    return season.with_columns(
        pl.when(odd == 0).then(999.0).otherwise("fatigue_score").alias("fatigue_score"),
        pl.when(odd == 1).then(float("nan")).otherwise("pace_score").alias("pace_score"),
        pl.when(odd == 2).then(50.0).otherwise("team_pace").alias("team_pace"),
        pl.when(odd == 3).then(None).otherwise("computed_at").alias("computed_at"),
        pl.when(odd == 4).then(None).otherwise("pipeline_run_id").alias("pipeline_run_id"),
    )


# What pandas 2 does within pd.Timedelta(hours=1) is deprecated as of NumPy 2.5.
@pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")
@pytest.mark.parametrize("name", ["oracle", "pandas", "duckdb", "polars_naive"])
def test_a_rival_gives_the_same_answer(name: str, rows: pl.DataFrame) -> None:
    rival = importlib.import_module(f"benchmarks.against_{name}")
    expected = fsq.score(rows, now=NOW).select(CONTRACT.output.names)
    validate_same_answer(
        rival.to_polars(rival.score(rival.prepare(rows), CONTRACT, NOW), CONTRACT), expected, name
    )


def test_another_answer_is_found_out(rows: pl.DataFrame) -> None:
    expected = fsq.score(rows, now=NOW).select(CONTRACT.output.names)
    detail = pl.col("feature_quality_detail").list.reverse()
    for wrong in (
        expected.with_columns(pl.col("vegas_quality_pct") + 1e-6),
        expected.with_columns(detail),
    ):
        with pytest.raises(FsqError, match="a different answer"):
            validate_same_answer(wrong, expected, "rival")
        with pytest.raises(FsqError, match="disagree"):
            validate_consistency(wrong, CONTRACT)
    validate_consistency(expected, CONTRACT)
