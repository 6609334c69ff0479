"""A service that refuses connections, or takes requests and never answers: each call ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from fsq.errors import StoreError
from fsq.stores import open_store
from fsq.stores.bigquery import bounded, read
from fsq.stores.bigquery.client import Clients, open_clients
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.variables import GRPC_VARIABLE, REST_VARIABLE

CALLS: dict[str, Callable[[Clients], object]] = {
    "a table": lambda c: c.tables.get_table("p.d.t"),
    "a new table": lambda c: c.tables.create_table(bigquery.Table("p.d.t"), exists_ok=True),
    "a table to drop": lambda c: c.tables.delete_table("p.d.t", not_found_ok=True),
    "a list": lambda c: list(c.tables.list_tables("p.d")),
    "a query": lambda c: c.tables.query("SELECT 1", retry=DEFAULT_RETRY, job_retry=None),
    "a job": lambda c: c.tables.get_job("fsq_1"),
    "rows": lambda c: list(c.tables.list_rows(bigquery.TableReference.from_string("p.d.t"), [])),
}


@pytest.fixture(params=["refuses", "never answers"])
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bounded, "TIMEOUT", 0.4)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "never answers":
            server.listen(100)
        place = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv(REST_VARIABLE, f"http://{place}")
        monkeypatch.setenv(GRPC_VARIABLE, place)
        yield


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.usefixtures("service")
def test_calls_end(what: str) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match="BigQuery failed"), open_clients("p") as clients:
        CALLS[what](clients)
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("service")
def test_a_store_says_that_it_cannot_be_reached() -> None:
    with pytest.raises(StoreError, match="BigQuery failed"):
        open_store("bigquery://p.d.t").version()


def ask_for_rows() -> pl.DataFrame:
    """The rows of a table."""
    table = bigquery.Table("p.d.t", [bigquery.SchemaField("n", "INT64")])
    name = TableName.parse("bigquery://p.d.t")
    return read.scan_table(lambda: open_clients("p"), name, table).collect()


@pytest.mark.usefixtures("service")
def test_rows_that_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's client tries ten minutes to open a session, and a day to read its streams."""
    assert read._RETRY.timeout == 120
    monkeypatch.setattr(read, "_RETRY", Retry(read._RETRY._predicate, timeout=0.4))
    monkeypatch.setattr(read, "TIMEOUT", 0.4)
    began = time.monotonic()
    with pytest.raises(StoreError, match="BigQuery failed"):
        ask_for_rows()
    assert time.monotonic() - began < 30


class Silent:
    """A reader that opens two streams and sends a batch on one, and then no more."""

    def __init__(self) -> None:
        self.transport, self.closed = self, threading.Event()

    def close(self) -> None:
        self.closed.set()

    def create_read_session(self, **_: object) -> object:
        batch = pa.record_batch({"n": [1]})
        schema = SimpleNamespace(serialized_schema=batch.schema.serialize().to_pybytes())
        self.rows = SimpleNamespace(serialized_record_batch=batch.serialize().to_pybytes())
        streams = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
        return SimpleNamespace(arrow_schema=schema, streams=streams)

    def read_rows(self, name: str, **_: object) -> Iterator[object]:
        if name == "a":
            yield SimpleNamespace(arrow_record_batch=self.rows)
        assert self.closed.wait(60)
        raise RuntimeError("the channel was closed")


@pytest.fixture
def silent() -> Any:
    return SimpleNamespace(reader=Silent(), tables=SimpleNamespace(project="p"))


def test_streams_that_fall_silent(silent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "SILENCE", 0.2)
    session = silent.reader.create_read_session()
    batches = read._read_batches(silent, session)
    assert next(batches).num_rows == 1
    with pytest.raises(StoreError, match=r"sent no row for 0\.2 seconds.*run it again"):
        next(batches)
    assert silent.reader.closed.is_set()


def test_who_leaves_early_does_not_wait_for_silent_streams(silent: Any) -> None:
    batches: Any = read._read_batches(silent, silent.reader.create_read_session())
    next(batches)
    batches.close()  # as an interrupt does
    assert silent.reader.closed.is_set()
