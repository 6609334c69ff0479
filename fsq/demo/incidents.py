"""Incidents planted on known dates, and the notes that say what was planted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from fsq.contract import Contract, Feature

Planted = dict[str, Any]


def plant(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, list[Planted]]:
    """Put one incident of each kind into mid-season dates that lie apart."""
    days = rows.group_by("game_date").len().filter(pl.col("len") >= 120)["game_date"].sort()
    all_days = rows["game_date"].unique().sort()
    start = all_days[0]
    sixth = date(start.year + 1, 2, 6)
    missed = sixth if sixth in days else days[len(days) * 6 // 10]
    rest = [d for d in days if abs((d - missed).days) > 9 and (d - start).days > 35]
    stuck, silent, stale, ranges, half = (rest[len(rest) * i // 5] for i in range(5))
    at = all_days.index_of(stuck) or 0
    stuck_days = all_days[at : at + 5].to_list()
    by_table = {f.name: f for f in contract.features}
    composite = [f for f in contract.features if f.upstream_table == "player_composite_factors"]
    planted: list[Planted] = []

    def note(
        kind: str, days: Iterable[date], features: list[str], text: str, **more: object
    ) -> None:
        listed = [d.isoformat() for d in days]
        count = rows.filter(pl.col("game_date").cast(pl.String).is_in(listed)).height
        planted.append(
            {
                "kind": kind,
                "dates": listed,
                "features": features,
                "rows_affected": count,
                "description": text,
            }
            | more
        )

    rows = _defaulted(rows, missed, composite)
    job = next(p.name for p in contract.processors if p.writes == "player_composite_factors")
    without = pl.col("processors_completed").list.set_difference(pl.lit([job]))
    rows = _where(rows, [missed], processors_completed=without)
    note(
        "processor_did_not_run",
        [missed],
        [f.name for f in composite],
        "a job was missing from the schedule; its features fell back to defaults",
        processor=job,
        upstream_table="player_composite_factors",
    )
    rows = _where(rows, stuck_days, team_win_pct=pl.lit(0.5))
    note("stuck_constant", stuck_days, ["team_win_pct"], "every team stands at .500")
    expected = by_table["fatigue_score"].expected
    rows = _where(
        rows, [silent], fatigue_score=pl.lit(expected), fatigue_score__source=pl.lit("phase4")
    )
    note("silent_default", [silent], ["fatigue_score"], "the expected value, but labelled phase4")
    old = pl.col("player_daily_cache__last_updated") - pl.duration(hours=60)
    rows = _where(rows, [stale], player_daily_cache__last_updated=old)
    cache = [f.name for f in contract.features if f.upstream_table == "player_daily_cache"]
    note(
        "stale_data",
        [stale],
        cache,
        "the cache is 60 hours older than on other days",
        upstream_table="player_daily_cache",
    )
    third = pl.int_range(pl.len()) % 3 == 0
    rows = _where(
        rows,
        [ranges],
        opponent_def_rating=pl.when(third).then(200.0).otherwise("opponent_def_rating"),
    )
    note("range_violation", [ranges], ["opponent_def_rating"], "a third of the rows hold 200")
    affected = rows.filter(pl.col("game_date") == half).height
    rows = rows.filter((pl.col("game_date") != half) | (pl.int_range(pl.len()) % 2 == 0))
    note("missing_rows", [half], [], "half of the players are not there")
    planted[-1]["rows_affected"] = affected - rows.filter(pl.col("game_date") == half).height
    return rows, planted


def _where(rows: pl.DataFrame, days: list[date], **values: pl.Expr) -> pl.DataFrame:
    hit = pl.col("game_date").is_in(days)
    return rows.with_columns(
        pl.when(hit).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def _defaulted(rows: pl.DataFrame, day: date, features: list[Feature]) -> pl.DataFrame:
    values = {f.name: pl.lit(f.expected) for f in features}
    words = {f"{f.name}__source": pl.lit("default") for f in features}
    return _where(rows, [day], **values, **words)
