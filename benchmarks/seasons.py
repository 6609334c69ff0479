"""Seasons for the experiments, and damage that looks like what upstream does when jobs fail."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

import fsq
from fsq.demo import simulate_season

LABEL = "actual_points"
CONTRACT = fsq.load_contract()
Arrays = tuple[np.ndarray, np.ndarray]


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The options that every experiment has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--train", type=Path, help="Parquet file of feature rows with labels")
    parser.add_argument("--test", type=Path, help="the same of a later season")
    parser.add_argument("--seeds", type=int, default=5)
    return parser


def seasons(train: Path | None, test: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Labelled rows of two seasons; simulated ones where no files are named."""
    if train is not None and test is not None:
        pair = (pl.read_parquet(train), pl.read_parquet(test))
    else:
        made = [simulate_season(s, incidents=False).rows for s in ("2024-25", "2025-26")]
        pair = (made[0], made[1])
    return pair[0].filter(labelled()), pair[1].filter(labelled())


def labelled() -> pl.Expr:
    """Rows of players who played."""
    return pl.col(LABEL).is_not_null()


def damaged(rows: pl.DataFrame, categories: Iterable[str], hit: pl.Series) -> pl.DataFrame:
    """Defaults in all features of some categories, as upstream writes and labels them."""
    names = set(categories)
    features = [f for f in CONTRACT.features if f.category in names]
    struck = rows.with_columns(hit.alias("_hit"))
    out = struck.with_columns(
        *(pl.when("_hit").then(f.expected).otherwise(f.name).alias(f.name) for f in features),
        *(
            pl.when("_hit")
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f.name}__source").cast(pl.String))
            .alias(f"{f.name}__source")
            for f in features
        ),
    )
    return out.drop("_hit")


def struck(rows: pl.DataFrame, share: float, how: str, seed: int) -> pl.Series:
    """Which rows are hit: whole dates, or scattered rows."""
    rng = np.random.default_rng(seed)
    if how == "dates":
        days = rows["game_date"].unique().sort()
        bad = days.filter(pl.Series(rng.random(len(days)) < share))
        return rows["game_date"].is_in(bad.to_list())
    return pl.Series(rng.random(rows.height) < share)


def matrix(scored: pl.DataFrame, on_default: str = "keep", training_ready: bool = False) -> Arrays:
    """Features and label, in the order of date and player."""
    made = fsq.training_set(scored, LABEL, on_default, training_ready=training_ready)  # type: ignore[arg-type]
    features, label = made.to_numpy()
    assert label is not None
    return features, label
