"""Faults of rows: some are missing, some stand there twice, some under another name."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.scene import Mask, Scene
from fsq.bench.damage.template import ChangeRows, Template


def lose_share(part: float) -> ChangeRows:
    """So many rows are missing, scattered."""
    return lambda scene: scene.day.filter(~pl.Series(scene.choose_share(part)))


def lose_group(scene: Scene) -> pl.DataFrame | None:
    """One event is missing."""
    return _without(scene, scene.choose_value(scene.table.group))


def lose_subgroup(scene: Scene) -> pl.DataFrame | None:
    """One team, carrier or the like is missing."""
    return _without(scene, scene.choose_value(scene.table.subgroup))


def lose_some_groups(scene: Scene) -> pl.DataFrame | None:
    """A third of the events is missing."""
    group = scene.table.group
    names = [] if group is None else scene.day[group].drop_nulls().unique().sort().to_list()
    if group is None or len(names) < 4:
        return None
    lost = scene.rng.permutation(len(names))[: len(names) // 3]
    return scene.day.filter(~pl.col(group).is_in([names[i] for i in lost]))


def lose_lowest(scene: Scene) -> pl.DataFrame | None:
    """The lower half of each subgroup is missing, as the bench may be."""
    rank = _rank_within(scene)
    return None if rank is None else scene.day.filter(~pl.Series(rank < 0.5))


def lose_highest(scene: Scene) -> pl.DataFrame | None:
    """The highest fifth of each subgroup is missing."""
    rank = _rank_within(scene)
    return None if rank is None else scene.day.filter(~pl.Series(rank > 0.8))


def lose_half_of_subgroup(scene: Scene) -> pl.DataFrame | None:
    """Half of one subgroup is missing."""
    mask = scene.choose_value(scene.table.subgroup)
    return None if mask is None else _without(scene, mask & scene.choose_share(0.5))


def double_group(scene: Scene) -> pl.DataFrame | None:
    """One event stands there again under a second id, its entities under other keys."""
    group = scene.table.group
    mask = scene.choose_value(group)
    if mask is None or group is None:
        return None
    again = respell(scene.day.filter(pl.Series(mask)), scene)
    if group not in scene.table.keys:
        again = _mark(again, group)
    return pl.concat([scene.day, again])


def double_share(part: float) -> ChangeRows:
    """So many entities stand there again in another spelling."""

    def change(scene: Scene) -> pl.DataFrame:
        chosen = scene.day.filter(pl.Series(scene.choose_share(part)))
        return pl.concat([scene.day, respell(chosen, scene)])

    return change


def respell_share(part: float) -> ChangeRows:
    """So many entities stand there in another spelling instead of their own."""

    def change(scene: Scene) -> pl.DataFrame:
        mask = pl.Series(scene.choose_share(part))
        return pl.concat([scene.day.filter(~mask), respell(scene.day.filter(mask), scene)])

    return change


def respell(rows: pl.DataFrame, scene: Scene) -> pl.DataFrame:
    """The same entities in another spelling."""
    return _mark(rows, scene.table.keys[0])


def _mark(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    if rows.schema[column].is_integer():
        return rows.with_columns(pl.col(column) + 1_000_000)
    return rows.with_columns(pl.format("{}_001", pl.col(column).cast(pl.String)).alias(column))


def _without(scene: Scene, mask: Mask | None) -> pl.DataFrame | None:
    return None if mask is None else scene.day.filter(~pl.Series(mask))


def _rank_within(scene: Scene) -> np.ndarray | None:
    """Each row's rank in its subgroup by the feature that tells most, from 0 to 1."""
    if scene.table.subgroup is None or not scene.table.varied:
        return None
    value = pl.col(scene.table.varied[0]).fill_null(strategy="min")
    rank = (value.rank("ordinal") / pl.len()).over(scene.table.subgroup)
    return scene.day.select(rank).to_series().fill_null(1.0).to_numpy()


ROWS: tuple[Template, ...] = tuple(
    Template(name, "rows", right, change)
    for name, right, change in (
        ("a tenth of the rows missing", kinds.LOST_ROWS, lose_share(0.10)),
        ("three tenths of the rows missing", kinds.LOST_ROWS, lose_share(0.30)),
        ("63 % of the rows missing", kinds.LOST_ROWS, lose_share(0.63)),
        ("one group missing", kinds.LOST_ROWS, lose_group),
        ("a third of the groups missing", kinds.LOST_ROWS, lose_some_groups),
        ("one subgroup missing", kinds.LOST_ROWS, lose_subgroup),
        ("half of one subgroup missing", kinds.LOST_ROWS, lose_half_of_subgroup),
        ("the lower half missing", kinds.LOST_ROWS, lose_lowest),
        ("the highest fifth missing", kinds.LOST_ROWS, lose_highest),
        ("one group under a second id", kinds.SECOND_ID, double_group),
        ("a tenth in two spellings", kinds.TWO_SPELLINGS, double_share(0.10)),
        ("three tenths in another spelling", kinds.RESPELLED, respell_share(0.30)),
    )
)  # fmt: skip
