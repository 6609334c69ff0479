"""Checks that every store makes of the rows to write."""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa

from fsq.contract.v2 import KEYS
from fsq.errors import InputError


def validate_keys(table: pa.Table) -> list[date]:
    """Check the keys of rows, and return their dates in order.

    Raises:
        InputError: a key is missing, NULL or duplicated.
    """
    missing = set(KEYS) - set(table.column_names)
    if missing:
        raise InputError([f"no column {c}" for c in sorted(missing)], "the rows cannot be stored")
    keys = pl.DataFrame(table.select(KEYS))
    problems = [
        f"{c}: NULL in {n} rows" for c, n in keys.null_count().row(0, named=True).items() if n
    ]
    duplicates = keys.height - keys.n_unique() if keys.height else 0
    if duplicates:
        problems.append(f"duplicate keys: {duplicates} rows too many; keep one row per key")
    if problems:
        raise InputError(problems, "the rows cannot be stored")
    days: list[date] = keys["game_date"].unique().sort().to_list()
    return days
