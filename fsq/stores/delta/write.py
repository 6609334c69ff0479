"""Writing to Delta tables: dates replaced in one transaction, and delta-rs's errors translated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError, StoreRefusedError
from fsq.stores.delta.location import locate
from fsq.stores.delta.protocol import (
    append_only_error,
    is_append_only,
    list_rules,
)
from fsq.stores.read_errors import first_line

# The ledger lives in the log, so the log must outlive the default of 30 days.
TABLE_PROPERTIES = {"delta.logRetentionDuration": "interval 3650 days"}
# What delta-rs says when a table's rules refuse rows, and when it can never write a table.
_INVALID_ROWS = "Invalid data found"
_NEVER = ("append-only", "Unsupported table features")
# What its query engine says of rules that name what is not there.
_UNPLANNED = ("Error during planning", "Schema error")


def overwrite_dates(
    table: DeltaTable,
    rows: pa.Table,
    date_column: str,
    days: Sequence[date],
    properties: CommitProperties,
    uri: str,
) -> int:
    """Replace all rows of these dates in one transaction; columns that the table lacks are added.

    Returns:
        The version of the table after this commit.

    Raises:
        StoreRefusedError: the table is append-only and has rows of these dates, or its place
            has no atomic writes.
    """
    locate(uri).require_atomic_writes()
    if is_append_only(table):
        if found := find_dates(table, date_column, days):
            raise append_only_error(uri, found)
        write_deltalake(
            table, rows, mode="append", schema_mode="merge", commit_properties=properties
        )
        return int(table.version())
    write_deltalake(
        table,
        rows,
        mode="overwrite",
        schema_mode="merge",
        predicate=format_dates(date_column, days),
        commit_properties=properties,
    )
    # The writer leaves the table at its own version, whoever has committed since.
    return int(table.version())


def find_dates(table: DeltaTable, date_column: str, days: Sequence[date]) -> list[date]:
    """Which of these dates the table has rows of."""
    if not days:
        return []
    batches = table.scan(columns=[date_column], predicate=format_dates(date_column, days))
    found: list[date] = pl.DataFrame(batches).to_series().unique().sort().to_list()
    return found


def format_dates(column: str, days: Sequence[date]) -> str:
    r"""A condition for these days in the SQL of delta-rs, which folds names that are not quoted.

    >>> format_dates("flight_date", [date(2026, 2, 6)])
    '"flight_date" IN (\'2026-02-06\')'
    """
    dates = ", ".join(f"'{day.isoformat()}'" for day in days)
    return f'"{column}" IN ({dates})'


def create_table(path: str, schema: pa.Schema) -> None:
    """Create an empty table; fails if there is one.

    Raises:
        StoreRefusedError: the place has no atomic writes.
    """
    locate(path).require_atomic_writes()
    write_deltalake(path, schema.empty_table(), mode="error", configuration=TABLE_PROPERTIES)


@contextmanager
def delta_write_errors(uri: str, table: DeltaTable | None = None) -> Iterator[None]:
    """Turn delta-rs's errors into ``StoreError``; a lost race stays a ``CommitFailedError``.

    Args:
        uri: the store.
        table: the table, whose rules are named where it refuses rows; None if they are unknown.

    Raises:
        StoreError: the table cannot be written.
        StoreRefusedError: its rules refuse the rows, or it can never be written.
    """
    try:
        yield
    except CommitFailedError as error:
        if not any(word in str(error) for word in _NEVER):
            raise
        raise StoreRefusedError(f"{uri} cannot be written: {first_line(error)}") from error
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise _translate(error, uri, table) from error
    except Exception as error:
        # delta-rs raises errors of its query engine, failed casts say, as bare Exception.
        if type(error) is not Exception:
            raise
        raise _translate(error, uri, table) from error


def _translate(error: Exception, uri: str, table: DeltaTable | None) -> StoreError:
    line = first_line(error)
    rules = "; ".join(list_rules(table)[:5]) if table is not None else ""
    if rules and any(words in line for words in _UNPLANNED):
        reason = line.rpartition(": ")[2]
        return StoreRefusedError(
            f"{uri} cannot be written: its rules ({rules}) cannot be checked: {reason}; drop them"
        )
    if _INVALID_ROWS not in line:
        return StoreError(f"{uri} cannot be written: {line}")
    count = re.search(r"(\d+) rows failed", line)
    return StoreRefusedError(
        f"{uri} refuses {count[1] if count else 'some'} of the rows: they break its rules"
        f"{f' ({rules})' if rules else ''}; correct the rows, or drop the rules"
    )
