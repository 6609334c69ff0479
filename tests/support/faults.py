"""Healthy rows as a file with a store beside it, and faults such as upstream jobs make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import polars as pl

import fsq
from fsq.backfilling.run import backfill
from tests.support.healthy_days import LAST, TABLES, default_values, make_days

FACTORS, ZONES = "player_composite_factors", "team_defense_zone_analysis"
number = pl.col("player_lookup").str.tail(3).cast(pl.Int64)


def before(days: int) -> date:
    """A date so many days before the last."""
    return LAST - timedelta(days=days)


def fall_back(
    rows: pl.DataFrame, days: Iterable[date], share: float = 1.0, table: str = FACTORS
) -> pl.DataFrame:
    """A table's features fall back to their defaults for this share of the rows of these dates."""
    hit = pl.col("game_date").is_in([*days]) & (number < 120 * share)
    return rows.with_columns(
        pl.when(hit).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in default_values(TABLES[table]).items()
    )


def fill_store(folder: Path, rows: pl.DataFrame | None = None) -> tuple[str, str]:
    """A source file and a store that was backfilled from it."""
    source, store = folder / "rows.parquet", str(folder / "store")
    (make_days(12, seed=2) if rows is None else rows).write_parquet(source)
    backfill(str(source), store)
    return str(source), store


def spoil(store: str, rows: pl.DataFrame) -> None:
    """Score these rows into a store whose source has others."""
    fsq.open_store(store).replace(fsq.score(rows))
