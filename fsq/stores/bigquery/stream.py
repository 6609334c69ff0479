"""Rows over the wire: requests split by their bytes, and one stream that loses no row.

The client library's own retries lose rows silently, so the transport is used bare and every
retry is here: each request carries its offset, and a new connection goes on at the first
request that was not acknowledged.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import InputError, StoreError

# The lowest limit that any page or user tells of is 10 MB.
REQUEST_LIMIT = 8_000_000
# Names, offsets and tags of a request, beside its schema and its rows.
_ENVELOPE = 8_192

_CODES = {int(code.value[0]): code for code in grpc.StatusCode}
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
    "NOT_FOUND": "check the table's name, and that nobody has dropped it meanwhile",
    "INVALID_ARGUMENT": "compare the rows with the table's schema: `fsq schema migrate --dry-run`",
    "FAILED_PRECONDITION": "somebody has finalized or committed the stream; run it again",
    "RESOURCE_EXHAUSTED": "a quota is used up; wait, or write with fewer streams",
}


@dataclass(frozen=True, slots=True)
class Retry:
    """How patiently to retry.

    Args:
        attempts: tries without any progress in between; progress begins the count anew.
        first: seconds before the second try; they double, and vary by half.
        longest: most seconds between two tries.
        silence: seconds without an answer after which a connection is given up.
    """

    attempts: int = 8
    first: float = 0.5
    longest: float = 30.0
    silence: float = 120.0

    def pause(self, failures: int) -> None:
        """Wait before the next try."""
        wait = min(self.longest, self.first * 2 ** (failures - 1))
        time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - only spreads tries


class TransientError(Exception):
    """A failure that may be over at the next try."""


def split_requests(batch: pa.RecordBatch, limit: int = REQUEST_LIMIT) -> list[pa.RecordBatch]:
    """Split a batch so that no piece's request exceeds the limit, whatever its rows' sizes.

    Args:
        batch: the rows; pieces share its memory.
        limit: bytes of a whole request, its schema and names included.

    Raises:
        InputError: one row alone is larger; nothing has been sent.

    >>> [r.num_rows for r in split_requests(pa.record_batch({"a": ["x" * 5000] * 5}), 24_000)]
    [2, 3]
    """
    room = limit - _ENVELOPE - batch.schema.serialize().size
    return list(_split(batch, room, 0))


def _split(batch: pa.RecordBatch, room: int, at: int) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    # The size that serialize() would give, without the bytes.
    size = pa.ipc.get_record_batch_size(batch)
    if size <= room:
        yield batch
    elif batch.num_rows == 1:
        told = f"row {at:,} takes {size:,} bytes; a request holds {room:,}; shorten its texts"
        raise InputError([told], "the rows cannot be sent")
    else:
        half = batch.num_rows // 2
        yield from _split(batch.slice(0, half), room, at)
        yield from _split(batch.slice(half), room, at + half)


class Stream:
    """One PENDING stream, and the pieces that go into it in order."""

    def __init__(
        self,
        transport: Any,
        name: str,
        pieces: Sequence[pa.RecordBatch],
        given_up: threading.Event | None = None,
    ) -> None:
        self.name = name
        self._given_up = given_up or threading.Event()
        self._transport = transport
        self._pieces = pieces
        self._offsets = [0]
        for piece in pieces:
            self._offsets.append(self._offsets[-1] + piece.num_rows)
        self._done = 0  # acknowledged pieces

    @property
    def rows(self) -> int:
        """Rows that the stream holds once it is full."""
        return self._offsets[-1]

    def fill(self, retry: Retry) -> None:
        """Send every piece, and return once each is acknowledged.

        Raises:
            StoreError: the server refuses the rows, or does not recover.
        """
        failures = 0
        while self._done < len(self._pieces):
            before = self._done
            try:
                self._connection(retry)
            except TransientError as error:
                failures = 1 if self._done > before else failures + 1
                if self._given_up.is_set():
                    raise StoreError("another stream failed") from error
                if failures >= retry.attempts:
                    raise StoreError(
                        f"the rows were not taken in {failures} tries, and none is visible; "
                        f"run it again later. BigQuery said: {error}"
                    ) from error
                retry.pause(failures)

    def _connection(self, retry: Retry) -> None:
        """Send what is not acknowledged, until all of it is or something fails."""
        first = self._done
        call = self._transport.append_rows(
            self._messages(first), metadata=[make_routing_header("write_stream", self.name)]
        )
        watch = Watchdog(call.cancel, retry.silence)
        try:
            with watch:
                for answer in call:
                    watch.heard()
                    self._take(answer)
                    if self._done == len(self._pieces):
                        return
        except grpc.RpcError as error:
            fresh = self._done == 0
            raise translate_error(
                error, "append", also={grpc.StatusCode.NOT_FOUND} if fresh else ()
            ) from None
        finally:
            call.cancel()
        raise TransientError("the connection ended before every request was answered")

    def _messages(self, first: int) -> Iterator[types.AppendRowsRequest]:
        for i in range(first, len(self._pieces)):
            if self._given_up.is_set():
                return
            data = types.AppendRowsRequest.ArrowData(
                rows=types.ArrowRecordBatch(
                    serialized_record_batch=self._pieces[i].serialize().to_pybytes()
                )
            )
            if i == first:
                schema = self._pieces[i].schema.serialize().to_pybytes()
                data.writer_schema = types.ArrowSchema(serialized_schema=schema)
            yield types.AppendRowsRequest(
                write_stream=self.name, offset=self._offsets[i], arrow_rows=data
            )

    def _take(self, answer: Any) -> None:
        """Count one acknowledgement, or raise what the answer says instead."""
        if answer.row_errors:
            start = self._offsets[self._done]
            listed = [
                f"row {start + e.index:,} of the stream: {e.message}"
                for e in answer.row_errors[:20]
            ]
            raise InputError(
                [*listed, f"{len(answer.row_errors):,} rows are bad; correct them"],
                "BigQuery refused the rows; none is visible",
            )
        code = _CODES.get(answer.error.code, grpc.StatusCode.UNKNOWN)
        # Sent before a connection broke, and taken: what is stored is this very request.
        if code not in (grpc.StatusCode.OK, grpc.StatusCode.ALREADY_EXISTS):
            words = f"{code.name}: {answer.error.message}"
            # The service learns of a new column minutes later than the table has it.
            late = "SCHEMA_MISMATCH_EXTRA_FIELDS" in answer.error.message
            if late or code in TRANSIENT or code is grpc.StatusCode.OUT_OF_RANGE:
                raise TransientError(words)
            if code is grpc.StatusCode.NOT_FOUND and self._done == 0:
                raise TransientError(words)
            raise permanent_error("append", code.name, answer.error.message)
        expected = self._offsets[self._done]
        if "offset" in answer.append_result and answer.append_result.offset != expected:
            raise StoreError(
                f"BigQuery acknowledged offset {answer.append_result.offset} in the place of "
                f"{expected}; no row is visible; run it again"
            )
        self._done += 1


class Watchdog:
    """Calls ``stop`` when nothing has been heard for so many seconds."""

    def __init__(self, stop: Callable[[], Any], seconds: float) -> None:
        self._stop, self._seconds = stop, seconds
        self._last = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def heard(self) -> None:
        """Something was heard just now."""
        self._last = time.monotonic()

    def _run(self) -> None:
        while (left := self._last + self._seconds - time.monotonic()) > 0:
            if self._over.wait(left):
                return
        self._stop()

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def call_with_retry(
    call: Callable[[], Any],
    what: str,
    retry: Retry,
    also: set[grpc.StatusCode] | tuple[()] = (),
) -> Any:
    """Call until it answers, or fails for good; ``also`` are further codes to retry.

    Raises:
        StoreError: with the server's words.
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
    """What a failed call means."""
    code, words = error.code(), error.details() or ""
    if code in TRANSIENT or code in also or "SCHEMA_MISMATCH_EXTRA_FIELDS" in words:
        return TransientError(f"{code.name}: {words}")
    return permanent_error(what, code.name, words)


def permanent_error(what: str, code: str, words: str) -> StoreError:
    """The error for what no retry mends."""
    cure = _CURES.get(code, "no row is visible; run it again, or ask with the server's words")
    return StoreError(f"BigQuery refused to {what}: {code}: {words}\nHint: {cure}")


def make_routing_header(key: str, value: str) -> tuple[str, str]:
    """The header by which the service finds the table's region."""
    return ("x-goog-request-params", f"{key}={value}")
