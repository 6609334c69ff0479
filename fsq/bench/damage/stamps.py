"""Provenance: what a table that lacks it is given, and how it goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import every_feature, everywhere, of_table, share
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Change, Columns, Template, make_template
from fsq.contract import Contract
from fsq.intake.batch_query import end_of_row
from fsq.schema.columns import UTC_MICROS
from fsq.schema.provenance import PROVENANCE

_COMPUTED = "computed_at"
_USUAL = 0.4  # of the hours after which a table is stale
_DAY = 24.0


def add_stamps(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add the stamps that a table lacks, as jobs that run at the same hour every date write them.

    Args:
        rows: wide rows.
        contract: of the rows.

    Returns:
        The same rows with ``<table>__last_updated`` for each upstream table whose features have no
        stamp, some minutes later or earlier from date to date, and ``computed_at``.
    """
    over = end_of_row(dict(rows.schema), contract.table).cast(UTC_MICROS)
    minutes = pl.col(contract.table.date).hash(seed=7) % 20
    added, empty = [], list[str]()
    for i, (table, features) in enumerate(contract.group_by_table().items()):
        owned = {c for f in features for c in PROVENANCE["last_updated"].columns(f)}
        present = [c for c in rows.columns if c in owned]
        if any(rows[c].null_count() < rows.height for c in present):
            continue
        empty += present
        hours = min(_USUAL * min(contract.threshold(f, "stale_hours") for f in features), _DAY)
        age = pl.duration(minutes=int(60 * hours) + 3 * i + minutes.cast(pl.Int64))
        added.append((over - age).alias(f"{table}__last_updated"))
    if _COMPUTED not in rows.columns:
        added.append((over - pl.duration(minutes=5)).alias(_COMPUTED))
    return rows.drop(empty).with_columns(added)


def move(**by: float) -> Change:
    """The stamps are moved."""
    return _each(lambda scene, c: scene.day[c] + timedelta(**by))


def drop_stamps(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The stamps vanish."""
    return _each(lambda scene, c: pl.Series([None] * scene.day.height))(scene, features)


def drop_labels(scene: Scene, features: tuple[str, ...]) -> Columns:
    """No value says where it came from."""
    labels = [f"{n}__source" for n in features if f"{n}__source" in scene.day.columns]
    return {c: pl.Series([None] * scene.day.height, dtype=pl.String) for c in labels}


def compute_early(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The row was computed six hours before the first of its tables was written."""
    stamps = scene.list_columns(features, "last_updated")
    if not stamps or _COMPUTED not in scene.day.columns:
        return {}
    first = scene.day.select(pl.min_horizontal(stamps)).to_series()
    early = first - timedelta(hours=6)
    return {_COMPUTED: early.zip_with(first.is_not_null(), scene.day[_COMPUTED])}


def _each(new: Callable[[Scene, str], pl.Series]) -> Change:
    return lambda scene, features: {
        c: new(scene, c) for c in scene.list_columns(features, "last_updated")
    }


PROVENANCE_FAULTS: tuple[Template, ...] = tuple(
    make_template(name, "provenance", right, targets, where, change)
    for name, right, targets, where, change in (
        ("stamps three days older, all", kinds.OLD_STAMPS, of_table(0), everywhere, move(days=-3)),
        ("stamps a day older, 30 %", kinds.OLD_STAMPS, of_table(0), share(0.30), move(days=-1)),
        ("stamps vanish, all", kinds.LOST_STAMPS, of_table(0), everywhere, drop_stamps),
        ("stamps vanish, 30 %", kinds.LOST_STAMPS, of_table(1), share(0.30), drop_stamps),
        (
            "stamps five hours off, all",
            kinds.SHIFTED_STAMPS,
            of_table(0),
            everywhere,
            move(hours=-5),
        ),
        ("stamps in the future, all", kinds.FUTURE_STAMPS, of_table(0), everywhere, move(days=2)),
        ("source labels absent, all", kinds.LOST_LABELS, every_feature, everywhere, drop_labels),
        (
            "rows computed before upstream, all",
            kinds.EARLY_ROWS,
            every_feature,
            everywhere,
            compute_early,
        ),
    )
)
