"""Which features and which rows a template damages."""

from __future__ import annotations

import numpy as np

from fsq.bench.damage.scene import Mask, Scene
from fsq.bench.damage.table import DamageTable
from fsq.bench.damage.template import Targets, Where


def of_table(rank: int) -> Targets:
    """The features of an upstream table; 0 is the one with the most."""

    def choose(table: DamageTable) -> tuple[str, ...]:
        tables = list(table.tables.values())
        return tuple(f.name for f in tables[rank]) if rank < len(tables) else ()

    return choose


def varied(*ranks: int) -> Targets:
    """Features of an entity's own; 0 is the one that tells most of the label."""

    def choose(table: DamageTable) -> tuple[str, ...]:
        return tuple(table.varied[r] for r in ranks if r < len(table.varied))

    return choose


def every_feature(table: DamageTable) -> tuple[str, ...]:
    """All live features."""
    return table.live


def shared_features(table: DamageTable) -> tuple[str, ...]:
    """Features that are one value per date and subgroup."""
    return table.shared


def symmetric_features(table: DamageTable) -> tuple[str, ...]:
    """The first two features whose values lie on both sides of zero."""
    return table.symmetric[:2]


def flags(table: DamageTable) -> tuple[str, ...]:
    """The first feature that is 0 or 1."""
    return table.flags[:1]


def windows(table: DamageTable) -> tuple[str, ...]:
    """Features that are averages of past labels."""
    return tuple(table.windows)


def neighbours(rank: int) -> Targets:
    """Two features of a table that stand beside each other and mean something different."""

    def choose(table: DamageTable) -> tuple[str, ...]:
        names = of_table(rank)(table)
        both = [n for n in names if n in table.varied or n in table.shared]
        return (both[-2], both[-1]) if len(both) > 1 else ()

    return choose


def everywhere(scene: Scene) -> Mask:
    """All rows of the date."""
    return np.ones(scene.day.height, dtype=np.bool_)


def share(part: float) -> Where:
    """So many rows of the date, scattered."""
    return lambda scene: scene.choose_share(part)


def one_subgroup(scene: Scene) -> Mask | None:
    """The rows of one team, carrier or the like."""
    return scene.choose_value(scene.table.subgroup)


def one_group(scene: Scene) -> Mask | None:
    """The rows of one event."""
    return scene.choose_value(scene.table.group)
