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
from fsq.stores.bigquery.hints import find_call_code, find_code_hint, find_hint

TRANSIENT = {
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_EXTRA_FIELDS = "SCHEMA_MISMATCH_EXTRA_FIELDS"
_EXTRA_FIELDS_WORDS = (_EXTRA_FIELDS, "Input schema has more fields than BigQuery schema")
# Ends a refusal that hides whether the table or the permission is missing.
_MASKED = "or it may not exist"


@dataclass(frozen=True, slots=True)
class Retry:
    """How to retry.

    Args:
        attempts: attempts without progress in between; progress restarts the count.
        first: seconds before the second attempt; they double each time, with random jitter.
        longest: maximum seconds between two attempts.
        silence: seconds without an answer after which a connection is closed.
        propagation: seconds during which a table that was just created may seem to be missing.
    """

    attempts: int = 8
    first: float = 0.5
    longest: float = 30.0
    silence: float = 120.0
    propagation: float = 60.0

    def pause(self, failures: int, longest: float | None = None) -> None:
        """Wait before the next attempt."""
        wait = min(longest or self.longest, self.first * 2 ** min(failures - 1, 30))
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


class Propagation:
    """Waits until the Storage Write API knows a table that was just created.

    For a while the service answers that it is not, or that you lack the permission "or it may not
    exist". Each of several servers may do so again; the time starts with the first refusal.
    """

    def __init__(self, retry: Retry) -> None:
        self._retry, self._refusals = retry, 0
        self._deadline: float | None = None

    def wait(self, code: str, message: str) -> bool:
        """Wait after a refusal; False at once if it has another reason or the time is up."""
        if code != "NOT_FOUND" and not (code == "PERMISSION_DENIED" and _MASKED in message):
            return False
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._retry.propagation
        if now >= self._deadline:
            return False
        self._refusals += 1
        self._retry.pause(self._refusals, longest=min(5.0, self._retry.longest))
        return True


def call_with_retry(call: Callable[[], Any], what: str, retry: Retry) -> Any:
    """Call until it answers or fails permanently.

    Args:
        call: concerns a table that was just created, or a stream of it.
        what: what it does, for the message.
        retry: how to retry.

    Raises:
        StoreError: with the server's message.
    """
    failures, propagation = 0, Propagation(retry)
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            if propagation.wait(error.code().name, error.details() or ""):
                continue
            failures += 1
            problem = translate_error(error, what)
            if isinstance(problem, StoreError) or failures >= retry.attempts:
                raise StoreError(str(problem)) from None
            retry.pause(failures)


def translate_error(error: grpc.RpcError, what: str) -> TransientError | StoreError:
    """Translate a failed call into an error that is transient or permanent."""
    code, message = error.code(), error.details() or ""
    storage_code = find_call_code(error)
    if code in TRANSIENT or is_schema_outdated(storage_code, message):
        return TransientError(f"{code.name}: {message}")
    return permanent_error(what, code.name, message, storage_code)


def is_schema_outdated(storage_code: str | None, message: str) -> bool:
    """Whether a server does not know a column yet, minutes after it was added."""
    return storage_code == _EXTRA_FIELDS or any(w in message for w in _EXTRA_FIELDS_WORDS)


def permanent_error(
    what: str, code: str, message: str, storage_code: str | None = None
) -> StoreError:
    """The error for a failure that no retry resolves."""
    unknown = "no row is visible; run it again, or search for the server's message"
    cure = find_code_hint(storage_code) or find_code_hint(code) or find_hint(message) or unknown
    shown = code if storage_code is None else f"{code}, {storage_code}"
    return RefusedError(what, code, message, shown, cure)


class RefusedError(StoreError):
    """A refusal that no retry resolves.

    Attributes:
        code: name of its gRPC code.
        message: the server's.
    """

    def __init__(self, what: str, code: str, message: str, shown: str, cure: str) -> None:
        super().__init__(f"BigQuery refused to {what}: {shown}: {message}\nHint: {cure}")
        self.code, self.message = code, message
