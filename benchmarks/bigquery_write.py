"""How fast fsq sends rows to BigQuery, compared with copying the bytes, and into the emulator.

    python -m benchmarks.bigquery_write [--emulator]

The rows are split, serialised and sent over a real socket to a server in another process, which
only counts them. Quote the ratio to copying the same bytes in the same run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pyarrow as pa
from google.cloud import bigquery

import fsq
from fsq.contract import load_contract
from fsq.demo import simulate_season
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.stream import split_requests
from fsq.stores.bigquery.write import write_rows
from tests.conftest import command, started, stopped
from tests.support.fake_write import FakeWrite, client_of

ROUNDS = 5
PARENT = "projects/p/datasets/d/tables/t"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", action="store_true", help="also write into `fsq emulator`")
    arguments = parser.parse_args()
    rows = to_arrow(fsq.score(simulate_season("2025-26").rows)).combine_chunks()
    sizes = [pa.ipc.get_record_batch_size(p) for b in rows.to_batches() for p in split_requests(b)]
    size = sum(sizes)
    print(
        f"{rows.num_rows:,} rows, {size / 1e6:,.0f} MB in {len(sizes)} requests, the largest "
        f"{max(sizes) / 1e6:.2f} MB; medians of {ROUNDS}"
    )
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    copy = _time_median(lambda: np.copyto(target, source))
    serialised = _time_median(
        lambda: [p.serialize() for b in rows.to_batches() for p in split_requests(b)]
    )
    sent = _time_sending(rows)
    for name, seconds in (
        ("copy the bytes", copy),
        ("split and serialise", serialised),
        ("send and commit", sent),
    ):
        _print_figure(name, rows.num_rows, size, seconds, copy)
    if arguments.emulator:
        _print_figure("into the emulator", rows.num_rows, size, _time_emulator(rows), copy)


def _print_figure(name: str, rows: int, size: int, seconds: float, copy: float) -> None:
    print(
        f"{name:20} {seconds:8.3f} s {size / seconds / 1e6:8,.0f} MB/s "
        f"{rows / seconds:10,.0f} rows/s {seconds / copy:8.1f} x copy"
    )


def _time_median(call: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])  # the first one warms up


def _time_sending(rows: pa.Table) -> float:
    """Time sending to a server that only counts, in a separate process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_serve, args=(there,))
    server.start()
    try:
        client = client_of(here.recv())
        return _time_median(lambda: write_rows(client, PARENT, rows))
    finally:
        here.send(None)
        server.join()


def _serve(pipe: Connection) -> None:
    with FakeWrite(keep=False) as service:
        pipe.send(service.address)
        pipe.recv()


def _time_emulator(rows: pa.Table) -> float:
    """Time writing into a new table of a fresh emulator, once."""
    process, environment = started(command())
    os.environ.update(environment)
    try:
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.d")
            fields = table_fields(rows.schema, load_contract().output)
            clients.tables.create_table(bigquery.Table("p.d.t", schema=fields))
            began = time.perf_counter()
            write_rows(clients.writer, PARENT, rows)
            return time.perf_counter() - began
    finally:
        stopped(process)


if __name__ == "__main__":
    main()
