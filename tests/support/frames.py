"""Small feature rows for tests, in every form that fsq reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

import fsq

CONTRACT = fsq.load_contract("v2_33features")
NAMES = CONTRACT.names


def wide(records: int = 40, days: int = 4, seed: int = 0) -> pl.DataFrame:
    """Wide rows with every word, some NULLs and values beyond their ranges."""
    rng = np.random.default_rng(seed)
    words = np.array(list(CONTRACT.sources))
    per_day = -(-records // days)
    columns: dict[str, object] = {
        "player_lookup": [f"player{i % per_day}" for i in range(records)],
        "game_date": [date(2026, 1, 1) + timedelta(days=i // per_day) for i in range(records)],
        "game_id": [f"00225{i // per_day:05}" for i in range(records)],
    }
    for f in CONTRACT.features:
        spread = f.max - f.min
        values = f.min + spread * rng.uniform(-0.05, 1.05, records)
        columns[f.name] = [None if rng.random() < 0.1 else float(v) for v in values]
        columns[f"{f.name}__source"] = words[rng.integers(0, len(words), records)].tolist()
    return pl.DataFrame(columns)


def _json(names: list[str]) -> pl.Expr:
    words = [
        pl.concat_str(pl.lit(f'"{i}":"'), pl.col(f"{n}__source"), pl.lit('"'))
        for i, n in enumerate(names)
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(words, separator=","), pl.lit("}"))


def legacy(rows: pl.DataFrame, names: list[str] | None = None) -> pl.DataFrame:
    """The same rows as arrays, in the given order of features."""
    order = list(names or NAMES)
    return rows.select(
        "player_lookup",
        "game_date",
        "game_id",
        features=pl.concat_list(order),
        feature_names=pl.lit(order),
        feature_sources=_json(order),
    )


def hybrid(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows as flat numbered columns."""
    return rows.select(
        "player_lookup",
        "game_date",
        "game_id",
        *(pl.col(n).alias(f"feature_{i}_value") for i, n in enumerate(NAMES)),
        *(pl.col(f"{n}__source").alias(f"feature_{i}_source") for i, n in enumerate(NAMES)),
    )


# The same rows in every form that fsq reads; the tests of intake and the fuzzer run on each.
FORMS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "wide": lambda rows: rows,
    "legacy": legacy,
    "hybrid": hybrid,
    "scored": fsq.score,
}
