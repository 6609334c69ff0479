"""Writing to Delta tables: dates replaced in one transaction, and delta-rs's errors translated."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from fsq.errors import StoreError

# The ledger lives in the log, so the log must outlive the default of 30 days.
TABLE_PROPERTIES = {"delta.logRetentionDuration": "interval 3650 days"}
# Attempts on a table that others commit to at the same time.
ATTEMPTS = 8


def overwrite_dates(
    table: DeltaTable,
    rows: pa.Table,
    date_column: str,
    days: Sequence[date],
    properties: CommitProperties,
) -> int:
    """Replace all rows of these dates in one transaction; columns that the table lacks are added.

    Returns:
        The version of the table after this commit.
    """
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


def format_dates(column: str, days: Sequence[date]) -> str:
    r"""A condition for these days in the SQL of delta-rs, which folds names that are not quoted.

    >>> format_dates("flight_date", [date(2026, 2, 6)])
    '"flight_date" IN (\'2026-02-06\')'
    """
    dates = ", ".join(f"'{day.isoformat()}'" for day in days)
    return f'"{column}" IN ({dates})'


def create_table(path: str, schema: pa.Schema) -> None:
    """Create an empty table; fails if there is one."""
    write_deltalake(path, schema.empty_table(), mode="error", configuration=TABLE_PROPERTIES)


def wait_before_retry(attempt: int) -> None:
    """Wait at random, so that writers who collided do not collide again."""
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - only spreads attempts


@contextmanager
def delta_write_errors(uri: str) -> Iterator[None]:
    """Turn delta-rs's errors into ``StoreError``; a lost race stays a ``CommitFailedError``.

    Raises:
        StoreError: the table cannot be written.
    """
    try:
        yield
    except CommitFailedError:
        raise
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{uri} cannot be written: {error}") from error
    except Exception as error:
        # delta-rs raises errors of its query engine, failed casts say, as bare Exception.
        if type(error) is not Exception:
            raise
        raise StoreError(f"{uri} cannot be written: {error}") from error
