"""Computes the 33 features with their provenance, from games before each row's date only."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract, Feature
from fsq.demo.schedule import TEAMS

_MISSING, _DEFAULT = "missing", "default"
_TEAM_MINIMUM = 3
_FULL = 10  # games that fill a feature without a window of its own


def compute_team_form(teams: pl.DataFrame) -> pl.DataFrame:
    """Compute each team's means before each game: pace, ratings, win share, rest."""
    won = (pl.col("off_rating") > pl.col("def_rating")).cast(pl.Float64)
    numbered = teams.sort("team", "game_date").with_columns(
        (pl.int_range(pl.len()).over("team")).alias("team_prior"), won.alias("won")
    )
    before = [
        (pl.col(c).cum_sum().shift(1).over("team") / pl.col("team_prior")).alias(f"{c}_before")
        for c in ("pace", "off_rating", "def_rating", "won")
    ]
    rest = pl.col("game_date").diff().dt.total_days().over("team").cast(pl.Float64).alias("rest")
    return numbered.with_columns(*before, rest)


def _compute_history(box: pl.DataFrame) -> pl.DataFrame:
    """Compute what is known about a player after his n-th game."""

    def rolled(column: str, games: int) -> pl.Expr:
        return pl.col(column).rolling_mean(games, min_samples=1).over("player")

    def ids(games: int) -> pl.Expr:
        back = [pl.col("game_id").shift(i).over("player") for i in range(games)]
        return pl.concat_list(back).list.drop_nulls()

    total = pl.int_range(1, pl.len() + 1).over("player")
    played = box.filter("played").sort("player", "game_date")
    return played.select(
        "player",
        total.alias("games"),
        pl.col("game_date").alias("last_played"),
        rolled("points", 5).alias("points_avg_last_5"),
        rolled("points", 10).alias("points_avg_last_10"),
        (pl.col("points").cum_sum().over("player") / total).alias("points_avg_season"),
        pl.col("points").rolling_std(10, min_samples=2).over("player").alias("points_std_last_10"),
        rolled("minutes", 10).alias("minutes_avg_last_10"),
        (pl.col("minutes").cum_sum().over("player") / total).alias("minutes_season"),
        rolled("minutes", 5).alias("minutes_last_5"),
        (rolled("points", 10) / rolled("minutes", 10)).clip(0, 1.5).alias("ppm_avg_last_10"),
        # Without a shot there are no shares; 0 / 0 would be NaN.
        (rolled("threes", 10) / rolled("shots", 10)).fill_nan(None).alias("pct_three"),
        rolled("paint", 10).alias("paint_rate"),
        (rolled("free", 10) / rolled("points", 10))
        .clip(0, 0.5)
        .fill_nan(0)
        .alias("pct_free_throw"),
        (rolled("usage", 3) - rolled("usage", 10)).clip(-8, 8).alias("usage_spike_score"),
        (rolled("points", 2) - rolled("points", 5)).alias("trend"),
        ids(5).alias("last_5__game_ids"),
        ids(10).alias("last_10__game_ids"),
    )


def _compute_matchups(box: pl.DataFrame) -> pl.DataFrame:
    """Compute a player's earlier games against the opponent of each row."""
    over = ["player", "opponent"]
    zero = pl.col("points").fill_null(0)
    games = (pl.col("played").cast(pl.Int64).cum_sum() - pl.col("played").cast(pl.Int64)).over(over)
    return box.sort("game_date").select(
        "player",
        "game_id",
        games.alias("games_vs"),
        ((zero.cum_sum() - zero).over(over) / games).alias("points_vs"),
    )


def make_feature_rows(box: pl.DataFrame, form: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Make rows in wide form; an unknown value is NULL, with a source label that says so."""
    flag = pl.col("played").cast(pl.Int64)
    recent = flag.cum_sum() - flag
    rows = (
        box.sort("player", "game_date")
        .with_columns(
            recent.over("player").alias("games"),
            _count_week_games(flag).alias("week"),
        )
        .join(_compute_history(box), on=["player", "games"], how="left", maintain_order="left")
        .join(_compute_matchups(box), on=["player", "game_id"], how="left", maintain_order="left")
    )
    mine = ["game_id", "team", "team_prior", "rest"]
    before = ["pace_before", "off_rating_before", "def_rating_before", "won_before"]
    rows = rows.join(form.select(mine + before), on=["game_id", "team"], how="left")
    other = form.select("game_id", "team", "rest", "team_prior", *before[:3]).rename(
        {"team": "opponent", "rest": "rest_opp", "team_prior": "prior_opp"}
        | {b: f"opp_{b}" for b in before[:3]}
    )
    rows = rows.join(other, on=["game_id", "opponent"], how="left")
    rows = rows.with_columns(**_make_values()).sort("game_date", "game_id", "player_lookup")
    return rows.select(*_make_keys(), *contract.names, *_make_sources(contract), *_make_samples())


def _count_week_games(flag: pl.Expr) -> pl.Expr:
    """Count the games a player played in the seven days before the date."""
    seven = flag.rolling_sum_by("game_date", "7d", closed="left").over("player")
    return seven.cast(pl.Float64).fill_null(0)


def _make_values() -> dict[str, pl.Expr]:
    known, five = pl.col("games") > 0, pl.col("games") >= 5
    teams = (pl.col("team_prior") >= _TEAM_MINIMUM) & (pl.col("prior_opp") >= _TEAM_MINIMUM)
    since = (pl.col("game_date") - pl.col("last_played")).dt.total_days()
    tired = pl.when(since == 1).then(25).when(since == 2).then(10).when(since == 3).then(3)
    fatigue = 100 - pl.col("frailty") - tired.otherwise(0) - 6 * (pl.col("week") - 1).clip(0)
    fatigue -= 30 * (pl.col("week") * pl.col("minutes_avg_last_10") / 160).clip(0, 1)
    share = pl.col("minutes_last_5") / pl.col("minutes_season") - 1
    paint = pl.col("paint_rate") * (1 - pl.col("pct_three"))
    # A line follows the player's form, and opens near where it closes.
    form = pl.col("points_avg_last_10") * 0.7 + pl.col("points_avg_season") * 0.3
    opening = ((form + pl.col("line_noise")) * 2).round(0).clip(1) / 2
    line = (opening + pl.col("line_move")).clip(0.5)
    has_line = five & pl.col("offered") & (pl.col("minutes_avg_last_10") > 17)
    return {
        "games_in_last_7_days": pl.col("week").clip(0, 5),
        "fatigue_score": pl.when(known).then(fatigue.clip(0, 100).round(2)),
        "shot_zone_mismatch_score": pl.when(teams & known).then(
            (
                12 * (pl.col("pct_three") - 0.4)
                + (pl.col("opp_def_rating_before") - 112) / 2
                + pl.col("matchup_noise")
            ).clip(-15, 15)
        ),
        "pace_score": pl.when(teams).then(
            (pl.col("pace_before") + pl.col("opp_pace_before") - 200).clip(-8, 8)
        ),
        "usage_spike_score": pl.when(five).then("usage_spike_score"),
        "rest_advantage": (pl.col("rest") - pl.col("rest_opp")).clip(-3, 3),
        "injury_risk": pl.when(known).then((since / 7).floor().clip(0, 3)).cast(pl.Float64),
        "recent_trend": pl.when(five).then((pl.col("trend") / 2.5).round(0).clip(-2, 2)),
        "minutes_change": pl.when(five).then((share * 10).round(0).clip(-2, 2)),
        "opponent_def_rating": pl.when(teams).then(pl.col("opp_def_rating_before").clip(90, 130)),
        "opponent_pace": pl.when(teams).then(pl.col("opp_pace_before").clip(90, 115)),
        "back_to_back": (pl.col("rest") == 1).fill_null(False).cast(pl.Float64),
        "playoff_game": pl.lit(0.0),
        "pct_paint": paint,
        "pct_mid_range": (1 - pl.col("pct_three") - paint).clip(0, 1),
        "team_pace": pl.when(pl.col("team_prior") >= _TEAM_MINIMUM).then(
            pl.col("pace_before").clip(90, 115)
        ),
        "team_off_rating": pl.when(pl.col("team_prior") >= _TEAM_MINIMUM).then(
            pl.col("off_rating_before").clip(90, 130)
        ),
        "team_win_pct": pl.when(pl.col("team_prior") > 0).then("won_before"),
        "vegas_points_line": pl.when(has_line).then(line),
        "vegas_opening_line": pl.when(has_line).then(opening),
        "vegas_line_move": pl.when(has_line).then(line - opening),
        "has_vegas_line": pl.when(has_line).then(1.0),
        "avg_points_vs_opponent": pl.when(pl.col("games_vs") > 0).then("points_vs"),
        "games_vs_opponent": pl.col("games_vs").cast(pl.Float64),
    }


def _make_keys() -> list[pl.Expr]:
    code = pl.Series(TEAMS)
    return [
        pl.col("player_lookup"),
        pl.col("player_name"),
        pl.col("game_date"),
        pl.col("game_id"),
        pl.lit(code).gather("team").alias("team_abbr"),
        pl.lit(code).gather("opponent").alias("opponent_team_abbr"),
        pl.col("played"),
        pl.col("points").alias("actual_points"),
    ]


def _make_sources(contract: Contract) -> list[pl.Expr]:
    """Label sources: a history that is not full yet is phase 3."""
    out = []
    for f in contract.features:
        absent = _MISSING if f.optional or f.expected is None else _DEFAULT
        out.append(
            pl.when(pl.col(f.name).is_null())
            .then(pl.lit(absent))
            .otherwise(_choose_source(f, contract))
            .alias(f"{f.name}__source")
        )
    return out


def _choose_source(f: Feature, contract: Contract) -> pl.Expr:
    if f.upstream_table == "calculated":
        return pl.lit("calculated")
    if f.category == "vegas":
        return pl.lit("vegas")
    if f.name in ("minutes_avg_last_10", "ppm_avg_last_10"):
        return pl.lit("minutes_ppm")
    if f.window == "vs_opponent" or f.name == "games_vs_opponent":
        return pl.lit("opponent_history")
    if f.window:
        full = pl.col("games") >= (contract.windows[f.window].size or _FULL)
    elif f.upstream_table == "team_offense_game_summary":
        full = pl.col("team_prior") >= _FULL
    elif f.upstream_table == "team_defense_zone_analysis":
        full = pl.col("prior_opp") >= _FULL
    elif f.name == "pace_score":
        full = pl.min_horizontal("team_prior", "prior_opp") >= _FULL
    elif f.upstream_table in ("player_shot_zone_analysis", "player_composite_factors"):
        full = pl.col("games") >= _FULL
    else:  # the schedule needs no history
        full = pl.lit(True)
    return pl.when(full).then(pl.lit("phase4")).otherwise(pl.lit("phase3"))


def _make_samples() -> list[pl.Expr]:
    sizes = {"last_5": 5, "last_10": 10}
    return [
        *(pl.col("games").clip(0, n).alias(f"{w}__sample_size") for w, n in sizes.items()),
        pl.col("games").alias("season__sample_size"),
        pl.col("games_vs").alias("vs_opponent__sample_size"),
        *(pl.col(f"{w}__game_ids").fill_null([]) for w in sizes),
    ]
