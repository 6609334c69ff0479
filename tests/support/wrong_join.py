"""A few weeks of a simulated season; on the last date a join went wrong for one team."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import polars as pl

import fsq
from fsq.demo import simulate_season

DAY = date(2025, 12, 30)
MIXED = ("points_avg_last_5", "points_avg_last_10", "points_avg_season")


@lru_cache(maxsize=1)
def make_clean_rows() -> pl.DataFrame:
    """The weeks before and the last date, as they should be."""
    rows = simulate_season("2025-26", seed=7).rows
    return rows.filter(pl.col("game_date").is_between(date(2025, 11, 10), DAY))


def find_team() -> str:
    """The team whose rows are mixed up."""
    return str(make_clean_rows().filter(game_date=DAY)["team_abbr"].sort()[0])


@lru_cache(maxsize=1)
def make_wrong_rows() -> pl.DataFrame:
    """The same rows; the team's members have the values of each other's averages."""
    hit = (pl.col("game_date") == DAY) & (pl.col("team_abbr") == find_team())
    other = {c: pl.col(c).reverse().over("game_date", "team_abbr") for c in MIXED}
    mixed = [pl.when(hit).then(e).otherwise(pl.col(c)).alias(c) for c, e in other.items()]
    return make_clean_rows().with_columns(mixed)


@lru_cache(maxsize=1)
def score_wrong_join() -> pl.DataFrame:
    """The wrong rows, scored."""
    return fsq.score(make_wrong_rows())


@lru_cache(maxsize=1)
def diagnose_wrong_join() -> fsq.Diagnosis:
    """The diagnosis of the last date."""
    return fsq.diagnose(score_wrong_join(), dates=[DAY])
