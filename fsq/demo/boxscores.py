"""Players and what they did, game by game, drawn from their talent and their team's."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.demo.schedule import TEAMS

ROSTER = 15
_FIRST = [
    "jalen",
    "marcus",
    "tyrese",
    "devin",
    "malik",
    "isaiah",
    "jordan",
    "cade",
    "amir",
    "nico",
    "andre",
    "caleb",
    "trey",
    "dillon",
    "keon",
    "luka",
    "mateo",
    "ousman",
    "pavel",
    "rui",
    "theo",
    "zaire",
    "anton",
    "bilal",
]
_LAST = [
    "mercer",
    "holloway",
    "banks",
    "okafor",
    "lindqvist",
    "vance",
    "sutter",
    "delgado",
    "prior",
    "whitlock",
    "adeyemi",
    "castellan",
    "draper",
    "novak",
    "tillman",
    "barrow",
    "ellison",
    "fontaine",
    "grady",
    "hask",
    "irvine",
]


def players(rng: np.random.Generator) -> pl.DataFrame:
    """One line per player: name, team, and the talent that his box scores come from."""
    count = len(TEAMS) * ROSTER
    pair = rng.permutation(len(_FIRST) * len(_LAST))[:count]
    first = np.array(_FIRST)[pair // len(_LAST)]
    last = np.array(_LAST)[pair % len(_LAST)]
    rank = np.tile(np.arange(ROSTER), len(TEAMS))
    return pl.DataFrame(
        {
            "player": np.arange(count),
            "player_lookup": np.char.add(first, last),
            "player_name": np.char.add(
                np.char.add(np.char.capitalize(first), " "), np.char.capitalize(last)
            ),
            "team": np.repeat(np.arange(len(TEAMS)), ROSTER),
            "rank": rank,
            "minutes_mean": np.clip(35 - 2.1 * rank + rng.normal(0, 1.5, count), 5, 37),
            "ppm": np.clip(rng.normal(0.62 - 0.02 * rank, 0.09, count), 0.2, 0.95),
            "three_share": rng.beta(4, 6, count),
            "paint_share": rng.beta(6, 5, count),
            "throws": rng.beta(3, 17, count),
        }
    )


def team_games(games: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Two lines per game: pace, points and offensive rating of each team."""
    offense = rng.normal(0, 4, len(TEAMS))
    defense = rng.normal(0, 3.5, len(TEAMS))
    tempo = rng.normal(100, 2, len(TEAMS))
    home, away = games["home"].to_numpy(), games["away"].to_numpy()
    pace = (tempo[home] + tempo[away]) / 2 + rng.normal(0, 2.5, games.height)

    def rating(attack: np.ndarray, against: np.ndarray, edge: float) -> np.ndarray:
        noise = rng.normal(0, 9, games.height)
        return np.asarray(112 + offense[attack] - defense[against] + edge + noise)

    scored_home, scored_away = rating(home, away, 1.2), rating(away, home, -1.2)
    sides = []
    for mine, other, rate, allowed, at_home in (
        (home, away, scored_home, scored_away, 1.0),
        (away, home, scored_away, scored_home, 0.0),
    ):
        side = games.select("game_id", "game_date").with_columns(
            pl.Series("team", mine), pl.Series("opponent", other), pl.Series("pace", pace),
            pl.Series("off_rating", rate), pl.Series("def_rating", allowed),
            pl.lit(at_home).alias("home_away"),
        )  # fmt: skip
        sides.append(side)
    return pl.concat(sides).sort("game_date", "game_id", "home_away")


def box_scores(roster: pl.DataFrame, teams: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One line per player and game of his team, whether he played or not."""
    rows = teams.join(roster, on="team", maintain_order="left")
    count = rows.height
    rank = rows["rank"].to_numpy()
    played = rng.random(count) < np.where(rank < 10, 0.92, np.where(rank < 13, 0.55, 0.2))
    form = rng.normal(1, 0.18, count).clip(0.4, 1.7)
    minutes = np.round((rows["minutes_mean"].to_numpy() * form).clip(2, 46), 1)
    heat = rng.normal(1, 0.3, count).clip(0.1, 2.2)
    pace_up = rows["pace"].to_numpy() * rows["off_rating"].to_numpy() / 11_200
    points = np.round(minutes * rows["ppm"].to_numpy() * heat * pace_up).clip(0, 68)
    shots = np.round(points / 1.15 + rng.normal(2, 1, count)).clip(1, 40)
    made: dict[str, np.ndarray] = {
        "points": points,
        "minutes": minutes,
        "shots": shots,
        "threes": np.round(shots * (rows["three_share"].to_numpy() + rng.normal(0, 0.08, count)))
        .clip(0, shots),
        "paint": (rows["paint_share"].to_numpy() + rng.normal(0, 0.05, count)).clip(0.02, 0.95),
        "free": np.round(points * rows["throws"].to_numpy() * heat).clip(0, points),
        "usage": (shots / minutes * 22 + rng.normal(0, 1.5, count)).clip(5, 45),
    }  # fmt: skip
    columns = [pl.Series(n, np.where(played, v, np.nan)).fill_nan(None) for n, v in made.items()]
    return rows.with_columns(pl.Series("played", played), *columns)
