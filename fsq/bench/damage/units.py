"""Faults of columns and units: swapped, scaled, flipped, clamped, rounded, shifted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from fsq.bench.damage import kinds
from fsq.bench.damage.choices import (
    everywhere,
    neighbours,
    of_table,
    one_subgroup,
    share,
    shared_features,
    symmetric_features,
    varied,
)
from fsq.bench.damage.scene import Scene
from fsq.bench.damage.template import Change, Columns, Template, make_template


def swap(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Each of two columns holds the other's values."""
    first, second = features
    return {first: scene.day[second], second: scene.day[first]}


def multiply(factor: float) -> Change:
    """Another unit."""
    return _each(lambda scene, n: scene.day[n] * factor)


def shift(stds: float) -> Change:
    """So many of the feature's standard deviations are added."""
    return _each(lambda scene, n: scene.day[n] + stds * _get_std(scene, n))


def drift(stds: float) -> Change:
    """The same, and again for every date that the fault lasts."""
    return _each(lambda scene, n: scene.day[n] + stds * (scene.step + 1) * _get_std(scene, n))


def clamp(quantile: float) -> Change:
    """Values above a quantile of the earlier dates are cut off there."""
    return _each(lambda scene, n: scene.day[n].clip(upper_bound=scene.before[n].quantile(quantile)))


def round_off(stds: float) -> Change:
    """Values are rounded to multiples of a part of the feature's standard deviation."""

    def one(scene: Scene, name: str) -> pl.Series:
        step = stds * _get_std(scene, name)
        return (scene.day[name] / step).round() * step

    return _each(one)


def truncate(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Decimals are cut off, as by a cast to integers."""
    return {n: scene.day[n].cast(pl.Int64).cast(pl.Float64) for n in features}


def throw_out(scene: Scene, features: tuple[str, ...]) -> Columns:
    """Values many standard deviations away, to either side, but inside the contract's range."""
    out = {}
    for n in features:
        feature, far = scene.table.feature(n), 6 * _get_std(scene, n)
        side = pl.Series(scene.rng.choice([-far, far], scene.day.height))
        out[n] = (scene.day[n] + side).clip(feature.min, feature.max)
    return out


def _each(new: Callable[[Scene, str], pl.Series]) -> Change:
    return lambda scene, features: {n: new(scene, n) for n in features}


def _get_std(scene: Scene, name: str) -> float:
    std = scene.before[name].std()
    return float(std) if isinstance(std, float) and np.isfinite(std) and std > 0 else 1.0


UNITS: tuple[Template, ...] = tuple(
    make_template(name, "columns and units", right, targets, where, change)
    for name, right, targets, where, change in (
        (
            "neighbours of the first table swapped, all",
            kinds.SWAPPED,
            neighbours(0),
            everywhere,
            swap,
        ),
        (
            "neighbours of the first table swapped, 30 %",
            kinds.SWAPPED,
            neighbours(0),
            share(0.30),
            swap,
        ),
        (
            "neighbours of the second table swapped, all",
            kinds.SWAPPED,
            neighbours(1),
            everywhere,
            swap,
        ),
        ("one feature times 100, all", kinds.SCALED, varied(0), everywhere, multiply(100)),
        ("one feature times 100, 10 %", kinds.SCALED, varied(3), share(0.10), multiply(100)),
        ("one feature by 60, all", kinds.SCALED, varied(1), everywhere, multiply(1 / 60)),
        (
            "one feature by 60, one subgroup",
            kinds.SCALED,
            varied(1),
            one_subgroup,
            multiply(1 / 60),
        ),
        ("one feature by 100, 63 %", kinds.SCALED, varied(2), share(0.63), multiply(0.01)),
        ("first table a tenth higher, all", kinds.SCALED, of_table(0), everywhere, multiply(1.1)),
        ("sign flipped, 30 %", kinds.SCALED, varied(0), share(0.30), multiply(-1)),
        (
            "sign flipped where it is symmetric, all",
            kinds.SCALED,
            symmetric_features,
            everywhere,
            multiply(-1),
        ),
        ("two features clamped at 75 %, all", kinds.CLAMPED, varied(0, 1), everywhere, clamp(0.75)),
        (
            "shared features clamped at 75 %, all",
            kinds.CLAMPED,
            shared_features,
            everywhere,
            clamp(0.75),
        ),
        ("two features rounded, all", kinds.ROUNDED, varied(0, 2), everywhere, round_off(1.0)),
        ("three features truncated, all", kinds.ROUNDED, varied(0, 1, 2), everywhere, truncate),
        ("one feature a deviation higher, all", kinds.SHIFTS, varied(2), everywhere, shift(1.0)),
        (
            "two features half a deviation higher, 30 %",
            kinds.SHIFTS,
            varied(0, 1),
            share(0.30),
            shift(0.5),
        ),
        ("first table outliers, 3 %", kinds.OUTLIERS, of_table(0), share(0.03), throw_out),
    )
)
