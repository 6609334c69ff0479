"""Staging tables: rows are written beside the target, verified, merged, and verified again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import GoogleAPIError

from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.merge import Merge
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.own import list_tagged, make_own_table
from fsq.stores.bigquery.verify import RowCounts, verify_counts

# Orphaned staging tables expire after a day.
STAGING_LIFETIME = timedelta(days=1)

log = logging.getLogger("fsq")


def create_staging(
    clients: Clients, target: TableName, table: Any, columns: Sequence[str]
) -> TableName:
    """Create a table for the rows to merge into the target; the caller drops it.

    Args:
        clients: Google's clients.
        target: name of the target.
        table: the target, as Google's client returns it.
        columns: those of its columns that the staging table gets.
    """
    staging = target.beside(f"staging_{secrets.token_hex(6)}")
    fields = {f.name: f for f in table.schema}
    chosen = [fields[n] for n in columns]
    new = make_own_table(staging, chosen, table, "staging")
    new.expires = datetime.now(UTC) + STAGING_LIFETIME
    if tagged := list_tagged(chosen):
        log.warning(
            "%s has no policy tags, unlike the columns %s that it copies; name a dataset that only "
            "fsq may read with ?staging=dataset",
            staging.dotted,
            ", ".join(tagged),
        )
    clients.tables.create_table(new)
    return staging


def merge_staging(clients: Clients, merge: Merge, written: RowCounts) -> None:
    """Verify the staged rows, merge them into the target, and verify them there.

    Raises:
        StoreError: rows are missing or differ from those written.
    """
    verify_counts("staged", written, merge.staging, clients.tables)
    run_query(clients.tables, merge.sql())
    verify_counts("merged", written, merge.target, clients.tables, merge.touched())


def drop_staging(clients: Clients, staging: TableName) -> None:
    """Drop a staging table; log a failure, since the table expires anyway."""
    try:
        clients.tables.delete_table(staging.dotted, not_found_ok=True)
    except (GoogleAPIError, OSError) as error:
        log.warning("%s could not be dropped; it expires by itself: %s", staging.dotted, error)
