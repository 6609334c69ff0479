"""Every view of a table with three keys and a time runs, and gives what Python gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq import sql
from fsq.contract import Contract
from fsq.demo import simulate_table
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.trend import make_trend
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.write import write_rows
from tests.support.any_table import CONTRACT, make_large_contract, make_rows
from tests.support.profiles import compare
from tests.support.view_answers import list_signals, make_context, read_signals

SCORED = fsq.score(make_rows(dates=30, entities=80), CONTRACT)
KEY = list(CONTRACT.table.key)
DATE = CONTRACT.table.date
TABLE = TableName("p", "any_views", "legs")

# One worker runs all of them, since the table takes a while to make.
pytestmark = pytest.mark.xdist_group("any_views")


@pytest.fixture(scope="module")
def client(emulator: dict[str, str]) -> Iterator[Any]:
    """A client beside a table of scored rows, and its views."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.items():
            patch.setenv(name, value)
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.any_views")
            fill(clients, TABLE, SCORED, CONTRACT)
            sql.create_views(clients.tables, TABLE, CONTRACT)
            yield clients.tables


def fill(clients: Any, table: TableName, scored: pl.DataFrame, contract: Contract) -> None:
    rows = to_arrow(scored)
    clients.tables.create_table(
        bigquery.Table(table.dotted, schema=table_fields(rows.schema, contract.output))
    )
    write_rows(clients.writer, table.path, rows)


def read(client: Any, view: str, by: list[str]) -> pl.DataFrame:
    query = f"SELECT * FROM {sql.make_view_name(view, TABLE).sql}"
    job = client.query(query, retry=None, job_retry=None)
    frame = pl.from_arrow(job.result(retry=None).to_arrow(create_bqstorage_client=False))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort(by)


def test_records(client: Any) -> None:
    by = [*KEY, "feature_index"]
    want = fsq.explode_detail(SCORED, CONTRACT).sort(by)
    assert_frame_equal(read(client, "features", by), want, check_exact=True)
    values = pl.col("feature_quality_detail").list
    wide = SCORED.select(
        *KEY,
        *(
            values.get(f.index).struct.field("feature_value").alias(f.name)
            for f in CONTRACT.features
        ),
    )
    assert_frame_equal(read(client, "wide", KEY), wide.sort(KEY), check_exact=True)


def test_training_set(client: Any) -> None:
    kept = fsq.training_set(SCORED, contract=CONTRACT, exclude=None).frame.sort(KEY)
    assert SCORED.height / 3 < kept.height < SCORED.height
    assert kept.columns[:6] == [*KEY, "wave"]
    got = read(client, "training_set", KEY).select(kept.columns)
    assert_frame_equal(got, kept, check_exact=True)


def test_trend(client: Any) -> None:
    want = make_trend(measure_dates(SCORED.lazy(), CONTRACT), CONTRACT)
    assert_frame_equal(read(client, "trend", [DATE]), want, rel_tol=1e-12, abs_tol=1e-9)


def test_findings(client: Any) -> None:
    got = read_signals(read(client, "findings", [DATE]), DATE)
    assert got == list_signals(make_context(SCORED, contract=CONTRACT))
    assert {kind for _, kind, *_ in got} >= {
        "processor_did_not_run",
        "stale_data",
        "range_violation",
        "missing_rows",
        "season_start",
    }


def test_dates_and_tables(client: Any) -> None:
    got = read(client, "canary", [DATE])
    ctx = make_context(SCORED, contract=CONTRACT)
    red = sorted({s.day for s in ctx.signals if s.severity == "red"})
    assert got.filter(pl.col("verdict") == "red")[DATE].to_list() == red
    counted = [DATE, "rows", "waves", "quality", "weather_quality_pct", "history_quality_pct"]
    days = ctx.days.select(counted)
    assert_frame_equal(got.select(counted), days, rel_tol=1e-12)
    tables = read(client, "diagnosis", [DATE, "upstream_table"])
    assert tables.height == SCORED[DATE].n_unique() * 3
    lost = tables.filter(pl.col("status") == "red")
    assert lost.select(DATE, "upstream_table").row(0) == (lost[DATE][0], "leg_history")


def test_profile(client: Any) -> None:
    # A season starts with the first date; levels are compared from the second month on.
    rows, table = (
        fsq.score(make_rows(dates=60, entities=40), CONTRACT),
        TableName("p", "any_views", "long"),
    )
    with open_clients("p") as clients:
        fill(clients, table, rows, CONTRACT)
    dates = rows[DATE].unique().sort().to_list()
    profile = fsq.learn_profile(rows.filter(pl.col(DATE) < dates[-8]), CONTRACT)
    assert profile is not None
    # What is no alarm is compared, too.
    limits = replace(profile.limits, alarm=dict.fromkeys(profile.limits.alarm, 0.5))
    profile = replace(profile, limits=limits)
    made = sql.make_profile_query(profile, table, CONTRACT, rows.schema)
    job = client.query(made, retry=None, job_retry=None)
    got = pl.from_arrow(job.result(retry=None).to_arrow(create_bqstorage_client=False))
    assert isinstance(got, pl.DataFrame)
    assert len(compare(got, profile, rows, CONTRACT)) > 20


def test_many_features_and_categories(client: Any) -> None:
    """Of a contract without optional features, optional categories or processors."""
    large, table = make_large_contract(), TableName("p", "any_views", "large")
    rows = simulate_table(large, dates=4, entities=3, incidents=False)[0]
    scored = fsq.score(rows, large)
    with open_clients("p") as clients:
        fill(clients, table, scored, large)
    query = sql.make_query("trend", table, large)
    job = client.query(query, retry=None, job_retry=None)
    got = pl.from_arrow(job.result(retry=None).to_arrow(create_bqstorage_client=False))
    want = make_trend(measure_dates(scored.lazy(), large), large)
    assert isinstance(got, pl.DataFrame)
    assert got.width == want.width > 90
    assert_frame_equal(got.sort(DATE), want, rel_tol=1e-12, abs_tol=1e-9)
    assert "category_39_quality_pct" in sql.make_query("canary", table, large)
