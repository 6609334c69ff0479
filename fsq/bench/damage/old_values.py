"""Faults of a job that serves old values, or looks at too short a window."""

from __future__ import annotations

import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import (
    every_feature,
    everywhere,
    of_table,
    one_subgroup,
    share,
    shared_features,
    windows,
)
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Change, Columns, Targets, Template, Where, make_template

_SHORT = 3  # rows in a window that is too short


def serve_old(days: int, with_stamps: bool = False) -> Change:
    """Each entity's values as they were so many days ago or more; new entities keep theirs."""

    def change(scene: Scene, features: tuple[str, ...]) -> Columns:
        columns = [*features, *scene.list_columns(features, "sample_size")]
        if with_stamps:
            columns += scene.list_columns(features, "last_updated")
        old, known = scene.read_previous(columns, days), pl.Series(scene.has_previous(days))
        return {c: old[c].zip_with(known, scene.day[c]) for c in columns}

    return change


def shorten_windows(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The mean of the last three labels where many more were promised."""
    table = scene.table
    if table.label is None:
        return {}
    known = scene.before.filter(pl.col(table.label).is_not_null())
    last = known.sort(table.contract.table.order).group_by(table.keys, maintain_order=True)
    means = last.agg(pl.col(table.label).tail(_SHORT).mean().alias("#short"))
    found = scene.day.select(table.keys).join(
        means, on=table.keys, how="left", maintain_order="left"
    )
    short = found["#short"]
    return {n: short.zip_with(short.is_not_null(), scene.day[n]) for n in features}


def _old(name: str, targets: Targets, where: Where, change: Change) -> Template:
    right = kinds.SHORT_WINDOW if change is shorten_windows else kinds.OLD
    return make_template(name, "old values", right, targets, where, change)


OLD = (
    _old("first table of the last record, all", of_table(0), everywhere, serve_old(1)),
    _old("first table of the last record, 30 %", of_table(0), share(0.30), serve_old(1)),
    _old("first table of the last record, one subgroup", of_table(0), one_subgroup, serve_old(1)),
    _old("second table of the last record, all", of_table(1), everywhere, serve_old(1)),
    _old("all tables of the last record, 10 %", every_feature, share(0.10), serve_old(1)),
    _old("first table frozen three days ago", of_table(0), everywhere, serve_old(3)),
    _old("first table frozen a week ago", of_table(0), everywhere, serve_old(7)),
    _old("first table frozen a week ago, its stamps too", of_table(0), everywhere,
         serve_old(7, with_stamps=True)),
    _old("shared features a week old", shared_features, everywhere, serve_old(7)),
    _old("windows of three, 63 %", windows, share(0.63), shorten_windows),
)  # fmt: skip
