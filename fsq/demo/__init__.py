"""A seeded season: schedule, box scores and features are simulated, incidents are planted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import load_contract
from fsq.demo.boxscores import box_scores, players, team_games
from fsq.demo.features import feature_rows, team_form
from fsq.demo.incidents import plant
from fsq.demo.schedule import schedule
from fsq.errors import InputError, StoreError
from fsq.schema import UTC_MICROS, to_arrow


@dataclass(frozen=True)
class Season:
    """Feature rows of the wide form, and what was planted in them."""

    rows: pl.DataFrame
    planted: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DemoReceipt:
    """What ``write_demo`` wrote."""

    rows_path: Path
    incidents_path: Path
    rows: int
    dates: int
    incidents: int


def simulate_season(season: str = "2025-26", seed: int = 7, *, incidents: bool = True) -> Season:
    """Simulate a season; the same season and seed give the same rows.

    Args:
        season: such as ``2025-26``.
        seed: of everything random.
        incidents: whether to plant some.

    Raises:
        InputError: the season is not written like ``2025-26``.

    >>> season = simulate_season(seed=1)
    >>> sorted(p["kind"] for p in season.planted)[:2]
    ['missing_rows', 'processor_did_not_run']
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", season)
    if not match or not 1946 <= int(match[1]) < 2100 or (int(match[1]) + 1) % 100 != int(match[2]):
        raise InputError([f"season {season!r}: write the two years such as 2025-26"])
    rng = np.random.default_rng([int(match[1]), seed])
    contract = load_contract("v2_33features")
    teams = team_games(schedule(int(match[1]), rng), rng)
    box = box_scores(players(rng), teams, rng)
    rows = _with_run(feature_rows(box, team_form(teams), contract))
    planted: list[dict[str, Any]] = []
    if incidents:
        rows, planted = plant(rows, contract)
    return Season(rows, planted)


def _with_run(rows: pl.DataFrame) -> pl.DataFrame:
    """Upstream's own facts: when each table was written, its hashes, which jobs ran."""
    contract = load_contract("v2_33features")
    tables = dict.fromkeys(f.upstream_table for f in contract.features)
    midnight = pl.col("game_date").cast(UTC_MICROS)
    moments = {
        f"{table}__last_updated": midnight + pl.duration(hours=9, minutes=7 * i)
        for i, table in enumerate(tables)
    }
    hashes = {
        f"{table}__data_hash": pl.struct("player_lookup", "game_date")
        .hash(seed=i)
        .cast(pl.String)
        .str.tail(12)
        for i, table in enumerate(tables)
    }
    jobs = [p.name for p in contract.processors]
    day = pl.col("game_date").cast(pl.String)
    return rows.with_columns(
        **moments, **hashes,
        computed_at=midnight + pl.duration(hours=12),
        pipeline_run_id=pl.lit("run-") + day,
        processors_completed=pl.lit(jobs),
    )  # fmt: skip


def write_demo(directory: Path, *, season: str = "2025-26", seed: int = 7) -> DemoReceipt:
    """Write a simulated season as Parquet, and what was planted as JSON beside it.

    Args:
        directory: made if absent; nothing outside of it is written.
        season: such as ``2025-26``.
        seed: of everything random.

    Raises:
        InputError: the season is misspelt.
        StoreError: the folder cannot be written.
    """
    import pyarrow.parquet as pq

    made = simulate_season(season, seed)
    path, notes = directory / f"season_{season}.parquet", directory / "incidents.json"
    dates = made.rows["game_date"].n_unique()
    facts = {"season": season, "seed": seed, "rows": made.rows.height, "dates": dates,
             "incidents": made.planted}  # fmt: skip
    try:
        directory.mkdir(parents=True, exist_ok=True)
        pq.write_table(to_arrow(made.rows), path, compression="zstd")
        notes.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error}") from error
    return DemoReceipt(path, notes, made.rows.height, dates, len(made.planted))
