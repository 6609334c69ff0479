"""Seasons for the experiments, and damage like that of failed upstream jobs."""

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


def make_parser(about: str | None) -> argparse.ArgumentParser:
    """Make the parser of the options that every experiment has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--train", type=Path, help="Parquet file of feature rows with labels")
    parser.add_argument("--test", type=Path, help="the same of a later season")
    parser.add_argument("--seeds", type=int, default=5)
    return parser


def load_seasons(train: Path | None, test: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Load the labelled rows of two seasons; without files, simulate them."""
    if train is not None and test is not None:
        pair = (pl.read_parquet(train), pl.read_parquet(test))
    else:
        simulated = [simulate_season(s, incidents=False).rows for s in ("2024-25", "2025-26")]
        pair = (simulated[0], simulated[1])
    return pair[0].filter(has_label()), pair[1].filter(has_label())


def has_label() -> pl.Expr:
    """Whether a row has a label, which means that the player played."""
    return pl.col(LABEL).is_not_null()


def damage_rows(
    rows: pl.DataFrame, categories: Iterable[str], is_damaged: pl.Series
) -> pl.DataFrame:
    """Set all features of some categories to defaults, as upstream writes and labels them."""
    names = set(categories)
    features = [f for f in CONTRACT.features if f.category in names]
    marked = rows.with_columns(is_damaged.alias("_damaged"))
    damaged = marked.with_columns(
        *(pl.when("_damaged").then(f.expected).otherwise(f.name).alias(f.name) for f in features),
        *(
            pl.when("_damaged")
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f.name}__source").cast(pl.String))
            .alias(f"{f.name}__source")
            for f in features
        ),
    )
    return damaged.drop("_damaged")


def choose_rows(rows: pl.DataFrame, share: float, how: str, seed: int) -> pl.Series:
    """Choose the rows to damage: whole dates, or scattered rows."""
    rng = np.random.default_rng(seed)
    if how == "dates":
        days = rows["game_date"].unique().sort()
        bad = days.filter(pl.Series(rng.random(len(days)) < share))
        return rows["game_date"].is_in(bad.to_list())
    return pl.Series(rng.random(rows.height) < share)


def make_matrix(
    scored: pl.DataFrame, on_default: str = "keep", training_ready: bool = False
) -> Arrays:
    """Make features and label, in order of date and player, by the gates alone."""
    ts = fsq.training_set(
        scored,
        LABEL,
        on_default,  # type: ignore[arg-type]
        training_ready=training_ready,
        exclude=None,
    )
    features, label = ts.to_numpy()
    assert label is not None
    return features, label
