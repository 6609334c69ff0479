"""Retries of calls to the Storage Write API: which errors are transient, how long to wait.

The retries of Google's client silently lose rows, so these replace them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from fsq.errors import StoreError

TRANSIENT = {
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_CURES = {
    "UNAUTHENTICATED": "run `gcloud auth application-default login`",
    "PERMISSION_DENIED": "ask for the role BigQuery Data Editor on the dataset",
    "NOT_FOUND": "check the table's name, and that it was not dropped during the run",
    "INVALID_ARGUMENT": "compare the rows with the table's schema: `fsq schema migrate --dry-run`",
    "FAILED_PRECONDITION": "the stream was finalized or committed by someone else; run it again",
    "RESOURCE_EXHAUSTED": "a quota is exhausted; wait, or write with fewer streams",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """How to retry.

    Args:
        attempts: attempts without progress in between; progress restarts the count.
        first: seconds before the second attempt; they double each time, with random jitter.
        longest: maximum seconds between two attempts.
        silence: seconds without an answer after which a connection is closed.
    """

    attempts: int = 8
    first: float = 0.5
    longest: float = 30.0
    silence: float = 120.0

    def pause(self, failures: int) -> None:
        """Wait before the next attempt."""
        wait = min(self.longest, self.first * 2 ** (failures - 1))
        time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - only spreads attempts


class TransientError(Exception):
    """A failure that may not recur at the next attempt."""


class Watchdog:
    """Calls ``stop`` once this many seconds pass without a reset."""

    def __init__(self, stop: Callable[[], Any], seconds: float) -> None:
        self._stop, self._seconds = stop, seconds
        self._last_reset = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def reset(self) -> None:
        """Restart the time, since an answer arrived."""
        self._last_reset = time.monotonic()

    def _run(self) -> None:
        while (left := self._last_reset + self._seconds - time.monotonic()) > 0:
            if self._stopped.wait(left):
                return
        self._stop()

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()


def call_with_retry(
    call: Callable[[], Any],
    what: str,
    retry: Retry,
    also: set[grpc.StatusCode] | tuple[()] = (),
) -> Any:
    """Call until it answers or fails permanently; ``also`` are further codes to retry.

    Raises:
        StoreError: with the server's message.
    """
    failures = 0
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            failures += 1
            problem = translate_error(error, what, also)
            if isinstance(problem, StoreError) or failures >= retry.attempts:
                raise StoreError(str(problem)) from None
            retry.pause(failures)


def translate_error(
    error: grpc.RpcError, what: str, also: set[grpc.StatusCode] | tuple[()] = ()
) -> TransientError | StoreError:
    """Translate a failed call into an error that is transient or permanent."""
    code, message = error.code(), error.details() or ""
    if code in TRANSIENT or code in also or "SCHEMA_MISMATCH_EXTRA_FIELDS" in message:
        return TransientError(f"{code.name}: {message}")
    return permanent_error(what, code.name, message)


def permanent_error(what: str, code: str, message: str) -> StoreError:
    """The error for a failure that no retry resolves."""
    cure = _CURES.get(code, "no row is visible; run it again, or search for the server's message")
    return StoreError(f"BigQuery refused to {what}: {code}: {message}\nHint: {cure}")
