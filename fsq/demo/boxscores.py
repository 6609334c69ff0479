"""Simulates players and their box scores from their own and their team's strength."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.demo.schedule import TEAMS

_FIRST = (
    "jalen", "marcus", "tyrese", "devin", "malik", "isaiah", "jordan", "cade", "amir", "nico",
    "andre", "caleb", "trey", "dillon", "keon", "luka", "mateo", "ousman", "pavel", "rui", "theo",
    "zaire", "anton", "bilal",
)  # fmt: skip
_LAST = (
    "mercer", "holloway", "banks", "okafor", "lindqvist", "vance", "sutter", "delgado", "prior",
    "whitlock", "adeyemi", "castellan", "draper", "novak", "tillman", "barrow", "ellison",
    "fontaine", "grady", "hask", "irvine", "jessup", "kovalenko", "lomax", "marchetti",
)  # fmt: skip
SMALLEST_ROSTER, LARGEST_ROSTER = 10, len(_FIRST) * len(_LAST) // len(TEAMS)
_TEAM_MINUTES = 240


def make_players(rng: np.random.Generator, per_team: int) -> pl.DataFrame:
    """Make one row per player: name, team, and the talent behind his box scores."""
    count = len(TEAMS) * per_team
    pair = rng.permutation(len(_FIRST) * len(_LAST))[:count]
    first = np.array(_FIRST)[pair // len(_LAST)]
    last = np.array(_LAST)[pair % len(_LAST)]
    rank = np.tile(np.arange(per_team), len(TEAMS))
    return pl.DataFrame(
        {
            "player": np.arange(count),
            "player_lookup": np.char.add(first, last),
            "player_name": np.char.add(
                np.char.add(np.char.capitalize(first), " "), np.char.capitalize(last)
            ),
            "team": np.repeat(np.arange(len(TEAMS)), per_team),
            "rank": rank,
            "minutes_mean": np.clip(35 - 2.1 * rank + rng.normal(0, 1.5, count), 5, 37),
            "ppm": np.clip(rng.normal(0.62 - 0.02 * rank, 0.16, count), 0.2, 1.05),
            "three_share": rng.beta(4, 6, count),
            "paint_share": rng.beta(6, 5, count),
            "throws": rng.beta(3, 17, count),
            # Keeps players distinct after a break too, when all are equally rested.
            "frailty": rng.uniform(0, 22, count),
        }
    )


def _draw_strengths(rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Draw one strength per team, relative to the league's average."""
    drawn = rng.normal(0, deviation, len(TEAMS))
    return np.asarray(drawn - drawn.mean())


def simulate_team_games(games: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Simulate two rows per game: pace and ratings of each team."""
    offense, defense, tempo = (_draw_strengths(rng, deviation) for deviation in (4.0, 3.5, 2.0))
    home, away = games["home"].to_numpy(), games["away"].to_numpy()
    pace = 100 + tempo[home] + tempo[away] + rng.normal(0, 2.5, games.height)

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
            pl.Series("team", mine),
            pl.Series("opponent", other),
            pl.Series("pace", pace),
            pl.Series("off_rating", rate),
            pl.Series("def_rating", allowed),
            pl.lit(at_home).alias("home_away"),
        )
        sides.append(side)
    return pl.concat(sides).sort("game_date", "game_id", "home_away")


def simulate_box_scores(
    roster: pl.DataFrame, teams: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Simulate one row per player and game of his team, whether he played or not.

    Up to rounding, minutes add up to the team's 240, and points to its rating times its pace.
    """
    rows = teams.join(roster, on="team", maintain_order="left")
    count = rows.height
    squad = np.repeat(np.arange(teams.height), count // teams.height)

    def column(name: str) -> np.ndarray:
        return rows[name].to_numpy()

    def distribute(weight: np.ndarray, total: np.ndarray) -> np.ndarray:
        return np.asarray(weight * (total / np.bincount(squad, weight))[squad])

    rank = column("rank")
    played = rng.random(count) < np.where(rank < 10, 0.92, np.where(rank < 13, 0.55, 0.2))
    form = rng.normal(1, 0.18, count).clip(0.4, 1.7)
    on_court = distribute(
        column("minutes_mean") * form * played, np.full(teams.height, _TEAM_MINUTES)
    )
    minutes = np.round(on_court.clip(1, 46), 1)
    heat = rng.normal(1, 0.38, count).clip(0.05, 2.4)
    team_points = (teams["pace"] * teams["off_rating"] / 100).to_numpy()
    points = distribute(minutes * played * column("ppm") * heat, team_points).round().clip(0, 68)
    free = np.round(points * column("throws") * heat).clip(0, points)
    shots = np.round((points - free) / 1.12 + rng.normal(1.5, 1, count)).clip(0, 45)
    tries = np.round(free / 0.78)
    stats: dict[str, np.ndarray] = {
        "points": points,
        "minutes": minutes,
        "shots": shots,
        "tries": tries,
        "threes": np.round(shots * (column("three_share") + rng.normal(0, 0.08, count))).clip(
            0, shots
        ),
        "paint": (column("paint_share") + rng.normal(0, 0.05, count)).clip(0.02, 0.95),
        "free": free,
        "usage": (
            (shots + 0.44 * tries) / minutes * 48 / column("pace") * 100 + rng.normal(0, 1, count)
        ).clip(2, 50),
    }
    columns = [pl.Series(n, np.where(played, v, np.nan)).fill_nan(None) for n, v in stats.items()]
    return rows.with_columns(
        pl.Series("played", played),
        *columns,
        # The market: deviation from form, movement since opening, players without a line.
        pl.Series("line_noise", rng.normal(0, 0.7, count)),
        pl.Series("line_move", np.round(2 * rng.normal(0, 0.6, count)) / 2),
        pl.Series("offered", rng.random(count) < 0.95),
        pl.Series("matchup_noise", rng.normal(0, 1, count)),
    )
