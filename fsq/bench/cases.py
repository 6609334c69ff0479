"""What to measure: a simulated day or seasons, or your own table, as Parquet files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fsq.backfilling.source import scan_source, source_read_errors
from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.preparation import prepare_rows

HEADLINE = "the benchmark cannot run"
DAY_ROWS = 200
CASES = {"day": 1, "season": 1, "ten-seasons": 10}


def read_rows(source: str | None, contract: Contract) -> pl.DataFrame:
    """Your feature rows, or simulated ones.

    Raises:
        InputError: the source cannot be read, or has no rows with dates.
    """
    if source is None:
        from fsq.demo import simulate_rows

        rows = simulate_rows(contract)
    else:
        with source_read_errors(source):
            rows = prepare_rows(scan_source(source).collect(), contract)
    day = contract.table.date
    if rows.is_empty() or rows.schema.get(day) != pl.Date:
        raise InputError([f"{source}: no rows with a {day}; pass feature rows"], HEADLINE)
    return rows


def write_inputs(source: str | None, case: str, folder: Path, contract: Contract) -> list[Path]:
    """Write the rows of a case into a folder, and return the files.

    Args:
        source: your feature rows; None to simulate them.
        case: a key of ``CASES``. With a source, a day is one of its dates, and ten seasons are ten
            copies of it with later and later dates.
        folder: an existing folder.
        contract: of the rows.

    Raises:
        InputError: the source cannot be read, or has no rows with dates.
    """
    rows = read_rows(source, contract)
    if case == "day":
        rows = select_day(rows, contract)
    return write_copies(rows, range(CASES[case]), folder, contract)


def select_day(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Take 200 rows of the first date that has as many; else the date with the most rows."""
    days = rows[contract.table.date]
    sizes = pl.DataFrame({"day": days}).drop_nulls().group_by("day").len().sort("day")
    full = sizes.filter(pl.col("len") >= DAY_ROWS)
    day = full["day"][0] if full.height else sizes.sort("len")["day"][-1]
    return rows.filter(days == day).head(DAY_ROWS)


def write_copies(rows: pl.DataFrame, which: range, folder: Path, contract: Contract) -> list[Path]:
    """Write copies of the rows, one file each, and each with later dates than the one before."""
    first, last = rows[contract.table.date].min(), rows[contract.table.date].max()
    weeks = (last - first).days // 7 + 1  # type: ignore[operator, union-attr]
    moments = [c for c, t in rows.schema.items() if isinstance(t, pl.Date | pl.Datetime)]
    paths = []
    for i in which:
        path = folder / f"rows_{i:02}.parquet"
        later = pl.col(moments).dt.offset_by(f"{weeks * i}w")
        rows.with_columns(later).write_parquet(path)
        paths.append(path)
    return paths
