"""Scored rows for the tests of training sets, and a slow truth about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import fsq
from tests.support.frames import CONTRACT, NAMES, wide

KEYS = ["game_date", "player_lookup"]


def make_rows(records: int = 400, seed: int = 1, share: float = 0.02) -> pl.DataFrame:
    """Make scored rows that are mostly sound, with a label and some faults of every kind."""
    rng = np.random.default_rng(seed)
    plain = wide(records, days=8, seed=seed)
    sound = plain.with_columns(
        *(pl.lit("phase4").alias(f"{n}__source") for n in NAMES),
        *(
            pl.Series(n, rng.uniform(f.min, f.max, records))
            for n, f in zip(NAMES, CONTRACT.features, strict=True)
        ),
    )
    faulty = [pl.Series(rng.random(records) < share) for _ in NAMES]
    mixed = sound.with_columns(
        pl.when(bad).then(plain[c]).otherwise(pl.col(c)).alias(c)
        for n, bad in zip(NAMES, faulty, strict=True)
        for c in (n, f"{n}__source")
    )
    noon = pl.col("game_date").cast(pl.Datetime("us", "UTC"))
    late = pl.lit(pl.Series(rng.choice([6, 20, 30, 60], records, p=[0.7, 0.1, 0.1, 0.1])))
    at = rng.choice(3, records, p=[0.2, 0.1, 0.7])
    sizes = pl.Series([None, 0, 6], dtype=pl.Int64).gather(at)
    labels = pl.Series([None, np.nan, 12.0, 20.5, 3.0], strict=False).gather(rng.choice(5, records))
    return fsq.score(
        mixed.with_columns(
            points=labels,
            team=pl.Series(rng.choice(["A", "B"], records)),
            player_daily_cache__last_updated=noon + pl.duration(hours=24) - pl.duration(hours=late),
            vs_opponent__sample_size=sizes,
        )
    )


SCORED = make_rows()


def list_kept(scored: pl.DataFrame, mode: str) -> list[dict[str, Any]]:
    """List what a training set keeps, record by record."""
    out = []
    for record in scored.sort(KEYS).to_dicts():
        if record.get("points") is None or not np.isfinite(record["points"]):
            continue
        kept, values = True, {}
        for f in record["feature_quality_detail"]:
            fault = f["feature_quality_tier"] == "poor"
            feature = CONTRACT.features[f["feature_index"]]
            empty = (
                f["is_default"]
                and f["sample_size"] == 0
                and feature.window in ("season", "vs_opponent")
            )
            kept &= not (fault and not feature.optional and not empty)
            masked = fault and mode == "mask"
            values[f["feature_name"]] = None if masked else f["feature_value"]
        if mode != "drop" or (kept and record["is_training_ready"]):
            names = {k: record[k] for k in ("player_lookup", "game_date", "points")}
            out.append(names | values)
    return out
