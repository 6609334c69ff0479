"""A small Delta table beside a store, with one summary row per date."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores.delta.table import LocalTable
from fsq.stores.delta.write import format_dates

_ATTEMPTS = 5


def replace_dates(path: Path, rows: pl.DataFrame) -> int:
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
        raise StoreError(f"{path} cannot be written: {error}") from error


def _replace(path: Path, rows: pl.DataFrame) -> int:
    if path.exists() and not DeltaTable.is_deltatable(str(path)):
        raise StoreError(f"{path} is not a Delta table; move it away, or name another store")
    date_column = rows.columns[0]
    days = rows[date_column].unique().sort().to_list()
    if not path.exists():
        write_deltalake(str(path), to_arrow(rows).slice(0, 0), mode="ignore")
    for remaining in reversed(range(_ATTEMPTS)):
        table = LocalTable(str(path))
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
    return int(DeltaTable(str(path)).version())
