"""A small Delta table beside a store, with one summary row per date."""

from __future__ import annotations

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError, StoreRefusedError
from fsq.schema.arrow import to_arrow
from fsq.stores.delta.location import locate
from fsq.stores.delta.table import LakeTable
from fsq.stores.delta.write import format_dates
from fsq.stores.read_errors import first_line

_ATTEMPTS = 5


def replace_dates(path: str, rows: pl.DataFrame) -> int:
    """Replace the rows of these dates, all at once; other dates are not touched.

    The first column of the rows is their date.

    Returns:
        The version of the table; unchanged if it already held exactly these rows.

    Raises:
        StoreError: the folder is not a Delta table, or cannot be written.
    """
    try:
        return _replace(path, rows)
    except (DeltaError, OSError) as error:
        raise StoreError(f"{path} cannot be written: {first_line(error)}") from error


def _replace(path: str, rows: pl.DataFrame) -> int:
    place = locate(path)
    exists = place.is_table()
    if not exists and place.is_occupied():
        problem = f"{path} is not a Delta table; move it away, or name another store"
        raise StoreRefusedError(problem)
    place.require_atomic_writes()
    date_column = rows.columns[0]
    days = rows[date_column].unique().sort().to_list()
    if not exists:
        write_deltalake(path, to_arrow(rows).slice(0, 0), mode="ignore")
    for remaining in reversed(range(_ATTEMPTS)):
        table = LakeTable(path)
        old = pl.scan_delta(table).filter(pl.col(date_column).is_in(days)).collect()
        if old.columns == rows.columns and old.sort(date_column).equals(rows):
            break
        try:
            write_deltalake(
                table,
                to_arrow(rows),
                mode="overwrite",
                schema_mode="merge",
                predicate=format_dates(date_column, days),
            )
            break
        except CommitFailedError:  # safe to retry: whole dates are replaced
            if not remaining:
                raise
    return int(DeltaTable(path).version())
