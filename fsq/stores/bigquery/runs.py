"""The ids of committed runs, in a small table beside the target."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from fsq.stores.bigquery.jobs import run_query
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.own import ensure_own_table, find_own_table


def is_recorded(client: Any, target: TableName, run_id: str) -> bool:
    """Whether a run with this id has been recorded."""
    runs = find_own_table(client, target, "runs")
    if runs is None:
        return False
    sql = f"SELECT run_id FROM {runs.sql} WHERE run_id = @run_id"
    return bool(run_query(client, sql, _parameter(run_id)))


def record_run(client: Any, target: TableName, run_id: str) -> None:
    """Record the id of a committed run, so that it is not merged again."""
    fields = [
        bigquery.SchemaField("run_id", "STRING", "REQUIRED", description="Id of a run"),
        bigquery.SchemaField(
            "committed_at", "TIMESTAMP", "REQUIRED", description="When its rows were merged"
        ),
    ]
    description = "Distributed runs of fsq whose rows are in the table"
    runs = ensure_own_table(client, target, "runs", fields, description)
    sql = f"""
    MERGE {runs.sql} T
    USING (SELECT @run_id AS run_id, @now AS committed_at) S
    ON T.run_id = S.run_id
    WHEN NOT MATCHED THEN INSERT (run_id, committed_at) VALUES (S.run_id, S.committed_at)
    """
    now = bigquery.ScalarQueryParameter("now", "TIMESTAMP", datetime.now(UTC))
    run_query(client, sql, _parameter(run_id), now)


def _parameter(run_id: str) -> bigquery.ScalarQueryParameter:
    return bigquery.ScalarQueryParameter("run_id", "STRING", run_id)
