"""Scored rows in which something is wrong on known dates: small seasons, too far apart to mix."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

import fsq
from fsq.demo import simulate_season
from tests.support.frames import CONTRACT, wide

FEATURES = {f.name: f for f in CONTRACT.features}
_APART = timedelta(days=200)  # more than the contract's history_max_age_days


def season(first: int, dates: int, per_day: int = 60) -> pl.DataFrame:
    """Rows of some dates of a simulated season, from the given date on."""
    rows = simulate_season("2025-26", incidents=False).rows
    days = rows["game_date"].unique().sort().to_list()[first : first + dates]
    return rows.filter(
        pl.col("game_date").is_in(days),
        pl.int_range(pl.len()).over("game_date") < per_day,
    )


def with_incidents() -> pl.DataFrame:
    """Thirteen dates: healthy ones, one with too many rows, then something else on each."""
    rows = season(40, dates=13)
    days = rows["game_date"].unique().sort().to_list()
    place = pl.int_range(pl.len()).over("game_date")
    of = {
        t: [f.name for f in CONTRACT.features if f.upstream_table == t]
        for t in ("player_composite_factors", "player_shot_zone_analysis")
    }

    def put(day: int, where: pl.Expr | None = None, **values: pl.Expr) -> None:
        nonlocal rows
        hit = pl.col("game_date") == days[day]
        hit = hit if where is None else hit & where
        rows = rows.with_columns(
            pl.when(hit).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
        )

    def default(names: list[str]) -> dict[str, pl.Expr]:
        return {n: pl.lit(FEATURES[n].expected, pl.Float64) for n in names} | {
            f"{n}__source": pl.lit("default") for n in names
        }

    def without(job: str) -> pl.Expr:
        return pl.col("processors_completed").list.filter(pl.element() != job)

    put(
        5,
        **default(of["player_composite_factors"]),
        processors_completed=without("PlayerCompositeFactorsProcessor"),
    )
    put(6, place % 5 < 2, **default(of["player_shot_zone_analysis"]))
    put(6, place % 3 < 1, **default(["points_avg_last_5"]))
    put(6, place % 4 < 1, **default(["ppm_avg_last_10"]))
    put(
        7,
        **default(["opponent_pace"]),
        team_win_pct=pl.lit(0.5),
        fatigue_score=pl.lit(50.0),
        fatigue_score__source=pl.lit("phase4"),
        processors_completed=without("PlayerShotZoneAnalysisProcessor"),
    )
    put(7, place % 3 < 1, pct_three=pl.lit(0.35), pct_three__source=pl.lit("phase4"))
    for day, hours in ((8, 20), (8, 45)):
        table = "player_daily_cache" if hours == 45 else "calculated"
        stamp = f"{table}__last_updated"
        put(day, **{stamp: pl.col(stamp) - pl.duration(hours=hours)})
    put(
        9,
        place % 3 == 0,
        opponent_def_rating=pl.lit(200.0),
        points_std_last_10=pl.lit(-2.0),
        opponent_def_rating__source=pl.lit("phase4"),
        points_std_last_10__source=pl.lit("phase4"),
    )
    sources = [f"{n}__source" for n in FEATURES if FEATURES[n].category == "team_context"]
    put(
        10,
        **dict.fromkeys(sources, pl.lit("fallback")),
        **{n: pl.lit(None, pl.Float64) for n in ("vegas_points_line", "vegas_opening_line")},
        **dict.fromkeys(
            ("vegas_points_line__source", "vegas_opening_line__source"), pl.lit("missing")
        ),
    )
    phase3 = [f"{n}__source" for n in FEATURES if FEATURES[n].category == "matchup"]
    put(11, **dict.fromkeys(phase3, pl.lit("phase3")))
    again = rows.filter(pl.col("game_date") == days[3])  # half as many players again, and more
    again = again.with_columns(pl.col("player_lookup") + "_twin").head(40)
    rows = pl.concat([rows, again])
    last = (pl.col("game_date") != days[12]) | (place % 2 == 0)
    return rows.with_columns(place.alias("_")).filter(last).drop("_")


def scenarios() -> pl.DataFrame:
    """Scored: incidents; the start of a season; random rows that say nothing of the run."""
    noisy = wide(records=9 * 55, days=9, seed=3)
    last, fell = (
        pl.col("game_date") == noisy["game_date"].max(),
        FEATURES["pct_paint"].upstream_table,
    )
    noisy = noisy.with_columns(
        pl.when(last)
        .then(pl.lit("missing"))
        .otherwise(pl.col(f"{n}__source"))
        .alias(f"{n}__source")
        for n, f in FEATURES.items()
        if f.upstream_table == fell
    )
    parts = [with_incidents(), season(0, dates=7, per_day=52), noisy]
    shifted = [part.with_columns(pl.col("game_date") - i * _APART) for i, part in enumerate(parts)]
    return pl.concat([fsq.score(part) for part in shifted], how="diagonal").sort(
        "game_date", "player_lookup"
    )
