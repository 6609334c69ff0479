"""SQL on BigQuery: the one place that runs statements, waits for their turn, and cancels them.

fsq chooses each job's id. If the answer to its submission is lost, it is found by that id and
not run twice; if the process is interrupted, it is cancelled and not left running.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

from google.api_core.exceptions import Conflict, GoogleAPICallError, GoogleAPIError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

from fsq.errors import StoreError
from fsq.stores.bigquery.bounded import TIMEOUT

_ATTEMPTS = 4
# Seconds for which a refused statement is tried again while others use the table. A table runs two
# that change it and queues twenty more; what is queued is waited for, even for hours.
PATIENCE = 1_800.0
_LONGEST_PAUSE = 30.0
# Seconds after which a thread that waits looks at its job, and whether the process was interrupted.
_FIRST_LOOK, _LOOK_AFTER = 0.1, 2.0
_REQUEST_RETRY = DEFAULT_RETRY.with_timeout(TIMEOUT)
# Messages of statements that conflict with another one on the same table.
_CONFLICTS = (
    "concurrent update", "too many dml statements", "aborted due to concurrent",
    "too many mutations", "dml statements outstanding",
)  # fmt: skip


def run_query(client: Any, sql: str, *parameters: Any, location: str | None = None) -> list[Any]:
    """Run a statement and return its rows; it must be safe to run twice.

    Args:
        client: Google's BigQuery client.
        sql: the statement, with validated identifiers.
        parameters: query parameters.
        location: of the data, for statements that name no table; None lets the service find it.

    Raises:
        GoogleAPIError: the service refused, or did not recover within two minutes; or other
            statements kept the table busy for half an hour.
    """
    config = bigquery.QueryJobConfig(query_parameters=list(parameters))
    started, failures = monotonic(), 0
    while True:
        try:
            return _run_once(client, sql, config, location)
        except GoogleAPICallError as error:
            if monotonic() - started >= _find_patience(error):
                raise
            failures += 1
            pause = min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 10))
            _pause(client, pause * random.uniform(0.5, 1))  # noqa: S311 - only spreads attempts


def estimate_query(client: Any, sql: str) -> int:
    """Bytes that a statement would process, by a dry run, which costs nothing.

    Raises:
        GoogleAPIError: the service refused.
    """
    config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
    job = client.query(sql, job_config=config, retry=_REQUEST_RETRY, job_retry=None)
    return int(job.total_bytes_processed or 0)


def run_aggregate(client: Any, sql: str, *parameters: Any) -> Any:
    """Run a SELECT of aggregates and return its one row.

    Such a statement always has one; where others change the table at that moment, a service
    that imitates BigQuery has been seen to return none, so it is asked again.

    Raises:
        GoogleAPIError: as ``run_query`` does.
        StoreError: there is still no row.
    """
    for attempt in range(_ATTEMPTS):
        if rows := run_query(client, sql, *parameters):
            return rows[0]
        sleep(0.2 * 2**attempt)
    raise StoreError("the service returned no counts; run it again")


def _run_once(client: Any, sql: str, config: Any, location: str | None) -> list[Any]:
    prefix = getattr(client, "job_prefix", "")
    job_id = f"{prefix}{uuid.uuid4().hex}"
    place = location or client.location
    with _cancelled_when_left(client, job_id, place):
        try:
            job = client.query(
                sql,
                job_config=config,
                job_id=job_id,
                location=place,
                retry=_REQUEST_RETRY,
                job_retry=None,
            )
        except Conflict:  # the service has taken it, but its answer was lost
            job = client.get_job(job_id, location=place, retry=_REQUEST_RETRY)
        look_after = _FIRST_LOOK
        while not job.done(retry=_REQUEST_RETRY):  # it runs, or is queued
            _pause(client, look_after)
            look_after = min(_LOOK_AFTER, 2 * look_after)
        return list(job.result(retry=_REQUEST_RETRY, job_retry=None))


def _pause(client: Any, seconds: float) -> None:
    """Wait, unless the process is interrupted."""
    while seconds > 0:
        _stop_if_interrupted(client)
        sleep(min(seconds, _LOOK_AFTER))
        seconds -= _LOOK_AFTER


def _stop_if_interrupted(client: Any) -> None:
    """Give up if the main thread was interrupted: it waits for this one.

    Raises:
        StoreError: it was.
    """
    interrupted = getattr(client, "interrupted", None)
    if interrupted is not None and interrupted.is_set():
        raise StoreError("interrupted")


@contextmanager
def _cancelled_when_left(client: Any, job_id: str, location: str | None) -> Iterator[None]:
    """Cancel a job if the block ends before the service has said how it ended."""
    try:
        yield
    except GoogleAPICallError:
        raise
    except BaseException:
        with suppress(GoogleAPIError, OSError):
            client.cancel_job(job_id, location=location, retry=None, timeout=5)
        raise


def _find_patience(error: GoogleAPICallError) -> float:
    """Seconds for which it is worth trying again after an error."""
    message = str(error).lower()
    if any(words in message for words in _CONFLICTS):
        return PATIENCE
    return TIMEOUT if DEFAULT_JOB_RETRY._predicate(error) else 0.0
