"""What each kind of damage makes of the values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fsq.bench.damage import Scene
from tests.support.damage_scenes import plant_named, season


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("first table falls back, 10 %", 0.1),
        ("first table falls back, 63 %", 0.63),
        ("first table falls back, all", 1.0),
    ],
)
def test_a_labelled_fallback(name: str, share: float) -> None:
    scene = season()
    damaged = plant_named(name, scene)
    table = scene.table.contract.features[0].upstream_table
    assert set(damaged.features) == {
        f.name for f in scene.table.contract.features if f.upstream_table == table
    }
    hit = damaged.rows.filter(pl.Series(damaged.touched))
    assert hit.height == round(share * scene.day.height)
    assert (hit["points_avg_last_5"] == 10).all()
    assert (hit["points_avg_last_5__source"].cast(pl.String) == "default").all()
    assert hit[f"{table}__last_updated"].null_count() == hit.height


def test_a_silent_fallback_keeps_its_labels() -> None:
    scene = season()
    rows = plant_named("first table silent defaults, 30 %", scene).rows
    assert (rows["points_avg_last_5"] == 10).sum() >= round(0.3 * rows.height)
    labels = [c for c in rows.columns if c.endswith("__source")]
    assert rows.select(labels).equals(scene.day.select(labels))


def test_null_becomes_zero() -> None:
    scene = season()
    damaged = plant_named("NULL becomes zero", scene)
    for name in damaged.features:
        gaps = scene.day[name].is_null()
        assert gaps.any()
        assert (damaged.rows[name].filter(gaps) == 0).all()
        assert "default" not in damaged.rows[f"{name}__source"].filter(gaps).cast(pl.String)


def test_old_values_are_those_of_the_last_record() -> None:
    scene = season()
    rows = plant_named("first table of the last record, all", scene).rows
    old = scene.before.group_by("player_lookup").agg(
        pl.col("points_avg_season").sort_by("game_date").last().alias("old")
    )
    both = rows.join(old, on="player_lookup")
    assert both.height > 0.9 * rows.height
    assert both["points_avg_season"].equals(both["old"], null_equal=True)


def test_a_frozen_job_and_its_stamps() -> None:
    scene = season()
    silent = plant_named("first table frozen a week ago", scene).rows
    stamped = plant_named("first table frozen a week ago, its stamps too", scene).rows
    column = f"{scene.table.feature('points_avg_season').upstream_table}__last_updated"
    assert silent[column].equals(scene.day[column])
    behind = (scene.day[column] - stamped[column]).dt.total_days()
    assert behind.to_frame().select(pl.all().median()).item() >= 7
    assert silent["points_avg_season"].equals(stamped["points_avg_season"], null_equal=True)


def test_a_window_of_three() -> None:
    scene = season()
    damaged = plant_named("windows of three, 63 %", scene)
    assert set(damaged.features) == {"points_avg_last_5", "points_avg_last_10"}
    hit = damaged.rows.filter(pl.Series(damaged.touched)).head(1).row(0, named=True)
    past = scene.before.filter(
        (pl.col("player_lookup") == hit["player_lookup"]) & pl.col("actual_points").is_not_null()
    )
    three = past.sort("game_date")["actual_points"].tail(3).mean()
    assert hit["points_avg_last_10"] == pytest.approx(three)


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("one feature times 100, all", lambda v: v * 100),
        ("sign flipped, 30 %", lambda v: -v),
        ("one feature by 60, all", lambda v: v / 60),
    ],
)
def test_another_unit(name: str, new: Callable[[pl.Series], pl.Series]) -> None:
    scene = season()
    damaged = plant_named(name, scene)
    (feature,) = damaged.features
    hit = pl.Series(damaged.touched)
    expected = new(scene.day[feature]).filter(hit)
    np.testing.assert_allclose(damaged.rows[feature].filter(hit), expected)


def test_neighbours_swap() -> None:
    scene = season()
    damaged = plant_named("neighbours of the first table swapped, all", scene)
    first, second = damaged.features
    assert damaged.rows[first].equals(scene.day[second].alias(first), null_equal=True)
    assert damaged.rows[second].equals(scene.day[first].alias(second), null_equal=True)


def test_clamped_rounded_and_thrown_out() -> None:
    scene = season()
    clamped = plant_named("two features clamped at 75 %, all", scene)
    for name in clamped.features:
        assert clamped.rows[name].max() == pytest.approx(scene.before[name].quantile(0.75))
    outliers = plant_named("first table outliers, 3 %", scene)
    assert outliers.touched.sum() == round(0.03 * scene.day.height)
    for name in outliers.features:
        feature = scene.table.feature(name)
        assert outliers.rows[name].drop_nulls().is_between(feature.min, feature.max).all()


def test_a_wrong_join_keeps_each_feature_as_it_is_distributed() -> None:
    scene = season()
    for name in ("first table of another entity, all", "two features shuffled, all"):
        damaged = plant_named(name, scene)
        for feature in damaged.features:
            assert damaged.rows[feature].sort().equals(scene.day[feature].sort(), null_equal=True)


def test_shared_features_of_the_rival() -> None:
    scene = season()
    damaged = plant_named("shared features of the rival, 63 %", scene)
    hit = pl.Series(damaged.touched)
    assert (
        damaged.rows["team_pace"]
        .filter(hit)
        .equals(scene.day["opponent_pace"].alias("team_pace").filter(hit), null_equal=True)
    )


def test_a_leak_holds_the_label_and_the_own_event() -> None:
    scene = season()
    damaged = plant_named("own event in the window, all", scene)
    label, old = scene.day["actual_points"], scene.day["points_avg_last_10"]
    hit = label.is_not_null() & old.is_not_null()
    expected = (old + (label - old) / 10).filter(hit)
    np.testing.assert_allclose(damaged.rows["points_avg_last_10"].filter(hit), expected)
    gaps = ~hit
    assert damaged.rows["points_avg_last_10"].filter(gaps).equals(old.filter(gaps), null_equal=True)
    ids = [c for c in scene.day.columns if c.endswith("__game_ids")]
    for column in ids:
        own = damaged.rows.filter(hit).select(pl.col(column).list.contains(pl.col("game_id")))
        assert own.to_series().all()


def test_a_drift_grows_while_it_lasts() -> None:
    first, scene = season(), season()
    later = Scene(scene.table, scene.day, scene.before, scene.seed, step=9)
    name = "ten dates: a slow drift"
    (feature,) = plant_named(name, first).features
    by = [plant_named(name, s).rows[feature] - s.day[feature] for s in (first, later)]
    np.testing.assert_allclose(by[1].drop_nulls(), 10 * by[0].drop_nulls())


def test_a_lasting_fault_stays_with_its_subgroup() -> None:
    name, scene = "ten dates: first table falls back, one subgroup", season()
    later = Scene(scene.table, scene.day, scene.before, scene.seed, step=4)
    (one,) = set(scene.day.filter(pl.Series(plant_named(name, scene).touched))["team_abbr"])
    assert set(later.day.filter(pl.Series(plant_named(name, later).touched))["team_abbr"]) == {one}
