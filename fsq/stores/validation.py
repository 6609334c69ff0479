"""Checks that every store makes of its arguments and of the rows to write."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl
import pyarrow as pa

from fsq.contract.table import Table
from fsq.errors import InputError, StoreError, StoreRefusedError
from fsq.schema.nested import selectable_names
from fsq.schema.tables import AnyRows, read_rows
from fsq.utils.frames import count_duplicates
from fsq.utils.spelling import suggest_spelling

CANNOT_READ = "the store cannot be read"
_CANNOT_STORE = "the rows cannot be stored"


def require_columns(columns: Iterable[str], schema: pl.Schema, uri: str) -> None:
    """Refuse to read columns that a store's table lacks, or fields that its detail lacks.

    Raises:
        StoreError: with the names of those that it lacks.
        StoreRefusedError: it has them, spelled differently.
    """
    existing = selectable_names(schema)
    if missing := [c for c in columns if c not in existing]:
        if hints := suggest_spelling(missing, schema):
            raise StoreRefusedError(
                f"{uri} lacks the columns {missing}, or spells them differently: {hints}; rename "
                "them, or backfill it as a source into another store"
            )
        raise StoreError(f"{uri} lacks the columns {missing}; backfill it again")


def read_scored(scored: AnyRows) -> pl.DataFrame | pa.Table:
    """Rows to write, as a frame or an Arrow table.

    Raises:
        InputError: they are not a table of any library.

    >>> read_scored({"quality_tier": ["gold"]}).height
    1
    """
    if isinstance(scored, pa.Table):
        return scored
    return read_rows(scored, "scored", _CANNOT_STORE).lazy().collect()


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
        raise InputError([f"no column {c}" for c in sorted(missing)], _CANNOT_STORE)
    keys = pl.DataFrame(rows.select(table.key))
    validate_written(keys.lazy(), table)
    days: list[date] = keys[table.date].unique().sort().to_list()
    return days


def validate_written(rows: pl.LazyFrame, table: Table) -> None:
    """Check the keys of rows that may be more than memory holds.

    Raises:
        InputError: a key is NULL or duplicated.
    """
    keys = rows.select(table.key)
    nulls = keys.select(pl.all().null_count()).collect(engine="streaming").row(0, named=True)
    problems = [f"{c}: NULL in {n} rows" for c, n in nulls.items() if n]
    if duplicates := count_duplicates(keys):
        problems.append(f"duplicate keys: {duplicates} rows too many; keep one row per key")
    if problems:
        raise InputError(problems, _CANNOT_STORE)
