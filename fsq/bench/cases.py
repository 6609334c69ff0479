"""What to measure: a simulated day or seasons, or your own table, as Parquet files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fsq.backfill.source import scan_source, source_read_errors
from fsq.errors import InputError

HEADLINE = "the benchmark cannot run"
DAY_ROWS = 200
CASES = {"day": 1, "season": 1, "ten-seasons": 10}


def write_inputs(source: str | None, case: str, folder: Path) -> list[Path]:
    """Write the rows of a case into a folder, and return the files.

    Args:
        source: your feature rows; None to simulate them.
        case: a key of ``CASES``. With a source, a day is one of its dates, and ten seasons are ten
            copies of it with later and later dates.
        folder: an existing folder.

    Raises:
        InputError: the source cannot be read, or has no rows with a ``game_date``.
    """
    if source is None:
        from fsq.demo import simulate_season

        rows = simulate_season().rows
    else:
        with source_read_errors(source):
            rows = scan_source(source).collect()
    if rows.is_empty() or rows.schema.get("game_date") != pl.Date:
        raise InputError([f"{source}: no rows with a game_date; pass feature rows"], HEADLINE)
    if case == "day":
        rows = select_day(rows)
    return write_copies(rows, range(CASES[case]), folder)


def select_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Take 200 rows of the first date that has as many; else the date with the most rows."""
    sizes = rows.group_by("game_date").len().sort("game_date")
    full = sizes.filter(pl.col("len") >= DAY_ROWS)
    day = full["game_date"][0] if full.height else sizes.sort("len")["game_date"][-1]
    return rows.filter(pl.col("game_date") == day).head(DAY_ROWS)


def write_copies(rows: pl.DataFrame, which: range, folder: Path) -> list[Path]:
    """Write copies of the rows, one file each, and each with later dates than the one before."""
    first, last = rows["game_date"].min(), rows["game_date"].max()
    weeks = (last - first).days // 7 + 1  # type: ignore[operator, union-attr]
    moments = [c for c, t in rows.schema.items() if isinstance(t, pl.Date | pl.Datetime)]
    paths = []
    for i in which:
        path = folder / f"rows_{i:02}.parquet"
        later = pl.col(moments).dt.offset_by(f"{weeks * i}w")
        rows.with_columns(later).write_parquet(path)
        paths.append(path)
    return paths
