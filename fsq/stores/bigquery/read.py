"""Reading by the Storage Read API: parallel streams, with only the columns and dates needed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa
from google.api_core.exceptions import DeadlineExceeded, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import StoreError
from fsq.stores.bigquery.bounded import TIMEOUT
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.columns import list_paths, table_schema
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.partitions import Partitioning
from fsq.stores.bigquery.restriction import NOTHING, find_conditions
from fsq.utils.frames import scan_batches

# A batch; what ended a stream; or None for its end.
Received: TypeAlias = pa.RecordBatch | BaseException | None
# Two per core; the service may open fewer, and opens one for a small table.
STREAMS = 4
# Batches that wait for their consumer, over all streams; this bounds the memory.
_QUEUED_BATCHES = 8
# Seconds without a row from any stream after which the service is given up. Google's client waits
# for a day, even for one that cannot be reached.
SILENCE = 300.0
_RETRY = Retry(if_exception_type(DeadlineExceeded, ServiceUnavailable), timeout=TIMEOUT)

# Details repeat names, labels and moments: this sends a seventh of their bytes.
_CODEC = types.ArrowSerializationOptions.CompressionCodec.ZSTD


def scan_table(
    connect: Callable[[], AbstractContextManager[Clients]],
    name: TableName,
    table: Any,
    columns: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> pl.LazyFrame:
    """Scan a table lazily; columns, and what BigQuery can apply of a predicate, are pushed down.

    No row is asked for before the query runs.

    Args:
        connect: opens the clients, each time the rows are collected.
        name: the table.
        table: the same, as Google's client returns it.
        columns: those that will be used; None for all. A name such as
            ``feature_quality_detail.is_default`` leaves the detail's other fields out.
        parts: fields of the detail that will be used; None for all.

    Raises:
        StoreError: while rows are read: a column has a type that Polars cannot represent.
    """
    schema, partitioning = table_schema(table.schema, columns, parts), Partitioning.of(table)

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        paths = list_paths(schema, table.schema, needed or [next(iter(schema))])
        restrictions = list_restrictions(find_conditions(predicate, schema), partitioning)
        if not restrictions:
            return
        with connect() as clients:
            for restriction in restrictions:
                session = _create_session(clients, name, paths, restriction)
                for batch in _read_batches(clients, session):
                    yield _to_frame(pa.Table.from_batches([batch]), schema)

    return scan_batches(read, schema)


def list_restrictions(conditions: Mapping[str, str], partitioning: Partitioning) -> list[str]:
    """The restrictions of the sessions that together read all rows that meet the conditions.

    No session is needed where no row can meet them. If the table requires a filter on its
    partitions, rows with and without a partition are read apart: BigQuery accepts each filter, and
    together they leave nothing out.

    >>> list_restrictions({"n": "`n` = 1"}, Partitioning("day", "DAY", required=True))
    ['`n` = 1 AND `day` IS NOT NULL', '`n` = 1 AND `day` IS NULL']
    """
    where = [*conditions.values()]
    if NOTHING in where:
        return []
    if not partitioning.required or partitioning.column in conditions:
        return [" AND ".join(where)]
    tests = ("IS NOT NULL", "IS NULL")
    return [" AND ".join([*where, f"{partitioning.quoted} {test}"]) for test in tests]


def _create_session(clients: Clients, name: TableName, columns: Sequence[str], where: str) -> Any:
    options = types.ReadSession.TableReadOptions(
        selected_fields=columns,
        row_restriction=where,
        arrow_serialization_options=types.ArrowSerializationOptions(buffer_compression=_CODEC),
    )
    session = types.ReadSession(
        table=name.path, data_format=types.DataFormat.ARROW, read_options=options
    )
    return clients.reader.create_read_session(
        parent=f"projects/{clients.tables.project}",
        read_session=session,
        max_stream_count=STREAMS,
        retry=_RETRY,
        timeout=TIMEOUT,
    )


def _read_batches(clients: Clients, session: Any) -> Iterator[pa.RecordBatch]:
    """The batches of all streams, in the order of their arrival.

    The client resumes at its offset when a connection breaks, which is safe for reads.

    Raises:
        StoreError: no row has arrived for a long time.
    """
    received: queue.Queue[Received] = queue.Queue(_QUEUED_BATCHES)
    stopped, schema = threading.Event(), _read_schema(session.arrow_schema)

    def put(item: Received) -> None:
        while not stopped.is_set():
            try:
                return received.put(item, timeout=0.1)
            except queue.Full:
                continue

    def drain(stream: str) -> None:
        try:
            for answer in clients.reader.read_rows(stream, retry=_RETRY):
                rows = pa.py_buffer(answer.arrow_record_batch.serialized_record_batch)
                put(pa.ipc.read_record_batch(rows, schema))
                if stopped.is_set():
                    return
        except BaseException as error:
            put(error)
        put(None)

    streams = [s.name for s in session.streams]
    open_streams = len(streams)
    with ThreadPoolExecutor(max(1, len(streams))) as pool:
        try:
            for stream in streams:
                pool.submit(drain, stream)
            while open_streams:
                item = _receive(received)
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    open_streams -= 1
                else:
                    yield item
        finally:
            stopped.set()
            if open_streams:  # what the threads wait for may never come
                clients.reader.transport.close()


def _receive(received: queue.Queue[Received]) -> Received:
    """The next of what the streams send.

    Raises:
        StoreError: none sends anything.
    """
    try:
        return received.get(timeout=SILENCE)
    except queue.Empty:
        problem = f"BigQuery has sent no row for {SILENCE:g} seconds"
        raise StoreError(f"{problem}; check the network, then run it again") from None


def _read_schema(serialized: Any) -> pa.Schema:
    schema = pa.ipc.read_schema(pa.py_buffer(serialized.serialized_schema))
    return pa.schema([f.remove_metadata() for f in schema])


def _to_frame(table: pa.Table, schema: pl.Schema) -> pl.DataFrame:
    try:
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
        wanted = pl.Schema({n: schema[n] for n in frame.columns})
        return frame if frame.schema == wanted else frame.cast(wanted)
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        cure = "leave the column out, or cast it in a table of your own"
        raise StoreError(f"a column cannot be read: {error}; {cure}") from error
