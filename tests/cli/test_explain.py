"""``fsq explain`` as people see it, on a stored season."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.diagnosis.explain import explain
from tests.support.cli import Command
from tests.support.wrong_join import DAY, score_wrong_join

CONTRACT = fsq.load_contract()


def test_explain_shows_the_sum(run: Command, season_store: str) -> None:
    rows = fsq.open_store(season_store).read(columns=["player_lookup", "game_date"]).collect()
    day = "2026-01-05"
    player = str(rows.filter(pl.col("game_date").cast(pl.String) == day)[0, 0])
    result = run("explain", player, day, "--store", season_store)
    assert result.status == 0
    assert result.out.startswith(f"{player}  {day}  ")
    assert "score 100 phase4 − 20 very stale 75 h = 80" in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())
    assert all(f.name in result.out for f in CONTRACT.features)
    document = run("explain", player, day, "--store", season_store, "--json").document
    assert [f["feature_name"] for f in document["features"]] == list(CONTRACT.names)
    assert document["features"][0]["age_hours"] == pytest.approx(75)


def test_a_misspelt_player_gets_the_nearest(run: Command, season_store: str) -> None:
    rows = fsq.open_store(season_store).read(columns=["player_lookup", "game_date"]).collect()
    player = str(rows.filter(pl.col("game_date").cast(pl.String) == "2026-01-05")[0, 0])
    result = run("explain", player[:-1] + "x", "2026-01-05", "--store", season_store)
    assert result.status == 2
    assert player in result.err
    assert run("explain", player.upper(), "2026-01-05", "--store", season_store).status == 0
    assert (
        "no rows for this date" in run("explain", player, "2026-07-05", "--store", season_store).err
    )
    assert run("explain", player, "January", "--store", season_store).status == 2


def test_explain_says_which_findings_name_the_record(run: Command, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    fsq.open_store(store).replace(score_wrong_join())
    checked = run("check", "--store", store, "--date", DAY, "--json").document["findings"]
    finding = next(f for f in checked if f["evidence"].get("rows_shown"))
    row = finding["evidence"]["rows_shown"][0]
    result = run("explain", row["key"], DAY, "--store", store)
    assert f"  RED  {finding['title'][:40]}" in result.out
    assert f"should be near {row['expected']:.4g}, by {row['told_by']}" in result.out
    document = run("explain", row["key"], DAY, "--store", store, "--json").document
    assert finding["id"] in [f["id"] for f in document["findings"]]
    assert any(s["feature"] == row["feature"] for s in document["findings"][0]["should_be"])


def test_every_sum_ends_in_the_score() -> None:
    """For every word, NULLs, thin samples and ages; the score is the last number of the sum."""
    from tests.support.frames import wide

    rows = wide(12, 2).with_columns(
        last_5__sample_size=pl.int_range(pl.len()) % 7,
        player_daily_cache__last_updated=pl.col("game_date").cast(pl.Datetime("us", "UTC"))
        - pl.duration(hours=pl.int_range(pl.len()) * 6),
    )
    scored = fsq.score(rows)
    for key in scored.select("player_lookup", "game_date").rows():
        for f in explain(scored, *key).features:
            total = float(f["arithmetic"].split(" = ")[1].split(" → ")[-1].split(" ")[0])
            assert total == pytest.approx(f["quality_score"]), f
            assert f["arithmetic"].startswith(("100 ", "95 ", "90 ", "87 ", "40 ", "0 ")), f[
                "arithmetic"
            ]
