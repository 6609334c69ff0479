"""SQL on BigQuery: the one place that runs it, and retries after conflicts with other writers."""

from __future__ import annotations

import time
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

from fsq.errors import StoreError

_ATTEMPTS = 4
# Seconds after which a call, or a job that others delay, fails.
_TIMEOUT = 120.0
_REQUEST_RETRY = DEFAULT_RETRY.with_timeout(_TIMEOUT)
# Messages of statements that conflict with another one on the same table.
_CONFLICTS = ("concurrent update", "too many dml statements", "aborted due to concurrent")


def _is_retryable(error: Exception) -> bool:
    message = str(error).lower() if isinstance(error, GoogleAPICallError) else ""
    conflict = any(words in message for words in _CONFLICTS)
    return conflict or bool(DEFAULT_JOB_RETRY._predicate(error))


_JOB_RETRY = DEFAULT_JOB_RETRY.with_predicate(_is_retryable).with_timeout(_TIMEOUT)


def run_query(client: Any, sql: str, *parameters: Any) -> list[Any]:
    """Run a statement and return its rows; it must be safe to run twice.

    Args:
        client: Google's BigQuery client.
        sql: the statement, with validated identifiers.
        parameters: query parameters.

    Raises:
        GoogleAPIError: the service refused, or did not recover within two minutes.
    """
    config = bigquery.QueryJobConfig(query_parameters=list(parameters))
    job = client.query(sql, job_config=config, retry=_REQUEST_RETRY, job_retry=_JOB_RETRY)
    return list(job.result(retry=_REQUEST_RETRY, job_retry=_JOB_RETRY))


def run_aggregate(client: Any, sql: str, *parameters: Any) -> Any:
    """Run a SELECT of aggregates and return its one row.

    Such a statement always has one; where others change the table at that moment, a service
    that is not quite BigQuery has been seen to return none, so it is asked again.

    Raises:
        GoogleAPIError: as ``run_query`` does.
        StoreError: there is still no row.
    """
    for attempt in range(_ATTEMPTS):
        if rows := run_query(client, sql, *parameters):
            return rows[0]
        time.sleep(0.2 * 2**attempt)
    raise StoreError("the service returned no counts; run it again")
