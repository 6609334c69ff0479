"""What is measured: a simulated day or seasons, or a table of one's own, as Parquet files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fsq.backfill.source import scan_source, source_read_errors
from fsq.errors import InputError

DAY_ROWS = 200
CASES = {"day": 1, "season": 1, "ten-seasons": 10}


def inputs(source: str | None, case: str, folder: Path) -> list[Path]:
    """Write what a case measures into a folder, and name the files.

    Args:
        source: one's own feature rows; None to simulate.
        case: a word of ``CASES``; with a source, a day is its fullest date, and ten seasons are
            ten copies of it, one after another.
        folder: where the files go; it exists.
    """
    if source is None:
        from fsq.demo import simulate_season

        rows = simulate_season().rows
    else:
        with source_read_errors(source):
            rows = scan_source(source).collect()
    if rows.is_empty() or rows.schema.get("game_date") != pl.Date:
        raise InputError([f"{source}: there is no row with a game_date; name feature rows"])
    if case == "day":
        rows = a_day(rows)
    return copies(rows, range(CASES[case]), folder)


def a_day(rows: pl.DataFrame) -> pl.DataFrame:
    """The first date of 200 rows or more, cut to 200; the fullest date where none has as many."""
    sizes = rows.group_by("game_date").len().sort("game_date")
    full = sizes.filter(pl.col("len") >= DAY_ROWS)
    day = full["game_date"][0] if full.height else sizes.sort("len")["game_date"][-1]
    return rows.filter(pl.col("game_date") == day).head(DAY_ROWS)


def copies(rows: pl.DataFrame, which: range, folder: Path) -> list[Path]:
    """Write copies of rows, one file each; copy 1 begins after copy 0 ends, and so on."""
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
