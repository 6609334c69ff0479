"""Faults of joins: values of another entity or subgroup; and leaks of the date's own event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import (
    everywhere,
    flags,
    of_table,
    one_subgroup,
    share,
    shared_features,
    varied,
    windows,
)
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Columns, Template, make_template


def take_from_another(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The values of another entity of the same date, in one piece."""
    other = np.roll(np.arange(scene.day.height), int(scene.rng.integers(1, scene.day.height)))
    return _gather(scene, features, other)


def take_from_neighbour(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The values of the row beside, as by a join that slipped by one."""
    return _gather(scene, features, np.roll(np.arange(scene.day.height), 1))


def take_from_subgroup(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The values of another subgroup, the same one for all its rows."""
    subgroup = scene.table.subgroup
    if subgroup is None:
        return {}
    firsts = scene.day.with_row_index("#row").group_by(subgroup).agg(pl.col("#row").first())
    firsts = firsts.sort("#row")
    shifted = firsts.with_columns(pl.Series("#row", np.roll(firsts["#row"].to_numpy(), 1)))
    found = scene.day.select(subgroup).join(
        shifted, on=subgroup, how="left", nulls_equal=True, maintain_order="left"
    )
    return _gather(scene, features, found["#row"].to_numpy())


def take_from_rival(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The values of the other side of the same event."""
    subgroup, rival = scene.table.subgroup, scene.table.rival
    if subgroup is None or rival is None:
        return {}
    firsts = scene.day.with_row_index("#row").group_by(subgroup).agg(pl.col("#row").first())
    found = scene.day.select(rival).join(
        firsts, left_on=rival, right_on=subgroup, how="left", maintain_order="left"
    )
    own = pl.Series(np.arange(scene.day.height), dtype=pl.UInt32)
    return _gather(scene, features, found["#row"].fill_null(own).to_numpy())


def shuffle(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Each column in an order of its own."""
    return {n: scene.day[n].gather(scene.rng.permutation(scene.day.height)) for n in features}


def invert(scene: Scene, features: tuple[str, ...]) -> Columns:
    """1 becomes 0, and 0 becomes 1."""
    return {n: 1.0 - scene.day[n] for n in features}


def leak(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The window holds the date's own event: its label in the average, its id among the ids."""
    table = scene.table
    if table.label is None:
        return {}
    label = scene.day[table.label].cast(pl.Float64)
    known, out = label.is_not_null(), {}
    for n in features:
        new = scene.day[n] + (label - scene.day[n]) / table.windows[n]
        out[n] = new.zip_with(known & scene.day[n].is_not_null(), scene.day[n])
    for c in scene.list_columns(features, "sample_size"):
        most = scene.before.select(pl.col(c).max()).item()
        out[c] = (scene.day[c] + 1).clip(upper_bound=most).zip_with(known, scene.day[c])
    own = table.contract.table.group
    if own is None or own not in scene.day.columns:
        return out
    for c in scene.list_columns(features, "game_ids"):
        event = scene.day[own].cast(pl.String).reshape((scene.day.height, 1)).arr.to_list()
        longest = int(scene.before[c].list.len().max() or 1)  # type: ignore[arg-type]
        more = event.list.concat(scene.day[c]).list.head(longest)
        out[c] = more.zip_with(known, scene.day[c])
    return out


def _gather(scene: Scene, features: Sequence[str], other: np.ndarray) -> Columns:
    """Values, labels and sample sizes of other rows."""
    columns = [*features, *(f"{n}__source" for n in features)]
    columns += scene.list_columns(features, "sample_size")
    present = [c for c in columns if c in scene.day.columns]
    return {c: scene.day[c].gather(other) for c in present}


JOINS: tuple[Template, ...] = tuple(
    make_template(name, "wrong joins", kinds.WRONG_ENTITY, targets, where, change)
    for name, targets, where, change in (
        ("first table of another entity, all", of_table(0), everywhere, take_from_another),
        ("first table of another entity, 30 %", of_table(0), share(0.30), take_from_another),
        ("first table of the row beside, one subgroup", of_table(0), one_subgroup,
         take_from_neighbour),
        ("shared features of another subgroup, 30 %", shared_features, share(0.30),
         take_from_subgroup),
        ("shared features of the rival, 63 %", shared_features, share(0.63), take_from_rival),
        ("two features shuffled, all", varied(0, 1), everywhere, shuffle),
        ("a flag inverted, all", flags, everywhere, invert),
    )
)  # fmt: skip

LEAKS: tuple[Template, ...] = (
    make_template("own event in the window, all", "leaks", kinds.LEAK, windows, everywhere, leak),
    make_template("own event in the window, 30 %", "leaks", kinds.LEAK, windows, share(0.30), leak),
)
