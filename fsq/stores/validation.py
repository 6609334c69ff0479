"""Checks that every store makes of the rows to write."""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa

from fsq.contract.table import Table
from fsq.errors import InputError


def validate_keys(rows: pa.Table, table: Table) -> list[date]:
    """Check the keys of rows, and return their dates in order.

    Args:
        rows: the rows to write.
        table: which columns their key has.

    Raises:
        InputError: a key is missing, NULL or duplicated.
    """
    missing = set(table.key) - set(rows.column_names)
    if missing:
        raise InputError([f"no column {c}" for c in sorted(missing)], "the rows cannot be stored")
    keys = pl.DataFrame(rows.select(table.key))
    problems = [
        f"{c}: NULL in {n} rows" for c, n in keys.null_count().row(0, named=True).items() if n
    ]
    duplicates = keys.height - keys.n_unique() if keys.height else 0
    if duplicates:
        problems.append(f"duplicate keys: {duplicates} rows too many; keep one row per key")
    if problems:
        raise InputError(problems, "the rows cannot be stored")
    days: list[date] = keys[table.date].unique().sort().to_list()
    return days
