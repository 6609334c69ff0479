"""Simulates rows from a seed: a basketball season, or the table of any contract."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, load_contract
from fsq.demo.any_table import simulate_table
from fsq.demo.boxscores import (
    LARGEST_ROSTER,
    SMALLEST_ROSTER,
    make_players,
    simulate_box_scores,
    simulate_team_games,
)
from fsq.demo.features import compute_team_form, make_feature_rows
from fsq.demo.incidents import plant_incidents
from fsq.demo.schedule import make_schedule
from fsq.errors import InputError, StoreError
from fsq.schema.arrow import to_arrow
from fsq.schema.columns import UTC_MICROS
from fsq.utils.files import read_target

_HEADLINE = "the season cannot be simulated"

__all__ = [
    "DemoReceipt",
    "Season",
    "simulate_rows",
    "simulate_season",
    "simulate_table",
    "write_demo",
]


@dataclass(frozen=True)
class Season:
    """Feature rows in wide form, and the incidents planted in them."""

    rows: pl.DataFrame
    incidents: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DemoReceipt:
    """What ``write_demo`` has written."""

    rows_path: Path
    incidents_path: Path
    rows: int
    dates: int
    incidents: int


def simulate_season(
    season: str = "2025-26", seed: int = 7, players_per_team: int = 15, incidents: bool = True
) -> Season:
    """Simulate a season; the same season and seed give the same rows.

    Args:
        season: two years, such as ``2025-26``.
        seed: of the random numbers.
        players_per_team: rows per team and game.
        incidents: whether to plant incidents.

    Raises:
        InputError: the season has another form, or ``players_per_team`` is out of range.

    >>> season = simulate_season(seed=1)
    >>> sorted(p["kind"] for p in season.incidents)[:2]
    ['missing_rows', 'processor_did_not_run']
    """
    match = re.fullmatch(r"(\d{4})-(\d{2})", season)
    if not match or not 1946 <= int(match[1]) < 2100 or (int(match[1]) + 1) % 100 != int(match[2]):
        raise InputError([f"season {season!r}: write two years, such as 2025-26"], _HEADLINE)
    if not SMALLEST_ROSTER <= players_per_team <= LARGEST_ROSTER:
        limits = f"{SMALLEST_ROSTER} to {LARGEST_ROSTER}"
        raise InputError([f"players_per_team is {players_per_team}; use {limits}"], _HEADLINE)
    rng = np.random.default_rng([int(match[1]), seed])
    contract = load_contract("v2_33features")
    teams = simulate_team_games(make_schedule(int(match[1]), rng), rng)
    box = simulate_box_scores(make_players(rng, players_per_team), teams, rng)
    rows = _add_run_columns(
        make_feature_rows(box, compute_team_form(teams), contract), contract, rng
    )
    if not incidents:
        return Season(rows, [])
    return Season(*plant_incidents(rows, contract))


def simulate_rows(contract: Contract, incidents: bool = True) -> pl.DataFrame:
    """Simulate a contract's rows: a season where it has no other features, else its table.

    Args:
        contract: of the rows.
        incidents: whether to plant incidents.
    """
    season = load_contract("v2_33features")
    if contract.table == season.table and set(contract.names) <= set(season.names):
        return simulate_season(incidents=incidents).rows
    return simulate_table(contract, incidents=incidents)[0]


def _add_run_columns(
    rows: pl.DataFrame, contract: Contract, rng: np.random.Generator
) -> pl.DataFrame:
    """Add when each table was written, its hashes, and which jobs ran."""
    tables = contract.group_by_table()
    midnight = pl.col("game_date").cast(UTC_MICROS)
    moments = {
        f"{table}__last_updated": midnight + pl.duration(hours=9, minutes=7 * i)
        for i, table in enumerate(tables)
    }
    hashes = {f"{table}__data_hash": _draw_hashes(rows, table, rng) for table in tables}
    jobs = [p.name for p in contract.processors]
    day = pl.col("game_date").cast(pl.String)
    return rows.with_columns(
        **moments,
        **hashes,
        computed_at=midnight + pl.duration(hours=12),
        pipeline_run_id=pl.lit("run-") + day,
        processors_completed=pl.lit(jobs),
    )


def _draw_hashes(rows: pl.DataFrame, table: str, rng: np.random.Generator) -> pl.Series:
    """Draw sixteen hex digits per source record, shared by all rows that read it."""
    keys = {
        "team_defense_zone_analysis": ["opponent_team_abbr", "game_date"],
        "team_offense_game_summary": ["team_abbr", "game_date"],
    }.get(table, ["player_lookup", "game_date"])
    record = rows.select(pl.struct(keys).rank("dense") - 1).to_series().to_numpy()
    digits = rng.integers(0, 16, (int(record.max()) + 1, 16))
    return pl.Series(np.array(list("0123456789abcdef"))[digits].view("U16").ravel()[record])


def write_demo(
    directory: Path,
    *,
    season: str = "2025-26",
    seed: int = 7,
    contract: str | Path | Contract | None = None,
) -> DemoReceipt:
    """Write simulated rows as Parquet, and their incidents as JSON beside them.

    Args:
        directory: where to write; it is created if it does not exist.
        season: two years, such as ``2025-26``; without a contract.
        seed: of the random numbers.
        contract: simulate the table of this contract, not a season.

    Raises:
        InputError: the season has another form, or the folder is a URL.
        ContractError: the contract cannot be used.
        StoreError: the folder cannot be written.
    """
    import pyarrow.parquet as pq

    directory = read_target(directory)
    if contract is None:
        simulated, day = simulate_season(season, seed), "game_date"
        what, name = {"season": season}, f"season_{season}"
    else:
        loaded = load_contract(contract)
        simulated, day = Season(*simulate_table(loaded, seed)), loaded.table.date
        what, name = {"contract": loaded.name}, loaded.name
    path, notes = directory / f"{name}.parquet", directory / "incidents.json"
    dates = simulated.rows[day].n_unique()
    facts = {
        **what,
        "seed": seed,
        "rows": simulated.rows.height,
        "dates": dates,
        "incidents": simulated.incidents,
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # Arrow takes what is before a colon for a scheme
            pq.write_table(to_arrow(simulated.rows), file, compression="zstd")
        notes.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error}") from error
    return DemoReceipt(path, notes, simulated.rows.height, dates, len(simulated.incidents))
