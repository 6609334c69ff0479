"""Writing rows: parallel PENDING streams, and one commit that makes all of them visible."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import polars as pl
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import StoreError
from fsq.schema.arrow import from_arrow
from fsq.stores.bigquery.hints import find_code_hint
from fsq.stores.bigquery.retry import Retry, call_with_retry
from fsq.stores.bigquery.stream import (
    REQUEST_LIMIT,
    Stream,
    make_routing_header,
    split_table,
)

# Each stream has its own connection, with at least 1 MB/s guaranteed.
STREAMS = 4
# Streams that are finalized at once: a Spark job may have thousands.
_FINALIZERS = 16
_COMMITTED = types.StorageError.StorageErrorCode.STREAM_ALREADY_COMMITTED


def fill_null_arrays(scored: pl.DataFrame | pa.Table) -> pl.DataFrame:
    """Turn NULL arrays into empty ones: BigQuery has no NULL arrays."""
    frame = scored if isinstance(scored, pl.DataFrame) else from_arrow(scored)
    lists = [n for n, t in frame.schema.items() if isinstance(t, pl.List)]
    return frame.with_columns(pl.col(n).fill_null([]) for n in lists if frame[n].has_nulls())


def find_stamps(table: pa.Table, date_column: str) -> dict[date, datetime]:
    """The latest time at which rows of each date were scored."""
    keys = pl.DataFrame(table.select([date_column, "quality_computed_at"]))
    return dict(keys.group_by(date_column).max().iter_rows())


def write_rows(
    writer: Any,
    parent: str,
    rows: pa.Table,
    streams: int = STREAMS,
    retry: Retry | None = None,
    limit: int = REQUEST_LIMIT,
) -> int:
    """Append rows to a table, all of them or none.

    Args:
        writer: Google's BigQueryWriteClient; only its transport is used.
        parent: ``projects/…/datasets/…/tables/…``, which may have just been created.
        rows: the rows, with the Arrow types of ``fsq.schema.arrow.to_arrow``.
        streams: maximum number of parallel streams.
        retry: how to retry; see ``Retry``.
        limit: bytes of a request.

    Returns:
        The number of rows that became visible.

    Raises:
        InputError: rows are too large, or the server rejects some; nothing is visible.
        StoreError: the server refused or did not recover; nothing is visible, unless only the
            answer to the commit is missing, which the message says.
    """
    retry, transport = retry or Retry(), writer.transport
    batches = split_table(rows, limit)
    if not batches:
        return 0

    failures: list[Exception] = []
    cancelled = threading.Event()

    def fill(share: Sequence[pa.RecordBatch]) -> Stream | None:
        try:
            return fill_stream(transport, parent, share, retry, cancelled)
        except Exception as error:
            failures.append(error)
            cancelled.set()
            return None

    count = min(streams, len(batches))
    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(fill, [batches[i::count] for i in range(count)]))
    if failures:
        raise failures[0]
    filled = {stream.name: stream.rows for stream in done if stream is not None}
    finalize_streams(transport, filled, retry)
    commit_streams(transport, parent, [*filled], retry)
    return sum(filled.values())


def fill_stream(
    transport: Any,
    parent: str,
    batches: Sequence[pa.RecordBatch],
    retry: Retry,
    cancelled: threading.Event | None = None,
) -> Stream:
    """Fill a new PENDING stream with these batches, for ``finalize_streams``.

    Raises:
        InputError: the server rejects rows.
        StoreError: the server refused or did not recover.
    """
    stream = Stream(transport, _create_stream(transport, parent, retry), batches, cancelled)
    stream.fill(retry)
    return stream


def finalize_streams(transport: Any, rows: Mapping[str, int], retry: Retry) -> None:
    """Finalize streams: nothing can be appended any more, and a commit makes them visible.

    This comes right before the commit: a pending stream lives for a day, a finalized one only
    for four hours.

    Args:
        transport: of Google's BigQueryWriteClient.
        rows: number of rows of each stream.
        retry: how to retry.

    Raises:
        StoreError: the server refused, did not recover, or stored another number of rows.
    """

    def finalize(name: str) -> None:
        request = types.FinalizeWriteStreamRequest(name=name)
        answer = call_with_retry(
            lambda: transport.finalize_write_stream(
                request, timeout=retry.silence, metadata=[make_routing_header("name", name)]
            ),
            "finalize",
            retry,
        )
        if answer.row_count != rows[name]:
            raise StoreError(
                f"BigQuery stored {answer.row_count:,} of {rows[name]:,} acknowledged rows; "
                "none is visible; run it again"
            )

    with ThreadPoolExecutor(min(_FINALIZERS, max(1, len(rows)))) as pool:
        list(pool.map(finalize, rows))


def _create_stream(transport: Any, parent: str, retry: Retry) -> str:
    """Create a stream. If the answer is lost, the stream stays empty and is never committed."""
    request = types.CreateWriteStreamRequest(
        parent=parent, write_stream=types.WriteStream(type_=types.WriteStream.Type.PENDING)
    )
    header = [make_routing_header("parent", parent)]
    answer = call_with_retry(
        lambda: transport.create_write_stream(request, timeout=retry.silence, metadata=header),
        "create a stream",
        retry,
    )
    return str(answer.name)


def commit_streams(transport: Any, parent: str, names: list[str], retry: Retry) -> None:
    """Make the rows of all these streams visible at once.

    Raises:
        StoreError: the server refused, or its answer is missing, which the message says.
    """
    request = types.BatchCommitWriteStreamsRequest(parent=parent, write_streams=names)
    header = [make_routing_header("parent", parent)]
    answer = call_with_retry(
        lambda: transport.batch_commit_write_streams(
            request, timeout=retry.silence, metadata=header
        ),
        "commit; check whether the rows are there, then run it again",
        retry,
    )
    # A failed commit raises nothing. No one else commits our streams, so "committed" is success.
    failed = [e for e in answer.stream_errors if e.code != _COMMITTED]
    if failed:
        messages = "; ".join(f"{e.code.name} {e.error_message}" for e in failed[:5])
        cure = find_code_hint(failed[0].code.name) or "run it again"
        raise StoreError(
            f"BigQuery did not commit, and no row is visible: {messages}\nHint: {cure}"
        )
    if not answer.stream_errors and "commit_time" not in answer:
        cure = "check whether the rows are there, then run it again"
        raise StoreError(f"BigQuery did not say that it committed; {cure}")
