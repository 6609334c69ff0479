"""A template of damage: which features, which rows, and what happens to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from fsq.bench.damage.scene import Mask, Scene
from fsq.bench.damage.table import DamageTable
from fsq.schema.provenance import PROVENANCE

Targets = Callable[[DamageTable], tuple[str, ...]]
Where = Callable[[Scene], Mask | None]
Columns = dict[str, pl.Series]
Change = Callable[[Scene, tuple[str, ...]], Columns]
ChangeRows = Callable[[Scene], pl.DataFrame | None]


@dataclass(frozen=True)
class Template:
    """One way in which upstream fails.

    Attributes:
        name: unique, in words.
        family: of its kind of fault.
        kinds: of findings that name it rightly; empty for what is no fault.
        damage: the date's rows after the fault; None if it has nothing to damage.
        targets: the features that it is meant to damage; None where rows are the damage.
        lasts: dates that it lasts.
    """

    name: str
    family: str
    kinds: frozenset[str]
    damage: ChangeRows
    targets: Targets | None = None
    lasts: int = 1


@dataclass(frozen=True)
class Damaged:
    """A damaged date.

    Attributes:
        rows: the date's wide rows after the fault.
        features: those whose value or provenance differs; empty where rows are the damage.
        touched: which of the clean rows differ; all False where rows are the damage.
    """

    rows: pl.DataFrame
    features: tuple[str, ...]
    touched: Mask = field(repr=False)


def make_template(
    name: str, family: str, kinds: frozenset[str], targets: Targets, where: Where, change: Change
) -> Template:
    """Make a template of features: which ones, in which rows, and their new columns.

    Args:
        name: of the template.
        family: of its kind of fault.
        kinds: of findings that name it rightly.
        targets: the features; with none, the table has nothing to damage.
        where: the rows.
        change: new columns for all rows of the date, of which those count that ``where`` chooses.
    """

    def damage(scene: Scene) -> pl.DataFrame | None:
        features = targets(scene.table)
        mask = where(scene) if features else None
        if mask is None or not mask.any():
            return None
        chosen, schema = pl.lit(pl.Series(mask)), scene.day.schema
        return scene.day.with_columns(
            pl.when(chosen).then(pl.lit(new)).otherwise(pl.col(c)).cast(schema[c]).alias(c)
            for c, new in change(scene, features).items()
        )

    return Template(name, family, kinds, damage, targets)


def plant(template: Template, scene: Scene) -> Damaged | None:
    """Plant a fault in a date; the same scene is always damaged in the same way.

    Returns:
        None if the table or the date has nothing that the fault could damage.
    """
    rows = template.damage(replace(scene))  # chance begins anew
    if rows is None:
        return None
    if template.targets is None:
        same = rows.height == scene.day.height and rows.equals(scene.day)
        return None if same else Damaged(rows, (), np.zeros(scene.day.height, dtype=np.bool_))
    features, touched = compare_rows(scene, rows)
    return Damaged(rows, features, touched) if features else None


def compare_rows(scene: Scene, rows: pl.DataFrame) -> tuple[tuple[str, ...], Mask]:
    """The live features whose value or provenance differs from the clean rows', and where."""
    differs = {
        c: rows[c].ne_missing(scene.day[c]).to_numpy()
        for c in scene.day.columns
        if not rows[c].equals(scene.day[c], null_equal=True)
    }
    changed: list[str] = []
    touched = np.zeros(scene.day.height, dtype=np.bool_)
    for name in scene.table.live:
        feature = scene.table.feature(name)
        owned = {name, f"{name}__source", "computed_at"}
        owned |= {c for p in PROVENANCE.values() for c in p.columns(feature)}
        for column in owned & differs.keys():
            changed.append(name)
            touched |= differs[column]
    return tuple(dict.fromkeys(changed)), touched
