"""Healthy rows of a second table: three keys, a moment in a time zone, groups, few features."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

import fsq

DELIVERIES = fsq.load_contract(Path(__file__).with_name("deliveries.toml"))
LAST_DAY = date(2026, 3, 12)  # summer time began on 8 March


def make_deliveries(days: int = 9, per_day: int = 80, seed: int = 0) -> pl.DataFrame:
    """Healthy rows, 10 of each truck; half of them with weather, a quarter with a coupon."""
    rng = np.random.default_rng(seed)
    n = days * per_day
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    rows = pl.DataFrame({f.name: rng.uniform(30, 70, n) for f in DELIVERIES.features})
    first = LAST_DAY - timedelta(days=days - 1)
    evening = (first + pl.duration(days=place // per_day)).cast(pl.Datetime("us"))
    return rows.with_columns(
        shop=pl.format("shop {}", place % 4),
        shelf=place % per_day,
        product=pl.when(place % 2 == 0).then(pl.lit("tea")).otherwise(pl.lit("milk")),
        # In the evening of New York it is already the next date in UTC.
        arrives_at=(evening + pl.duration(hours=21)).dt.replace_time_zone("America/New_York"),
        truck_id=pl.format("truck {}", place // 10),
        coupon=pl.when(place % 4 == 0).then("coupon"),
        temperature=pl.when(place % 2 == 0).then("temperature"),
        rain=pl.when(place % 2 == 0).then("rain"),
        units_avg_last_8__sample_size=pl.lit(8),
    ).with_columns(
        (pl.col("arrives_at") - pl.duration(hours=2))
        .dt.convert_time_zone("UTC")
        .alias(f"{table}__last_updated")
        for table in ("prices", "stock_history", "weather_api")
    )
