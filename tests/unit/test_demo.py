from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.demo import Season, simulate_season, write_demo

CONTRACT = fsq.load_contract("v2_33features")


@pytest.fixture(scope="module")
def season() -> Season:
    return simulate_season(seed=3)


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return simulate_season(seed=3, incidents=False).rows


def planted(season: Season, kind: str) -> tuple[dict[str, Any], pl.DataFrame]:
    found = next(p for p in season.planted if p["kind"] == kind)
    days = [date.fromisoformat(d) for d in found["dates"]]
    return found, season.rows.filter(pl.col("game_date").is_in(days))


def test_a_seed_decides_everything(season: Season) -> None:
    assert_frame_equal(simulate_season(seed=3).rows, season.rows)
    assert not simulate_season(seed=4).rows.equals(season.rows)


def test_every_team_plays_82_games(clean: pl.DataFrame) -> None:
    assert clean["game_id"].n_unique() == 1230
    counts = [pl.col("game_id").n_unique(), pl.col("game_date").n_unique()]
    per_team = clean.group_by("team_abbr").agg(counts)
    assert per_team["game_id"].to_list() == [82] * 30
    assert per_team["game_date"].to_list() == [82] * 30
    assert clean.select("player_lookup", "game_date").is_unique().all()


def test_values_lie_in_their_ranges(clean: pl.DataFrame) -> None:
    for f in CONTRACT.features:
        assert clean[f.name].is_between(f.min - 1e-9, f.max + 1e-9).all(), f.name


def test_features_know_only_earlier_games(clean: pl.DataFrame) -> None:
    """Recompute one window for a few players from the labels alone."""
    for player in clean["player_lookup"].unique().sort().head(5):
        rows = clean.filter(pl.col("player_lookup") == player).sort("game_date")
        points: list[float] = []
        for row in rows.iter_rows(named=True):
            last = points[-5:]
            want = sum(last) / len(last) if last else None
            assert row["points_avg_last_5"] == (pytest.approx(want) if last else None)
            assert row["last_5__sample_size"] == len(last)
            assert row["game_id"] not in row["last_5__game_ids"]
            if row["played"]:
                points.append(row["actual_points"])


def test_todays_box_score_changes_no_feature_of_today(clean: pl.DataFrame) -> None:
    label = clean.filter("played").select(
        pl.corr("actual_points", n).alias(n) for n in CONTRACT.names if clean[n].std()
    )
    strongest = max(abs(v) for v in label.row(0) if v is not None and v == v)
    assert strongest < 0.95


def test_incidents_are_where_the_notes_say(season: Season) -> None:
    note, rows = planted(season, "processor_did_not_run")
    assert note["processor"] == "PlayerCompositeFactorsProcessor"
    assert (rows["fatigue_score__source"] == "default").all()
    assert not rows["processors_completed"].list.contains(note["processor"]).any()
    _, rows = planted(season, "stuck_constant")
    assert rows["team_win_pct"].unique().to_list() == [0.5]
    _, rows = planted(season, "silent_default")
    assert (rows["fatigue_score"] == 50).all()
    assert (rows["fatigue_score__source"] == "phase4").all()
    _, rows = planted(season, "stale_data")
    age = (
        rows["game_date"].cast(pl.Datetime("us", "UTC")) - rows["player_daily_cache__last_updated"]
    )
    assert (age.dt.total_hours() > 48).all()
    _, rows = planted(season, "range_violation")
    assert 0.2 < (rows["opponent_def_rating"] == 200).mean() < 0.45  # type: ignore[operator]
    note, rows = planted(season, "missing_rows")
    assert rows.height == note["rows_affected"]


def test_files_are_what_was_simulated(season: Season, tmp_path: Path) -> None:
    receipt = write_demo(tmp_path / "demo", seed=3)
    notes = json.loads(receipt.incidents_path.read_text())
    assert notes["incidents"] == season.planted
    assert notes["rows"] == receipt.rows == season.rows.height
    assert fsq.score(pl.scan_parquet(receipt.rows_path)).select(pl.len()).collect().item() > 30_000


def test_a_misspelt_season() -> None:
    with pytest.raises(fsq.InputError, match="2025-26"):
        simulate_season("2025-27")
