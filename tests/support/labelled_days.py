"""Healthy rows with labels that follow from each entity's form, and honest windows over them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

import fsq
from tests.support.healthy_days import LAST, make_days

AVERAGES = {"points_avg_last_5": 5, "points_avg_last_10": 10, "points_avg_season": 30}
HIT = pl.col("game_date") == LAST


def make_labelled_days(count: int = 20, per_day: int = 120, seed: int = 0) -> pl.DataFrame:
    """Rows whose label ``points`` varies around a level of the player's own."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(2, 28, per_day)
    before = max(AVERAGES.values())  # dates that only fill the windows
    points = np.clip(np.round(rng.normal(np.tile(level, before + count), 6.0)), 0, None)
    rows = make_days(before + count, per_day, seed).with_columns(points=pl.Series(points))
    return compute_windows(rows).tail(count * per_day)


def compute_windows(rows: pl.DataFrame, shift: int = 1) -> pl.DataFrame:
    """Averages over the events before the record's own; with ``shift=0`` its own among them."""
    ids = [pl.col("game_id").shift(lag).over("player_lookup") for lag in range(shift, shift + 5)]
    rows = rows.sort("game_date", maintain_order=True)
    return rows.with_columns(
        *(
            pl.col("points")
            .shift(shift)
            .rolling_mean(size, min_samples=1)
            .over("player_lookup")
            .fill_null(12.0)
            .alias(name)
            for name, size in AVERAGES.items()
        ),
        last_5__game_ids=pl.concat_list(ids).list.drop_nulls(),
    )


def on_date(rows: pl.DataFrame, points: pl.Expr, day: date = LAST) -> pl.DataFrame:
    """Other labels on one date."""
    hit = pl.col("game_date") == day
    return rows.with_columns(points=pl.when(hit).then(points).otherwise(pl.col("points")))


def find_kinds(rows: pl.DataFrame, **options: Any) -> dict[str, fsq.Finding]:
    """The findings about labels when nothing is left out, by kind."""
    asked: dict[str, Any] = {"on_default": "keep", "exclude": None} | options
    found = fsq.training_set(fsq.score(rows), "points", **asked).findings
    return {f.kind: f for f in found}
