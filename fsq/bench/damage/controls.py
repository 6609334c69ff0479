"""What is no fault: changes that a table may well show, and that must raise no alarm."""

from __future__ import annotations

import polars as pl

from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Template


def shuffle_rows(scene: Scene) -> pl.DataFrame:
    """The same rows in another order."""
    return scene.day[scene.rng.permutation(scene.day.height)]


def move_entities(scene: Scene) -> pl.DataFrame | None:
    """A few entities change their subgroup, and have its shared values from then on."""
    subgroup = scene.table.subgroup
    if subgroup is None or subgroup in scene.table.keys:
        return None
    moved = scene.rng.permutation(scene.day.height)[:4].astype("uint32")
    to = scene.rng.permutation(scene.day.height)[:4].astype("uint32")
    carried = [c for c in (subgroup, scene.table.rival, scene.table.group) if c]
    columns = [*dict.fromkeys([*carried, *scene.table.shared, *scene.table.flags])]
    columns += [c for n in columns if (c := f"{n}__source") in scene.day.columns]
    source = pl.arange(scene.day.height, eager=True, dtype=pl.UInt32).scatter(moved, to)
    # The side of an event moves along, where a column says it: one value per subgroup.
    flags = [c for c, t in scene.day.schema.items() if t == pl.Boolean]
    counts = scene.day.group_by(subgroup).agg(pl.col(flags).n_unique())
    sides = [c for c in flags if (counts[c] == 1).all()]
    return scene.day.with_columns(scene.day[c].gather(source) for c in [*columns, *sides])


def play_few_groups(scene: Scene) -> pl.DataFrame | None:
    """As few events take place as on the smallest of the earlier dates."""
    group = scene.table.contract.table.group
    if group is None or group not in scene.day.columns:
        return None
    sizes = scene.before.group_by(scene.table.date).agg(pl.col(group).n_unique())
    fewest = sizes.select(pl.col(group).min()).item()
    names = scene.day[group].drop_nulls().unique().sort().to_list()
    if fewest is None or fewest >= len(names):
        return None
    chosen = scene.rng.permutation(len(names))[:fewest]
    return scene.day.filter(pl.col(group).is_in([names[i] for i in chosen]))


def recompute(scene: Scene) -> pl.DataFrame:
    """The same values but for the last bits, as another machine may compute them."""
    return scene.day.with_columns(
        (pl.col(n) * (1 + 1e-12)).clip(scene.table.feature(n).min, scene.table.feature(n).max)
        for n in scene.table.varied
    )


CONTROLS: tuple[Template, ...] = (
    Template("control: rows in another order", "controls", frozenset(), shuffle_rows),
    Template("control: entities change their subgroup", "controls", frozenset(), move_entities),
    Template("control: a small date", "controls", frozenset(), play_few_groups),
    Template("control: recomputed elsewhere", "controls", frozenset(), recompute),
)
