"""A BigQuery table filled by many tasks: attempts that are lost, drivers that die half-way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.errors import InputError
from fsq.stores import (
    BatchWrite,
    DataWriter,
    LedgerEntry,
    WriterCommitMessage,
    open_batch_write,
    open_store,
)
from fsq.stores.bigquery import distributed, runs
from fsq.stores.bigquery import ledger as ledgers
from fsq.stores.bigquery import write as write_module
from fsq.stores.bigquery.retry import Retry
from fsq.stores.bigquery.write import finalize_streams
from tests.support.frames import wide
from tests.support.warehouse import held, tables

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = wide(40, 4)
DAYS: list[date] = ROWS["game_date"].unique().sort().to_list()


def scored(now: datetime = NOW) -> pl.DataFrame:
    return fsq.score(ROWS, now=now)


def write_tasks(
    uri: str, rows: pl.DataFrame
) -> tuple[BatchWrite, list[WriterCommitMessage], dict[date, LedgerEntry]]:
    """A write to the table, and the messages of two tasks, the first of which ran twice."""
    write = open_batch_write(open_store(uri))
    writer: DataWriter = write.create_writer(rows.head(0))
    halves = [rows.filter(pl.col("game_date").is_in(d)) for d in (DAYS[:2], DAYS[2:])]
    writer.write(0, [halves[0]])
    messages = [writer.write(i, [half.head(5), half.tail(-5)]) for i, half in enumerate(halves)]
    return write, messages, {d: LedgerEntry("c", "v", str(d), 10) for d in DAYS}


def test_only_rows_of_committed_messages_become_visible(dataset: str) -> None:
    uri, rows = f"bigquery://{dataset}.t", scored()
    write, messages, ledger = write_tasks(uri, rows)
    assert held(uri).height == 0
    result = write.commit(messages, ledger, "one")
    assert result is not None
    assert (result.rows, result.dates) == (40, 4)
    open_store(f"bigquery://{dataset}.whole").replace(rows)
    assert_frame_equal(held(uri), held(f"bigquery://{dataset}.whole"))
    assert open_store(uri).ledger() == ledger
    late, messages, ledger = write_tasks(uri, scored(NOW.replace(day=2)))
    assert late.commit(messages, ledger, "one") is None
    late.abort()
    assert held(uri)["quality_computed_at"].unique().to_list() == [NOW]
    assert not [t for t in tables(dataset) if "staging" in t]


def test_tasks_leave_their_streams_open_for_the_driver(
    dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finalized stream lives for four hours only, an open one for a day."""
    asked: list[str] = []

    def noted(transport: Any, rows: Mapping[str, int], retry: Retry) -> None:
        asked.extend(rows)
        finalize_streams(transport, rows, retry)

    for module in (distributed, write_module):
        monkeypatch.setattr(module, "finalize_streams", noted)
    write, messages, ledger = write_tasks(f"bigquery://{dataset}.t", scored())
    assert asked == []
    assert write.commit(messages, ledger, "one") is not None
    assert asked == [m.name for m in messages]


def test_rows_that_the_table_cannot_hold_are_not_sent(dataset: str) -> None:
    uri, rows = f"bigquery://{dataset}.t", scored()
    write = open_batch_write(open_store(uri))
    with pytest.raises(InputError, match="lack the quality columns"):
        write.create_writer(rows.head(0).drop("quality_tier"))
    writer: DataWriter = write.create_writer(rows.head(0))
    with pytest.raises(InputError, match="_count is double; it is INT64 in the table"):
        writer.write(0, [rows.with_columns(pl.col("default_feature_count").cast(pl.Float64))])
    write.abort()
    assert held(uri).height == 0


@pytest.mark.parametrize("where", ["ledger", "run"])
def test_a_driver_that_dies_after_the_merge_is_started_again(
    dataset: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    uri, rows = f"bigquery://{dataset}.t", scored()
    write, messages, ledger = write_tasks(uri, rows)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(
            *((ledgers, "write_ledger") if where == "ledger" else (runs, "record_run")), die
        )
        with pytest.raises(KeyboardInterrupt):
            write.commit(messages, ledger, "one")
    assert held(uri).height == 40
    assert open_store(uri).ledger() == ({} if where == "ledger" else ledger)
    again, messages, ledger = write_tasks(uri, scored())
    assert not again.committed("one")
    assert again.commit(messages, ledger, "one") is not None
    assert again.committed("one")
    assert held(uri).height == 40
    assert open_store(uri).ledger() == ledger
