"""Plants incidents on known dates, and describes them."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from fsq.contract import Contract

Incident = dict[str, Any]
_FULL_DAY = 100  # rows; with fewer, an incident would be lost in noise
_APART = 9  # days between incidents, more than the week of history that checks use
_STUCK_DATES = 5


def plant_incidents(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, list[Incident]]:
    """Plant one incident of each kind, on separate dates in mid-season."""
    missed, stuck, silent, stale, ranges, half = _choose_dates(rows)
    tables = {f.name: f.upstream_table for f in contract.features}
    writers = {p.writes: p.name for p in contract.processors}
    incidents: list[Incident] = []

    def features_of(table: str) -> list[str]:
        return [name for name, upstream in tables.items() if upstream == table]

    def change_values(
        kind: str,
        days: list[date],
        features: list[str],
        text: str,
        values: dict[str, pl.Expr],
        where: pl.Expr | None = None,
    ) -> None:
        nonlocal rows
        affected = pl.col("game_date").is_in(days)
        if where is not None:
            affected &= where
        count = rows.select(affected.sum()).item()
        rows = rows.with_columns(
            pl.when(affected).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )
        describe(kind, days, features, text, count)

    def describe(kind: str, days: list[date], features: list[str], text: str, count: int) -> None:
        read = {tables[f] for f in features}
        table = read.pop() if len(read) == 1 else None
        incidents.append(
            {
                "kind": kind,
                "dates": [d.isoformat() for d in days],
                "features": features,
                "upstream_table": table,
                "processor": writers.get(table) if table else None,
                "rows_affected": count,
                "description": text,
            }
        )

    table = "player_composite_factors"
    composite = contract.group_by_table()[table]
    change_values(
        "processor_did_not_run",
        [missed],
        [f.name for f in composite],
        "a job was missing from the schedule; its features fell back to defaults",
        {f.name: pl.lit(f.expected) for f in composite}
        | {f"{f.name}__source": pl.lit("default") for f in composite}
        # The job wrote no record, so there is no timestamp and no hash.
        | {f"{table}__{fact}": pl.lit(None) for fact in ("last_updated", "data_hash")}
        | {
            "processors_completed": pl.col("processors_completed").list.filter(
                pl.element() != writers[table]
            )
        },
    )
    change_values(
        "stuck_constant",
        stuck,
        ["team_win_pct"],
        "every team has a win share of .500",
        {"team_win_pct": pl.lit(0.5)},
    )
    expected = next(f.expected for f in contract.features if f.name == "fatigue_score")
    change_values(
        "silent_default",
        [silent],
        ["fatigue_score"],
        "the expected value, but labelled phase4",
        {"fatigue_score": pl.lit(expected), "fatigue_score__source": pl.lit("phase4")},
    )
    cache = "player_daily_cache"
    late = pl.col(f"{cache}__last_updated") - pl.duration(hours=60)
    change_values(
        "stale_data",
        [stale],
        features_of(cache),
        "the cache is 60 hours older than on other days",
        {f"{cache}__last_updated": late},
    )
    known = pl.col("opponent_def_rating", "points_std_last_10").is_not_null()
    change_values(
        "range_violation",
        [ranges],
        ["points_std_last_10", "opponent_def_rating"],
        "a third of the rows hold a rating of 200 and a negative deviation",
        {"opponent_def_rating": pl.lit(200.0), "points_std_last_10": pl.lit(-2.0)},
        (pl.int_range(pl.len()) % 3 == 0) & pl.all_horizontal(known),
    )

    before = rows.height
    rows = rows.filter((pl.col("game_date") != half) | (pl.int_range(pl.len()) % 2 == 0))
    describe("missing_rows", [half], [], "half of the players are missing", before - rows.height)
    return rows, incidents


def _choose_dates(rows: pl.DataFrame) -> tuple[date, list[date], date, date, date, date]:
    """Choose full dates with full windows, five of them in a row, and all apart."""
    sizes = rows.group_by("game_date").len().sort("game_date")
    every = sizes["game_date"].to_list()
    full = set(sizes.filter(pl.col("len") >= _FULL_DAY)["game_date"].to_list())
    sixth = date(every[0].year + 1, 2, 6)
    missed = sixth if sixth in full else min(full, key=lambda d: abs((d - sixth).days))
    runs = [every[i : i + _STUCK_DATES] for i in range(len(every) - _STUCK_DATES + 1)]
    runs = [r for r in runs if (r[0] - every[0]).days > 5 * 7 and full.issuperset(r)]
    stuck = runs[0]
    free = [d for d in every if d in full and (d - stuck[-1]).days >= _APART]
    free = [d for d in free if abs((d - missed).days) >= _APART]
    silent, stale, ranges, half = (free[len(free) * i // 4] for i in range(4))
    return missed, stuck, silent, stale, ranges, half
