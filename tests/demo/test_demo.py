from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
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
    found = next(p for p in season.incidents if p["kind"] == kind)
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


def test_incidents_say_the_same_things(season: Season) -> None:
    keys = {"kind", "dates", "features", "upstream_table", "processor", "rows_affected"}
    assert all(p.keys() == keys | {"description"} for p in season.incidents)
    assert [p["kind"] for p in season.incidents] == [
        "processor_did_not_run",
        "stuck_constant",
        "silent_default",
        "stale_data",
        "range_violation",
        "missing_rows",
    ]


def test_incidents_lie_on_full_dates_apart(season: Season, clean: pl.DataFrame) -> None:
    sizes = dict(clean.group_by("game_date").len().iter_rows())
    spans = sorted([date.fromisoformat(d) for d in p["dates"]] for p in season.incidents)
    assert all(sizes[d] >= 100 for span in spans for d in span)
    assert all((after[0] - before[-1]).days > 8 for before, after in pairwise(spans))


def test_rows_affected_are_counted(season: Season, clean: pl.DataFrame) -> None:
    """Against the same season without incidents; labels and keys are never touched."""
    counts = {p["kind"]: p["rows_affected"] for p in season.incidents}
    keys = ["player_lookup", "game_date"]
    both = clean.join(season.rows, on=keys, suffix="_planted")
    assert clean.height - both.height == counts["missing_rows"]
    assert both["actual_points"].equals(both["actual_points_planted"], null_equal=True)
    ranges = (both["opponent_def_rating_planted"] == 200).sum()
    assert ranges == counts["range_violation"]
    assert ((both["points_std_last_10_planted"] < 0).sum()) == ranges
    note, rows = planted(season, "processor_did_not_run")
    assert rows.height == note["rows_affected"]
    assert rows["player_composite_factors__last_updated"].null_count() == rows.height
    expected = {f.name: f.expected for f in CONTRACT.features}
    assert all((rows[name] == expected[name]).all() for name in note["features"])
    changed = [
        name
        for name in CONTRACT.names
        if not both[name].equals(both[f"{name}_planted"], null_equal=True)
    ]
    assert set(changed) == {f for p in season.incidents for f in p["features"]} - {
        "points_avg_last_5",
        "points_avg_last_10",
        "points_avg_season",
        "games_in_last_7_days",
        "minutes_avg_last_10",
        "ppm_avg_last_10",
    }


def test_clean_dates_are_not_stuck(clean: pl.DataFrame) -> None:
    """From the third week on, every feature varies more than the contract's floor."""
    settled = clean.filter(
        pl.col("game_date") >= pl.col("game_date").min() + pl.duration(days=21)
    ).filter(pl.len().over("game_date") >= 50)
    for f in CONTRACT.features:
        values = settled.group_by("game_date").agg(
            pl.col(f.name).std().alias("std"), pl.col(f.name).drop_nulls().n_unique().alias("n")
        )
        if f.min_std is not None:
            assert (values["std"] > f.min_std).all(), f.name
        if f.min_distinct is not None:
            assert (values["n"] >= f.min_distinct).all(), f.name


def test_first_games_have_no_history(clean: pl.DataFrame) -> None:
    first = clean.sort("game_date").group_by("player_lookup").first()
    history = [f.name for f in CONTRACT.features if f.window] + ["fatigue_score"]
    assert first.select(pl.col(history).null_count()).row(0) == (first.height,) * len(history)
    words = first.select(f"{name}__source" for name in history)
    assert words.select(pl.all().is_in(["default", "missing"]).all()).row(0) == (True,) * len(
        history
    )


def test_a_season_looks_like_one(clean: pl.DataFrame) -> None:
    games = clean.unique(["game_id", "team_abbr"])
    hosted = games.group_by("team_abbr").agg(pl.col("home_away").sum())["home_away"]
    assert hosted.is_between(38, 44).all()
    assert games["back_to_back"].mean() == pytest.approx(0.16, abs=0.05)
    assert not clean["game_date"].is_between(date(2026, 2, 13), date(2026, 2, 18)).any()
    assert clean["game_id"].str.contains("^00225[0-9]{5}$").all()
    assert 0.4 < clean["vegas_points_line"].is_not_null().mean() < 0.6  # type: ignore[operator]
    played = clean.filter("played")
    assert clean.filter(~pl.col("played"))["actual_points"].is_null().all()
    form = played.select(pl.corr("actual_points", "points_avg_last_10")).item()
    assert 0.6 < form < 0.85


def test_roster_size_decides_the_rows() -> None:
    small = simulate_season(players_per_team=12, incidents=False).rows
    assert small.height == 1230 * 2 * 12
    with pytest.raises(fsq.InputError, match="10 to 20"):
        simulate_season(players_per_team=21)


def test_nothing_but_two_files(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == ["demo/incidents.json", "demo/season_2025-26.parquet"]


def test_files_are_what_was_simulated(season: Season, tmp_path: Path) -> None:
    receipt = write_demo(tmp_path / "demo", seed=3)
    notes = json.loads(receipt.incidents_path.read_text())
    assert notes["incidents"] == season.incidents
    assert notes["rows"] == receipt.rows == season.rows.height
    assert fsq.score(pl.scan_parquet(receipt.rows_path)).select(pl.len()).collect().item() > 30_000


def test_a_misspelt_season() -> None:
    with pytest.raises(fsq.InputError, match="2025-26"):
        simulate_season("2025-27")
