"""Stamps that move, vanish, or are added to rows that have none."""

from __future__ import annotations

import polars as pl

from fsq.bench.damage import add_stamps
from tests.support.damage_scenes import SEASON, plant_named, season


def test_stamps_move_and_vanish() -> None:
    scene = season()
    column = f"{scene.table.contract.features[0].upstream_table}__last_updated"
    moved = {
        "stamps three days older, all": -72,
        "stamps five hours off, all": -5,
        "stamps in the future, all": 48,
    }
    for name, hours in moved.items():
        rows = plant_named(name, scene).rows
        assert set((rows[column] - scene.day[column]).dt.total_hours()) == {hours}
    assert plant_named("stamps vanish, all", scene).rows[column].null_count() == scene.day.height
    early = plant_named("rows computed before upstream, all", scene).rows
    assert (early["computed_at"] < early[column]).all()
    labels = plant_named("source labels absent, all", scene)
    assert labels.rows["points_avg_last_5__source"].null_count() == scene.day.height


def test_stamps_are_added_only_where_there_are_none() -> None:
    rows = season().day
    assert add_stamps(rows, SEASON).equals(rows, null_equal=True)
    column = f"{SEASON.features[0].upstream_table}__last_updated"
    without = rows.drop(column, "computed_at")
    added = add_stamps(without, SEASON)
    assert added[column].null_count() == 0
    assert (added[column] < added["computed_at"]).all()
    empty = rows.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias(column))
    assert add_stamps(empty, SEASON)[column].null_count() == 0
