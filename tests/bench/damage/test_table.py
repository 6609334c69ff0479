"""What the rows of a table tell of it: its groups, its windows, its flags."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
from fsq.bench.damage import describe_table
from tests.support.any_table import CONTRACT
from tests.support.damage_scenes import legs, season


def test_the_table_is_described_from_its_rows() -> None:
    table = season().table
    assert (table.subgroup, table.group, table.rival) == (
        "team_abbr",
        "game_id",
        "opponent_team_abbr",
    )
    assert {"opponent_pace", "team_pace", "back_to_back"} <= set(table.shared)
    assert table.windows == {"points_avg_last_5": 5, "points_avg_last_10": 10}
    assert "home_away" in table.flags
    assert "playoff_game" not in table.live  # it never differs
    assert next(iter(table.tables)) == "player_daily_cache"
    unlabelled = describe_table(legs().before, CONTRACT)
    assert (unlabelled.label, unlabelled.windows) == (None, {})


def test_a_column_that_is_absent() -> None:
    with pytest.raises(fsq.InputError, match="no columns \\['points'\\]"):
        describe_table(legs().before, CONTRACT, label="points")


def test_a_table_without_values() -> None:
    rows = legs().before.with_columns(pl.lit(1.0).alias(n) for n in CONTRACT.names)
    with pytest.raises(fsq.InputError, match="no feature has values that differ"):
        describe_table(rows, CONTRACT)
