"""Healthy dates on which teams meet: carried columns that no contract names."""

from __future__ import annotations

import polars as pl

from tests.support.healthy_days import make_days

TEAM_SIZE = 15


def make_league(count: int = 9, games: int = 4, seed: int = 0) -> pl.DataFrame:
    """Two teams per game, fifteen players each; every game has an id like 0022300017."""
    rows = make_days(count, 2 * TEAM_SIZE * games, seed)
    number = pl.col("player_lookup").str.slice(6).cast(pl.Int64)
    team, game = number // TEAM_SIZE, pl.col("game_id").str.slice(1)
    rival = team + 1 - 2 * (team % 2)
    return rows.with_columns(
        game_id=pl.lit("00223") + game.str.zfill(5),
        team=pl.lit("T") + team.cast(pl.String).str.zfill(2),
        rival=pl.lit("T") + rival.cast(pl.String).str.zfill(2),
        seat=number % TEAM_SIZE,
    )
