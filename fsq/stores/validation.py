"""What every store asks of the rows that it is given."""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa

from fsq.errors import InputError
from fsq.schema.columns import KEYS


def validate_keys(table: pa.Table) -> list[date]:
    """The dates of the rows, in order.

    Raises:
        InputError: a key is absent, NULL or twice.
    """
    lacking = set(KEYS) - set(table.column_names)
    if lacking:
        raise InputError([f"no column {c}" for c in sorted(lacking)], "the rows cannot be stored")
    keys = pl.DataFrame(table.select(KEYS))
    problems = [
        f"{c}: NULL in {n} rows" for c, n in keys.null_count().row(0, named=True).items() if n
    ]
    twice = keys.height - keys.n_unique() if keys.height else 0
    if twice:
        problems.append(f"duplicate keys: {twice} rows too many; keep one row for each")
    if problems:
        raise InputError(problems, "the rows cannot be stored")
    days: list[date] = keys["game_date"].unique().sort().to_list()
    return days
