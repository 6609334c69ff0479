"""A season's calendar: 30 teams, 82 games each, a break in February."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

TEAMS = (
    "ATL", "BKN", "BOS", "CHA", "CHI", "CLE", "DAL", "DEN", "DET", "GSW", "HOU", "IND", "LAC",
    "LAL", "MEM", "MIA", "MIL", "MIN", "NOP", "NYK", "OKC", "ORL", "PHI", "PHX", "POR", "SAC",
    "SAS", "TOR", "UTA", "WAS",
)  # fmt: skip
GAMES_PER_TEAM = 82


def schedule(first_year: int, rng: np.random.Generator) -> pl.DataFrame:
    """One line per game: game_id, game_date, and the indices of home and away team."""
    days = _game_days(first_year)
    sizes = _games_per_day(len(days), len(TEAMS) * GAMES_PER_TEAM // 2, rng)
    left = np.full(len(TEAMS), GAMES_PER_TEAM)
    dates: list[date] = []
    home: list[int] = []
    away: list[int] = []
    for day, size in zip(days, sizes, strict=True):
        # Teams with the most games left play first; the noise only breaks ties.
        order = np.argsort(-(left + rng.uniform(0, 0.9, len(TEAMS))), kind="stable")
        playing = rng.permutation(order[: 2 * size])
        left[playing] -= 1
        dates += [day] * int(size)
        home += playing[:size].tolist()
        away += playing[size:].tolist()
    ids = [f"002{first_year % 100:02}{i + 1:05}" for i in range(len(dates))]
    return pl.DataFrame(
        {"game_id": ids, "game_date": dates, "home": home, "away": away},
        schema_overrides={"home": pl.Int64, "away": pl.Int64},
    )


def _game_days(first_year: int) -> list[date]:
    start, end = date(first_year, 10, 21), date(first_year + 1, 4, 12)
    days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
    break_from, break_to = date(first_year + 1, 2, 13), date(first_year + 1, 2, 18)
    holidays = {date(first_year, 11, 27), date(first_year, 12, 24)}
    return [d for d in days if not break_from <= d <= break_to and d not in holidays]


def _games_per_day(days: int, games: int, rng: np.random.Generator) -> np.ndarray:
    sizes = np.clip(np.round(rng.normal(games / days, 2.6, days)), 2, 14).astype(int)
    while (gap := games - int(sizes.sum())) != 0:
        at = rng.permutation(days)[: abs(gap)]
        sizes[at] = np.clip(sizes[at] + np.sign(gap), 2, 14)
    return sizes
