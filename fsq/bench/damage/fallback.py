"""Faults of a job that falls back: under a label that says so, and silently."""

from __future__ import annotations

import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import (
    every_feature,
    everywhere,
    of_table,
    one_group,
    one_subgroup,
    share,
    varied,
)
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Change, Columns, Targets, Template, Where, make_template
from fsq.contract import Contract
from fsq.schema.vocabulary import DEFAULT


def fall_back(scene: Scene, features: tuple[str, ...]) -> Columns:
    """No record upstream: the expected value or NULL, labelled so, and no stamp."""
    out: Columns = {}
    for n in features:
        feature = scene.table.feature(n)
        expected = None if feature.optional else feature.expected
        out[n] = _repeat(scene, expected)
        if f"{n}__source" in scene.day.columns:
            word = _get_word(scene.table.contract, expected is not None)
            out[f"{n}__source"] = _repeat(scene, word)
    stamps = scene.list_columns(features, "last_updated")
    return out | {c: _repeat(scene, None).cast(scene.day.schema[c]) for c in stamps}


def write_nulls(scene: Scene, features: tuple[str, ...]) -> Columns:
    """NULL under the label that says nothing is there; the stamps stay."""
    word = _get_word(scene.table.contract, has_value=False)
    labels = [f"{n}__source" for n in features if f"{n}__source" in scene.day.columns]
    return {n: _repeat(scene, None).cast(pl.Float64) for n in features} | {
        c: _repeat(scene, word) for c in labels
    }


def write_defaults(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The expected value, or what is usual, under a good label."""
    return {n: _repeat(scene, _get_usual(scene, n)) for n in features}


def write_zeros(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Zero instead of every value."""
    return {n: _repeat(scene, 0.0) for n in features}


def null_to_zero(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Zero instead of NULL, under the label of good values."""
    out: Columns = {n: scene.day[n].fill_null(0.0) for n in features}
    for n in features:
        column = f"{n}__source"
        if column in scene.day.columns:
            good = scene.day.filter(pl.col(n).is_not_null())[column].cast(pl.String).mode()
            gap = scene.day[n].is_null()
            if len(good):
                kept = scene.day[column].cast(pl.String)
                out[column] = kept.zip_with(~gap, _repeat(scene, good.sort()[0]))
    return out


def write_mean(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The date's mean instead of every value."""
    return {n: _repeat(scene, scene.day[n].mean()) for n in features}


def write_one_row(scene: Scene, features: tuple[str, ...]) -> Columns:
    """The values of the date's first full row instead of every row's."""
    full = scene.day.select(features).drop_nulls()
    if full.is_empty():
        return {}
    return {n: _repeat(scene, full[n][0]) for n in features}


def _repeat(scene: Scene, value: object) -> pl.Series:
    dtype = pl.String if isinstance(value, str) else pl.Float64
    return pl.Series([value], dtype=dtype).new_from_index(0, scene.day.height)


def _get_word(contract: Contract, has_value: bool) -> str | None:
    """The source label of a default: of one with a value, or of nothing."""
    words = {w: s.base for w, s in contract.sources.items() if s.type == DEFAULT}
    if not words:
        return None
    return (max if has_value else min)(words, key=lambda w: words[w])


def _get_usual(scene: Scene, name: str) -> float | None:
    expected = scene.table.feature(name).expected
    if expected is not None:
        return expected
    middle = scene.before[name].median()
    return None if middle is None else round(float(middle), 1)  # type: ignore[arg-type]


def _labelled(name: str, targets: Targets, where: Where, change: Change = fall_back) -> Template:
    return make_template(name, "labelled fallback", kinds.LABELLED, targets, where, change)


LABELLED: tuple[Template, ...] = (
    _labelled("first table falls back, 10 %", of_table(0), share(0.10)),
    _labelled("first table falls back, 30 %", of_table(0), share(0.30)),
    _labelled("first table falls back, 63 %", of_table(0), share(0.63)),
    _labelled("first table falls back, all", of_table(0), everywhere),
    _labelled("first table falls back, one subgroup", of_table(0), one_subgroup),
    _labelled("second table falls back, 10 %", of_table(1), share(0.10)),
    _labelled("second table falls back, 63 %", of_table(1), share(0.63)),
    _labelled("second table falls back, one group", of_table(1), one_group),
    _labelled("third table falls back, 30 %", of_table(2), share(0.30)),
    _labelled("third table falls back, one subgroup", of_table(2), one_subgroup),
    _labelled("all tables NULL, 10 %", every_feature, share(0.10), write_nulls),
    _labelled("one feature NULL, 30 %", varied(0), share(0.30), write_nulls),
)

SILENT: tuple[Template, ...] = tuple(
    make_template(name, "silent fallback", kinds.SILENT, targets, where, change)
    for name, targets, where, change in (
        ("first table silent defaults, 10 %", of_table(0), share(0.10), write_defaults),
        ("first table silent defaults, 30 %", of_table(0), share(0.30), write_defaults),
        ("first table silent defaults, one subgroup", of_table(0), one_subgroup, write_defaults),
        ("second table silent defaults, 63 %", of_table(1), share(0.63), write_defaults),
        ("first table zeros, 30 %", of_table(0), share(0.30), write_zeros),
        ("one feature zeros, 10 %", varied(0), share(0.10), write_zeros),
        ("NULL becomes zero", every_feature, everywhere, null_to_zero),
        ("two features at the mean, 30 %", varied(0, 2), share(0.30), write_mean),
        ("one feature stuck, 63 %", varied(1), share(0.63), write_one_row),
        ("second table stuck, all", of_table(1), everywhere, write_one_row),
    )
)
