"""A date to damage of each of two unlike tables, and how to damage it by a template's name."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

import fsq
from fsq.bench.damage import TEMPLATES, Damaged, Scene, add_stamps, describe_table, plant
from fsq.demo import simulate_season
from tests.support.any_table import CONTRACT, make_rows

SEASON = fsq.load_contract("v2_33features")


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


def _make_scene(rows: pl.DataFrame, contract: fsq.Contract, label: str, at: int) -> Scene:
    dates = rows[contract.table.date].unique().sort()
    day = pl.col(contract.table.date)
    before = rows.filter(day < dates[at])
    table = describe_table(before, contract, label)
    return Scene(table, rows.filter(day == dates[at]), before, seed=1, step=0)


def plant_named(name: str, scene: Scene) -> Damaged:
    (template,) = [t for t in TEMPLATES if t.name == name]
    damaged = plant(template, scene)
    assert damaged is not None
    return damaged
