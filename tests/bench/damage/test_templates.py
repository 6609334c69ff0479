"""Every template of damage changes what it says, and nothing else, in two unlike tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.bench.damage import (
    FAMILIES,
    TEMPLATES,
    Scene,
    Template,
    plant,
    select_templates,
)
from fsq.schema.provenance import PROVENANCE
from tests.support.damage_scenes import legs, season

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
SCENES = (season, legs)


def pair(templates: Iterable[Template]) -> list[Any]:
    """Templates with the tables that can suffer them."""
    return [
        pytest.param(t, make, id=f"{make.__name__}: {t.name}")
        for t in templates
        for make in SCENES
        if make is season or t.name not in NOT_IN_LEGS
    ]


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


def test_templates_are_selected_by_words() -> None:
    assert {t.family for t in select_templates("leaks; rows")} >= {"leaks", "rows"}
    with pytest.raises(fsq.InputError, match="no template has 'nothing'"):
        select_templates("nothing")
