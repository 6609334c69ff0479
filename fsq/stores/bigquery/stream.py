"""One PENDING stream that loses no row, filled by requests of limited size.

Each request has an offset. When a connection breaks, a new one resumes at the first request that
was not acknowledged.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import InputError, StoreError
from fsq.stores.bigquery.hints import find_storage_code
from fsq.stores.bigquery.retry import (
    TRANSIENT,
    Propagation,
    RefusedError,
    Retry,
    TransientError,
    Watchdog,
    is_schema_outdated,
    permanent_error,
    translate_error,
)
from fsq.utils.version import VERSION

# The lowest limit in documentation or bug reports is 10 MB.
REQUEST_LIMIT = 8_000_000
# What requests are split to: the client fills one while the server takes another. Of half the
# limit, they were sent twice as fast as of the whole, and faster than smaller ones.
_REQUEST_TARGET = 4_000_000
# Bytes of a request in addition to its schema and rows.
_ENVELOPE = 8_192
# Pieces of a table with fewer rows on average are joined, so that requests are not too small.
_FEW_ROWS = 500

# Names fsq in the service's logs.
_TRACE_ID = f"fsq:{VERSION}"
_CODES = {int(code.value[0]): code for code in grpc.StatusCode}


def split_table(rows: pa.Table, limit: int = REQUEST_LIMIT) -> list[pa.RecordBatch]:
    """Split a table into requests; large pieces of it are not copied.

    Raises:
        InputError: a single row is larger than a request; nothing was sent.
    """
    batches = rows.to_batches()
    if len(batches) * _FEW_ROWS > rows.num_rows:
        batches = rows.combine_chunks().to_batches()
    starts = accumulate((batch.num_rows for batch in batches), initial=0)
    pairs = zip(batches, starts, strict=False)
    return [request for batch, at in pairs for request in split_requests(batch, limit, at)]


def split_requests(
    batch: pa.RecordBatch, limit: int = REQUEST_LIMIT, start: int = 0
) -> list[pa.RecordBatch]:
    """Split a batch so that no request exceeds the limit, whatever the sizes of its rows.

    Args:
        batch: the rows; the results share its memory.
        limit: bytes of a whole request, including its schema and names; most take half of it.
        start: number of the first row, for messages.

    Raises:
        InputError: a single row is larger; nothing was sent.

    >>> [r.num_rows for r in split_requests(pa.record_batch({"a": ["x" * 5000] * 5}), 24_000)]
    [2, 3]
    """
    overhead = _ENVELOPE + batch.schema.serialize().size
    room, target = limit - overhead, min(limit, max(_REQUEST_TARGET, 2 * overhead)) - overhead
    return list(_split(batch, target, room, start))


def _split(batch: pa.RecordBatch, target: int, room: int, at: int) -> Iterator[pa.RecordBatch]:
    if batch.num_rows == 0:
        return
    # The size of serialize(), without serializing.
    size = pa.ipc.get_record_batch_size(batch)
    if size > room and batch.num_rows == 1:
        # A slice without elements is sent with those of the whole batch; a copy is not.
        batch = pa.concat_batches([batch, batch.slice(0, 0)])
        size = pa.ipc.get_record_batch_size(batch)
    if size <= target or (batch.num_rows == 1 and size <= room):
        yield batch
    elif batch.num_rows == 1:
        problem = f"row {at:,} takes {size:,} bytes; a request holds {room:,}; shorten its strings"
        raise InputError([problem], "the rows cannot be sent")
    else:
        half = batch.num_rows // 2
        yield from _split(batch.slice(0, half), target, room, at)
        yield from _split(batch.slice(half), target, room, at + half)


class Stream:
    """One PENDING stream, and the batches to append to it in order.

    Args:
        transport: of Google's BigQueryWriteClient.
        name: of the stream.
        batches: each becomes one request.
        cancelled: set when another stream fails; this one then stops.
    """

    def __init__(
        self,
        transport: Any,
        name: str,
        batches: Sequence[pa.RecordBatch],
        cancelled: threading.Event | None = None,
    ) -> None:
        self.name = name
        self._cancelled = cancelled or threading.Event()
        self._transport = transport
        self._batches = batches
        self._offsets = [0]
        for batch in batches:
            self._offsets.append(self._offsets[-1] + batch.num_rows)
        self._acknowledged = 0  # batches

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return self._offsets[-1]

    def fill(self, retry: Retry) -> None:
        """Send every batch, and return once all are acknowledged.

        Raises:
            StoreError: the server refused the rows, or did not recover.
        """
        failures, propagation = 0, Propagation(retry)
        while self._acknowledged < len(self._batches):
            before = self._acknowledged
            try:
                self._append(retry)
            except RefusedError as error:
                # Nothing was accepted yet: this server may not know the table.
                new = self._acknowledged == 0 and not self._cancelled.is_set()
                if not new or not propagation.wait(error.code, error.message):
                    raise
            except TransientError as error:
                failures = 1 if self._acknowledged > before else failures + 1
                if self._cancelled.is_set():
                    raise StoreError("another stream failed") from error
                if failures >= retry.attempts:
                    raise StoreError(
                        f"BigQuery did not accept the rows in {failures} tries; none is visible; "
                        f"run it again later. Last error: {error}"
                    ) from error
                retry.pause(failures)

    def _append(self, retry: Retry) -> None:
        """Send what is not acknowledged yet, until all of it is or an error occurs."""
        first = self._acknowledged
        call = self._transport.append_rows(
            self._messages(first), metadata=[make_routing_header("write_stream", self.name)]
        )
        watchdog = Watchdog(call.cancel, retry.silence)
        try:
            with watchdog:
                for answer in call:
                    watchdog.reset()
                    self._process(answer)
                    if self._acknowledged == len(self._batches):
                        return
        except grpc.RpcError as error:
            raise translate_error(error, "append") from None
        finally:
            call.cancel()
        raise TransientError("the connection ended before every request was answered")

    def _messages(self, first: int) -> Iterator[types.AppendRowsRequest]:
        for i in range(first, len(self._batches)):
            if self._cancelled.is_set():
                return
            data = types.AppendRowsRequest.ArrowData(
                rows=types.ArrowRecordBatch(
                    serialized_record_batch=self._batches[i].serialize().to_pybytes()
                )
            )
            if i == first:
                schema = self._batches[i].schema.serialize().to_pybytes()
                data.writer_schema = types.ArrowSchema(serialized_schema=schema)
            request = types.AppendRowsRequest(
                write_stream=self.name, offset=self._offsets[i], arrow_rows=data
            )
            if i == first:
                request.trace_id = _TRACE_ID
            yield request

    def _process(self, answer: Any) -> None:
        """Count an acknowledgement, or raise the answer's error."""
        if answer.row_errors:
            start = self._offsets[self._acknowledged]
            problems = [
                f"row {start + e.index:,} of the stream: {e.message}"
                for e in answer.row_errors[:20]
            ]
            raise InputError(
                [*problems, f"{len(answer.row_errors):,} rows are invalid; correct them"],
                "BigQuery refused the rows; none is visible",
            )
        code = _CODES.get(answer.error.code, grpc.StatusCode.UNKNOWN)
        storage_code, text = find_storage_code(answer.error.details), answer.error.message
        # This request was stored before its connection broke.
        exists = code is grpc.StatusCode.ALREADY_EXISTS or storage_code == "OFFSET_ALREADY_EXISTS"
        if code is not grpc.StatusCode.OK and not exists:
            late = code is grpc.StatusCode.OUT_OF_RANGE or storage_code == "OFFSET_OUT_OF_RANGE"
            if late or code in TRANSIENT or is_schema_outdated(storage_code, text):
                raise TransientError(f"{code.name}: {text}")
            raise permanent_error("append", code.name, text, storage_code)
        expected = self._offsets[self._acknowledged]
        if "offset" in answer.append_result and answer.append_result.offset != expected:
            raise StoreError(
                f"BigQuery acknowledged offset {answer.append_result.offset} instead of "
                f"{expected}; no row is visible; run it again"
            )
        self._acknowledged += 1


def make_routing_header(key: str, value: str) -> tuple[str, str]:
    """The header by which the service routes a call to the table's region."""
    return ("x-goog-request-params", f"{key}={value}")
