"""Reading by the Storage Read API: parallel streams, with only the columns and dates needed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

from fsq.errors import StoreError
from fsq.stores.bigquery.client import Clients
from fsq.stores.bigquery.names import TableName, format_date
from fsq.utils.frames import scan_batches

# Two per core; the service may open fewer, and opens one for a small table.
STREAMS = 4
# Batches that wait for their consumer, over all streams; this bounds the memory.
_QUEUED_BATCHES = 8

_NOTHING = "FALSE"
# Every date that BigQuery can hold.
_FIRST, _LAST = date.min, date.max


def scan_table(
    connect: Callable[[], AbstractContextManager[Clients]], name: TableName, date_column: str
) -> pl.LazyFrame:
    """Scan a table lazily; columns and predicates on its date are pushed down.

    Args:
        connect: opens the clients, each time the rows are collected.
        name: the table.
        date_column: its column of dates.

    Raises:
        StoreError: there is no such table, or it has columns that Polars cannot represent.
    """
    with connect() as clients:
        schema = _read_schema(_create_session(clients, name, [], "").arrow_schema)
    empty = _to_frame(schema.empty_table())

    def read(selected: list[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        needed = {*selected, *(() if predicate is None else predicate.meta.root_names())}
        if (where := make_restriction(predicate, date_column)) == _NOTHING:
            return
        with connect() as clients:
            session = _create_session(clients, name, sorted(needed), where)
            for batch in _read_batches(clients, session):
                yield _to_frame(pa.Table.from_batches([batch]))

    return scan_batches(read, empty.schema)


def make_restriction(predicate: pl.Expr | None, column: str) -> str:
    """Turn a predicate on the column of dates alone into SQL, by evaluating it for every day.

    Any other predicate gives the empty restriction; it is applied after reading.

    >>> make_restriction(pl.col("day").is_between(date(2026, 2, 1), date(2026, 2, 6)), "day")
    "day BETWEEN DATE '2026-02-01' AND DATE '2026-02-06'"
    >>> make_restriction(pl.col("day") >= date(2026, 2, 1), "day")
    "day >= DATE '2026-02-01'"
    """
    if predicate is None or set(predicate.meta.root_names()) != {column}:
        return ""
    # A predicate may hold for NULL too: then nothing can be restricted.
    keeps_null = pl.DataFrame({column: [None]}, {column: pl.Date}).filter(predicate)
    if keeps_null.height:
        return ""
    days = pl.DataFrame({column: pl.date_range(_FIRST, _LAST, eager=True)})
    kept = days.select(predicate.fill_null(value=False)).to_series().to_numpy()
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    if len(edges) > 200:  # restrictions must be short; first and last day save most
        edges = edges[[0, -1]]
    first = (_FIRST + timedelta(days=int(at)) for at in edges[::2])
    last = (_FIRST + timedelta(days=int(at) - 1) for at in edges[1::2])
    ranges = (_format_range(column, a, b) for a, b in zip(first, last, strict=True))
    return " OR ".join(ranges) or _NOTHING


def _format_range(column: str, first: date, last: date) -> str:
    if (first, last) == (_FIRST, _LAST):
        return f"{column} IS NOT NULL"
    if last == _LAST:
        return f"{column} >= {format_date(first)}"
    if first == _FIRST:
        return f"{column} <= {format_date(last)}"
    return f"{column} BETWEEN {format_date(first)} AND {format_date(last)}"


def _create_session(clients: Clients, name: TableName, columns: Sequence[str], where: str) -> Any:
    options = types.ReadSession.TableReadOptions(selected_fields=columns, row_restriction=where)
    session = types.ReadSession(
        table=name.path, data_format=types.DataFormat.ARROW, read_options=options
    )
    return clients.reader.create_read_session(
        parent=f"projects/{clients.tables.project}", read_session=session, max_stream_count=STREAMS
    )


def _read_batches(clients: Clients, session: Any) -> Iterator[pa.RecordBatch]:
    """The batches of all streams, in the order of their arrival.

    The client resumes at its offset when a connection breaks, which is safe for reads.
    """
    received: queue.Queue[pa.RecordBatch | BaseException | None] = queue.Queue(_QUEUED_BATCHES)
    stopped, schema = threading.Event(), _read_schema(session.arrow_schema)

    def put(item: pa.RecordBatch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return received.put(item, timeout=0.1)
            except queue.Full:
                continue

    def drain(stream: str) -> None:
        try:
            for answer in clients.reader.read_rows(stream):
                rows = pa.py_buffer(answer.arrow_record_batch.serialized_record_batch)
                put(pa.ipc.read_record_batch(rows, schema))
                if stopped.is_set():
                    return
        except BaseException as error:
            put(error)
        put(None)

    streams = [s.name for s in session.streams]
    with ThreadPoolExecutor(max(1, len(streams))) as pool:
        try:
            for stream in streams:
                pool.submit(drain, stream)
            open_streams = len(streams)
            while open_streams:
                item = received.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    open_streams -= 1
                else:
                    yield item
        finally:
            stopped.set()


def _read_schema(serialized: Any) -> pa.Schema:
    schema = pa.ipc.read_schema(pa.py_buffer(serialized.serialized_schema))
    return pa.schema([f.remove_metadata() for f in schema])


def _to_frame(table: pa.Table) -> pl.DataFrame:
    try:
        frame = pl.from_arrow(table)
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        cure = "drop or cast the column, or read a view without it"
        raise StoreError(f"a column cannot be read: {error}; {cure}") from error
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker
    return frame
