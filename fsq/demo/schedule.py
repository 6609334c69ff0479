"""Simulates a season's schedule: 30 teams, 82 games each, a break in February."""

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
# Games by weekday, Monday first: many on Wednesday and Friday, few on Thursday.
_WEEKDAY = (8.0, 5.5, 10.0, 5.5, 10.0, 7.5, 7.0)
# With fewer games, team features would vary less than on other dates.
_FEWEST, _MOST = 5, 14
_PAIRINGS = 300
_LAST_DATES = 20


def make_schedule(first_year: int, rng: np.random.Generator) -> pl.DataFrame:
    """Make one row per game: game_id, game_date, and the indices of home and away team."""
    days = _list_game_days(first_year)
    sizes = _draw_games_per_day(days, len(TEAMS) * GAMES_PER_TEAM // 2, rng)
    left = np.full(len(TEAMS), GAMES_PER_TEAM)
    met = np.zeros((len(TEAMS), len(TEAMS)), dtype=np.int64)
    hosted = np.zeros(len(TEAMS), dtype=np.int64)
    dates: list[date] = []
    home: list[int] = []
    away: list[int] = []
    tired = np.zeros(len(TEAMS))
    for n, (day, size) in enumerate(zip(days, sizes, strict=True)):
        # Teams with the most games left play first. Chance lets some run ahead, and teams that
        # played yesterday wait, except in the last weeks, when all must reach 82.
        luck = rng.uniform(0, 1, len(TEAMS))
        ahead = 3 * luck - 2 * tired if n < len(days) - _LAST_DATES else 0.9 * luck
        order = np.argsort(-(left + ahead), kind="stable")
        playing = _pair_teams(order[: 2 * size], met, rng)
        left[playing] -= 1
        tired = np.isin(np.arange(len(TEAMS)), playing).astype(float)
        one, other = playing[:size], playing[size:]
        # The team with fewer home games hosts, which keeps every team near 41.
        swap = hosted[one] > hosted[other]
        hosts, guests = np.where(swap, other, one), np.where(swap, one, other)
        hosted[hosts] += 1
        met[one, other] += 1
        met[other, one] += 1
        dates += [day] * int(size)
        home += hosts.tolist()
        away += guests.tolist()
    ids = [f"002{first_year % 100:02}{i + 1:05}" for i in range(len(dates))]
    return pl.DataFrame(
        {"game_id": ids, "game_date": dates, "home": home, "away": away},
        schema_overrides={"home": pl.Int64, "away": pl.Int64},
    )


def _pair_teams(teams: np.ndarray, met: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw many random pairings, and take the one that repeats the fewest games."""
    drawn = rng.permuted(np.tile(teams, (_PAIRINGS, 1)), axis=1)
    half = len(teams) // 2
    repeats = (met[drawn[:, :half], drawn[:, half:]] ** 3).sum(axis=1)
    return np.asarray(drawn[repeats.argmin()])


def _list_game_days(first_year: int) -> list[date]:
    start, end = date(first_year, 10, 21), date(first_year + 1, 4, 12)
    days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
    break_from, break_to = date(first_year + 1, 2, 13), date(first_year + 1, 2, 18)
    holidays = {date(first_year, 11, 27), date(first_year, 12, 24)}
    return [d for d in days if not break_from <= d <= break_to and d not in holidays]


def _draw_games_per_day(days: list[date], games: int, rng: np.random.Generator) -> np.ndarray:
    usual = np.array(_WEEKDAY)[[d.weekday() for d in days]]
    drawn = rng.normal(usual * games / usual.sum(), 1.6)
    sizes: np.ndarray = np.clip(np.round(drawn), _FEWEST, _MOST).astype(int)
    while (gap := games - int(sizes.sum())) != 0:
        at = rng.permutation(len(days))[: abs(gap)]
        sizes[at] = np.clip(sizes[at] + np.sign(gap), _FEWEST, _MOST)
    return sizes
