"""Writing rows: parallel PENDING streams, and one commit that makes all of them visible."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import grpc
import polars as pl
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import StoreError
from fsq.schema.arrow import from_arrow
from fsq.stores.bigquery.stream import (
    REQUEST_LIMIT,
    Retry,
    Stream,
    call_with_retry,
    make_routing_header,
    split_requests,
)

# Each stream is promised 1 MB/s at least, and has a connection of its own.
STREAMS = 4
_COMMITTED = types.StorageError.StorageErrorCode.STREAM_ALREADY_COMMITTED


def fill_null_arrays(scored: pl.DataFrame | pa.Table) -> pl.DataFrame:
    """Turn NULL arrays into empty ones: BigQuery has no NULL arrays."""
    frame = scored if isinstance(scored, pl.DataFrame) else from_arrow(scored)
    lists = [n for n, t in frame.schema.items() if isinstance(t, pl.List)]
    return frame.with_columns(pl.col(n).fill_null([]) for n in lists if frame[n].has_nulls())


def find_stamps(table: pa.Table) -> dict[date, datetime]:
    """The latest time at which rows of each date were scored."""
    keys = pl.DataFrame(table.select(["game_date", "quality_computed_at"]))
    return dict(keys.group_by("game_date").max().iter_rows())


def write_rows(
    writer: Any,
    parent: str,
    rows: pa.Table,
    streams: int = STREAMS,
    retry: Retry | None = None,
    limit: int = REQUEST_LIMIT,
) -> int:
    """Append rows to a table, all at once or none of them.

    Args:
        writer: Google's BigQueryWriteClient; only its transport is used.
        parent: ``projects/…/datasets/…/tables/…``.
        rows: the rows, of the Arrow types that ``fsq.schema.to_arrow`` gives.
        streams: how many streams to fill side by side, at most.
        retry: how patiently; see ``Retry``.
        limit: bytes of a request.

    Returns:
        The number of rows that became visible.

    Raises:
        InputError: rows are too large, or the server names bad ones; nothing is visible.
        StoreError: the server refused or did not recover; nothing is visible, unless it is the
            answer to the commit that never came, which the message says.
    """
    patience, transport = retry or Retry(), writer.transport
    pieces = [p for b in rows.combine_chunks().to_batches() for p in split_requests(b, limit)]
    if not pieces:
        return 0

    failures: list[Exception] = []
    given_up = threading.Event()

    def fill(share: Sequence[pa.RecordBatch]) -> Stream | None:
        try:
            return write_stream(transport, parent, share, patience, given_up)
        except Exception as error:
            failures.append(error)
            given_up.set()
            return None

    count = min(streams, len(pieces))
    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(fill, [pieces[i::count] for i in range(count)]))
    if failures:
        raise failures[0]
    filled = [stream for stream in done if stream is not None]
    commit_streams(transport, parent, [s.name for s in filled], patience)
    return sum(s.rows for s in filled)


def write_stream(
    transport: Any,
    parent: str,
    pieces: Sequence[pa.RecordBatch],
    retry: Retry,
    given_up: threading.Event | None = None,
) -> Stream:
    """A new PENDING stream that holds these pieces and takes no more; a commit shows them.

    Raises:
        StoreError: the server refused, did not recover, or holds other rows than it took.
    """
    stream = Stream(transport, _create_stream(transport, parent, retry), pieces, given_up)
    stream.fill(retry)
    request = types.FinalizeWriteStreamRequest(name=stream.name)
    answer = call_with_retry(
        lambda: transport.finalize_write_stream(
            request, timeout=retry.silence, metadata=[make_routing_header("name", stream.name)]
        ),
        "finalize",
        retry,
    )
    if answer.row_count != stream.rows:
        raise StoreError(
            f"BigQuery holds {answer.row_count:,} rows of the {stream.rows:,} that it "
            "acknowledged; none is visible; run it again"
        )
    return stream


def _create_stream(transport: Any, parent: str, retry: Retry) -> str:
    """A new stream. One whose answer was lost stays empty and is never committed."""
    request = types.CreateWriteStreamRequest(
        parent=parent, write_stream=types.WriteStream(type_=types.WriteStream.Type.PENDING)
    )
    header = [make_routing_header("parent", parent)]
    answer = call_with_retry(
        lambda: transport.create_write_stream(request, timeout=retry.silence, metadata=header),
        "create a stream",
        retry,
        also={grpc.StatusCode.NOT_FOUND},  # the table may be a moment old
    )
    return str(answer.name)


def commit_streams(transport: Any, parent: str, names: list[str], retry: Retry) -> None:
    """Make the rows of all these streams visible at once.

    Raises:
        StoreError: the server refused, or its answer never came, which the message says.
    """
    request = types.BatchCommitWriteStreamsRequest(parent=parent, write_streams=names)
    header = [make_routing_header("parent", parent)]
    answer = call_with_retry(
        lambda: transport.batch_commit_write_streams(
            request, timeout=retry.silence, metadata=header
        ),
        "commit; look whether the rows are there, then run it again",
        retry,
    )
    # A failed commit is no exception. Our streams are ours alone: committed is committed by us.
    failed = [e for e in answer.stream_errors if e.code != _COMMITTED]
    if failed:
        told = "; ".join(f"{e.code.name} {e.error_message}" for e in failed[:5])
        raise StoreError(f"BigQuery did not commit, and no row is visible: {told}; run it again")
    if not answer.stream_errors and "commit_time" not in answer:
        raise StoreError("BigQuery did not say that it committed; look, then run it again")
