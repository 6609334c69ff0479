"""Every template of damage changes what it says, and nothing else, in two unlike tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.bench.damage import (
    FAMILIES,
    TEMPLATES,
    Damaged,
    Scene,
    Template,
    add_stamps,
    describe_table,
    plant,
    select_templates,
)
from fsq.demo import simulate_season
from fsq.schema.provenance import PROVENANCE
from tests.support.any_table import CONTRACT, make_rows

SEASON = fsq.load_contract("v2_33features")
FEATURE_FAULTS = [t for t in TEMPLATES if t.targets is not None]
ROW_FAULTS = [t for t in TEMPLATES if t.family == "rows"]
CONTROLS = [t for t in TEMPLATES if t.family == "controls"]
# What a table of one own event a row, without labels that windows average, cannot suffer.
NOT_IN_LEGS = {
    "third table falls back, 30 %",
    "third table falls back, one subgroup",
    "NULL becomes zero",
    "shared features a week old",
    "windows of three, 63 %",
    "neighbours of the second table swapped, all",
    "sign flipped where it is symmetric, all",
    "shared features clamped at 75 %, all",
    "shared features of another subgroup, 30 %",
    "shared features of the rival, 63 %",
    "a flag inverted, all",
    "own event in the window, all",
    "own event in the window, 30 %",
    "control: entities change their subgroup",
    "control: a small date",
}


@lru_cache(maxsize=1)
def season() -> Scene:
    """A date of a simulated season, and all before it."""
    rows = simulate_season(players_per_team=10, incidents=False).rows
    return _make_scene(add_stamps(rows, SEASON), SEASON, "actual_points", 60)


@lru_cache(maxsize=1)
def legs() -> Scene:
    """A date of a table with three keys, one of them an integer, and a time."""
    rows = make_rows(dates=45, entities=100, incidents=False)
    return _make_scene(add_stamps(rows, CONTRACT), CONTRACT, "outcome", 40)


def _make_scene(
    rows: pl.DataFrame, contract: fsq.Contract, label: str, at: int, step: int = 0
) -> Scene:
    dates = rows[contract.table.date].unique().sort()
    day = pl.col(contract.table.date)
    before = rows.filter(day < dates[at])
    table = describe_table(before, contract, label)
    return Scene(table, rows.filter(day == dates[at]), before, seed=1, step=step)


SCENES = (season, legs)


def pair(templates: Iterable[Template]) -> list[Any]:
    """Templates with the tables that can suffer them."""
    return [
        pytest.param(t, make, id=f"{make.__name__}: {t.name}")
        for t in templates
        for make in SCENES
        if make is season or t.name not in NOT_IN_LEGS
    ]


def plant_named(name: str, scene: Scene) -> Damaged:
    (template,) = [t for t in TEMPLATES if t.name == name]
    damaged = plant(template, scene)
    assert damaged is not None
    return damaged


def list_owned(scene: Scene, features: tuple[str, ...]) -> set[str]:
    """Columns that hold features, or say something of them."""
    owned = {"computed_at"}
    for name in features:
        feature = scene.table.feature(name)
        owned |= {name, f"{name}__source"}
        owned |= {c for p in PROVENANCE.values() for c in p.columns(feature)}
    return owned


def list_changed(scene: Scene, rows: pl.DataFrame) -> set[str]:
    return {c for c in rows.columns if not rows[c].equals(scene.day[c], null_equal=True)}


def test_names_are_unique_and_families_complete() -> None:
    assert len({t.name for t in TEMPLATES}) == len(TEMPLATES)
    sizes = {family: sum(t.family == family for t in TEMPLATES) for family in FAMILIES}
    assert sizes == {
        "labelled fallback": 12,
        "silent fallback": 10,
        "old values": 10,
        "columns and units": 18,
        "wrong joins": 7,
        "leaks": 2,
        "provenance": 8,
        "rows": 12,
        "lasting faults": 9,
        "controls": 4,
    }


@pytest.mark.parametrize("make", SCENES, ids=lambda m: m.__name__)
def test_what_a_table_cannot_suffer_is_left_out(make: Callable[[], Scene]) -> None:
    absent = {t.name for t in TEMPLATES if plant(t, make()) is None}
    assert absent == (NOT_IN_LEGS if make is legs else set())


@pytest.mark.parametrize(("template", "make"), pair(FEATURE_FAULTS))
def test_only_the_targets_change(template: Template, make: Callable[[], Scene]) -> None:
    scene = make()
    damaged = plant(template, scene)
    assert damaged is not None
    assert template.targets is not None
    targets = template.targets(scene.table)
    assert damaged.features
    assert set(damaged.features) <= set(scene.table.live)
    changed = list_changed(scene, damaged.rows)
    assert changed
    assert changed <= list_owned(scene, targets)
    assert damaged.rows.schema == scene.day.schema
    untouched = ~pl.Series(damaged.touched)
    assert damaged.rows.filter(untouched).equals(scene.day.filter(untouched), null_equal=True)
    fsq.score(damaged.rows, scene.table.contract)


@pytest.mark.parametrize(("template", "make"), pair(TEMPLATES))
def test_the_same_seed_damages_the_same(template: Template, make: Callable[[], Scene]) -> None:
    scene = make()
    first, second = plant(template, scene), plant(template, scene)
    assert first is not None
    assert second is not None
    assert first.rows.equals(second.rows, null_equal=True)


@pytest.mark.parametrize(("template", "make"), pair(ROW_FAULTS))
def test_row_faults_keep_the_values(template: Template, make: Callable[[], Scene]) -> None:
    scene = make()
    damaged = plant(template, scene)
    assert damaged is not None
    assert damaged.features == ()
    assert not damaged.touched.any()
    assert damaged.rows.select(scene.table.contract.table.key).is_unique().all()
    names = list(scene.table.live)
    values = damaged.rows.select(names).unique()
    assert values.join(scene.day.select(names), on=names, how="anti", nulls_equal=True).is_empty()
    fsq.score(damaged.rows, scene.table.contract)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("a tenth of the rows missing", 0.1),
        ("three tenths of the rows missing", 0.3),
        ("63 % of the rows missing", 0.63),
    ],
)
def test_as_many_rows_are_missing_as_it_says(name: str, share: float) -> None:
    scene = season()
    lost = scene.day.height - plant_named(name, scene).rows.height
    assert lost == round(share * scene.day.height)


def test_missing_groups_and_subgroups() -> None:
    scene = season()
    games = scene.day["game_id"].n_unique()
    assert plant_named("one group missing", scene).rows["game_id"].n_unique() == games - 1
    third = plant_named("a third of the groups missing", scene).rows["game_id"].n_unique()
    assert third == games - games // 3
    teams = plant_named("one subgroup missing", scene).rows
    assert teams["team_abbr"].n_unique() == scene.day["team_abbr"].n_unique() - 1
    half = plant_named("half of one subgroup missing", scene).rows
    (changed,) = [
        t
        for t in scene.day["team_abbr"].unique()
        if half.filter(team_abbr=t).height < scene.day.filter(team_abbr=t).height
    ]
    assert half.filter(team_abbr=changed).height > 0


def test_the_lower_half_has_the_lowest_values() -> None:
    scene = season()
    kept = plant_named("the lower half missing", scene).rows
    best = scene.table.varied[0]
    for team in scene.day["team_abbr"].unique():
        every, left = scene.day.filter(team_abbr=team)[best], kept.filter(team_abbr=team)[best]
        assert len(left) == pytest.approx(len(every) / 2, abs=1)
        assert left.max() == every.max()


def test_entities_in_two_spellings() -> None:
    scene = season()
    rows = plant_named("a tenth in two spellings", scene).rows
    new = set(rows["player_lookup"]) - set(scene.day["player_lookup"])
    assert len(new) == round(0.1 * scene.day.height)
    assert all(name.removesuffix("_001") in set(scene.day["player_lookup"]) for name in new)
    again = plant_named("one group under a second id", scene).rows
    assert again["game_id"].n_unique() == scene.day["game_id"].n_unique() + 1


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


@pytest.mark.parametrize("template", CONTROLS, ids=lambda t: t.name)
def test_controls_are_no_damage(template: Template) -> None:
    scene = season()
    damaged = plant(template, scene)
    assert damaged is not None
    if template.name == "control: a small date":
        smallest = scene.before.group_by("game_date").agg(pl.col("game_id").n_unique())
        assert damaged.rows["game_id"].n_unique() == smallest["game_id"].min()
    else:
        assert damaged.rows.height == scene.day.height
    assert template.kinds == frozenset()
    shared = damaged.rows.group_by("game_date", "team_abbr").agg(
        pl.col(n).drop_nulls().n_unique() <= 1 for n in scene.table.shared
    )
    assert shared.select(pl.all_horizontal(scene.table.shared).all()).item()


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


def test_templates_are_selected_by_words() -> None:
    assert {t.family for t in select_templates("leaks; rows")} >= {"leaks", "rows"}
    with pytest.raises(fsq.InputError, match="no template has 'nothing'"):
        select_templates("nothing")
