"""Healthy rows of a few dates, and ways to break the last one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

import fsq

CONTRACT = fsq.load_contract()
LAST = date(2026, 2, 10)
TABLES: dict[str, list[str]] = {}
for _f in CONTRACT.features:
    TABLES.setdefault(_f.upstream_table, []).append(_f.name)


def make_days(count: int = 9, per_day: int = 120, seed: int = 0) -> pl.DataFrame:
    """Healthy rows: every feature varies within its range and comes from phase 4, fresh."""
    rng = np.random.default_rng(seed)
    dates = [LAST - timedelta(days=count - 1 - i) for i in range(count)]
    n = count * per_day
    columns: dict[str, Any] = {
        "player_lookup": [f"player{i % per_day:03}" for i in range(n)],
        "game_date": [d for d in dates for _ in range(per_day)],
        "game_id": [f"g{i // 30}" for i in range(n)],
    }
    for f in CONTRACT.features:
        low, high = f.min + 0.3 * (f.max - f.min), f.min + 0.7 * (f.max - f.min)
        columns[f.name] = rng.uniform(low, high, n)
        columns[f"{f.name}__source"] = ["phase4"] * n
    has_line = pl.int_range(pl.len()) % 2 == 0
    optional = [f.name for f in CONTRACT.features if f.optional]
    midnight = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(columns).with_columns(
        *(pl.when(has_line).then(pl.col(n)).alias(n) for n in optional),
        *((midnight + pl.duration(hours=9)).alias(f"{t}__last_updated") for t in TABLES),
        last_5__sample_size=pl.lit(5),
        last_10__sample_size=pl.lit(10),
        processors_completed=pl.lit([p.name for p in CONTRACT.processors]),
    )


def change_last(rows: pl.DataFrame, **values: pl.Expr) -> pl.DataFrame:
    """Other values on the last date."""
    hit = pl.col("game_date") == LAST
    return rows.with_columns(
        pl.when(hit).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
    )


def default_values(names: list[str]) -> dict[str, pl.Expr]:
    """Values and sources of features that fell back to their defaults."""
    expected = {f.name: f.expected for f in CONTRACT.features}
    return {n: pl.lit(expected[n], pl.Float64) for n in names} | {
        f"{n}__source": pl.lit("default") for n in names
    }


def diagnose_last(rows: pl.DataFrame, **options: Any) -> fsq.Diagnosis:
    """Diagnose the last date; the others are its history."""
    return fsq.diagnose(fsq.score(rows), dates=[LAST], **options)


def list_serious(dx: fsq.Diagnosis) -> list[fsq.Finding]:
    """Findings that are not for information only."""
    return [f for f in dx.findings if f.severity != "info"]
