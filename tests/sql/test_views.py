"""Every view runs in the emulator, and gives what the Python functions give."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from google.cloud import bigquery
from polars.testing import assert_frame_equal

import fsq
from fsq import sql
from fsq.cli import main
from fsq.contract import Contract
from fsq.diagnosis.checks import list_kinds
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.trend import make_trend
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from fsq.stores.bigquery.write import write_rows
from tests.support.frames import CONTRACT, NAMES
from tests.support.scenarios import scenarios
from tests.support.v2 import OUTPUT
from tests.support.view_answers import (
    list_signals,
    make_canary,
    make_context,
    make_diagnosis,
    make_matrix,
    read_signals,
)

SCORED = scenarios()
DAYS = SCORED["game_date"].unique().sort().to_list()
TABLE = TableName("p", "sql_views", "scored")
URI = f"bigquery://{TABLE.dotted}"

# One worker runs all of them, since the table and its views take a while to make.
pytestmark = pytest.mark.xdist_group("views")


@pytest.fixture(scope="module")
def service(emulator: dict[str, str]) -> Iterator[Any]:
    """A client beside a table that holds the scenarios, and its views."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.items():
            patch.setenv(name, value)
        with open_clients("p") as clients:
            clients.tables.create_dataset("p.sql_views")
            rows = to_arrow(SCORED)
            clients.tables.create_table(
                bigquery.Table(TABLE.dotted, schema=table_fields(rows.schema, OUTPUT))
            )
            write_rows(clients.writer, TABLE.path, rows)
            assert main(["schema", "migrate", URI, "--views"]) == 0
            yield clients.tables


def rows_of(client: Any, query: str) -> pl.DataFrame:
    job = client.query(query, retry=None, job_retry=None)
    frame = pl.from_arrow(job.result(retry=None).to_arrow(create_bqstorage_client=False))
    assert isinstance(frame, pl.DataFrame)
    return frame


def test_features(service: Any) -> None:
    day = DAYS[3]
    name = sql.make_view_name("features", TABLE).sql
    got = rows_of(service, f"SELECT * FROM {name} WHERE game_date = DATE '{day}'")
    want = fsq.explode_detail(SCORED.filter(pl.col("game_date") == day))
    keys = ["player_lookup", "feature_index"]
    assert_frame_equal(got.sort(keys), want.sort(keys), check_exact=True)


def test_wide(service: Any) -> None:
    got = rows_of(service, f"SELECT * FROM {sql.make_view_name('wide', TABLE).sql}")
    assert_frame_equal(
        got.sort("game_date", "player_lookup"), make_matrix(SCORED), check_exact=True
    )


def test_training_set(service: Any) -> None:
    got = rows_of(service, f"SELECT * FROM {sql.make_view_name('training_set', TABLE).sql}")
    kept = fsq.training_set(SCORED, exclude=None).frame
    assert 100 < kept.height < SCORED.height / 2
    key = ["game_date", "player_lookup"]
    assert_frame_equal(got.select(kept.columns).sort(key), kept.sort(key), check_exact=True)


def test_trend(service: Any) -> None:
    got = rows_of(service, f"SELECT * FROM {sql.make_view_name('trend', TABLE).sql}")
    want = make_trend(measure_dates(SCORED.lazy(), CONTRACT), CONTRACT)
    assert_frame_equal(got.sort("game_date"), want, rel_tol=1e-12, abs_tol=1e-9)


def test_trend_of_some_dates(service: Any) -> None:
    """The dates before the first are read to compare with."""
    got = rows_of(service, sql.make_query("trend", TABLE, start=DAYS[-3], end=DAYS[-2]))
    want = make_trend(measure_dates(SCORED.lazy(), CONTRACT), CONTRACT)[-3:-1]
    assert_frame_equal(got.sort("game_date"), want, rel_tol=1e-12, abs_tol=1e-9)


def test_findings(service: Any, emulator: dict[str, str]) -> None:
    """As `fsq sql` prints it; signal for signal what the checks say."""
    fsq_command = str(Path(sys.executable).with_name("fsq"))
    command = [fsq_command, "sql", "findings", "--table", URI]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    got = read_signals(rows_of(service, printed.stdout))
    assert got == list_signals(make_context(SCORED))
    assert {k for _, k, *_ in got} == {k.name for k in list_kinds().values() if k.in_sql}


def test_canary(service: Any) -> None:
    got = rows_of(service, f"SELECT * FROM {sql.make_view_name('canary', TABLE).sql}").sort(
        "game_date"
    )
    expected = make_canary(make_context(SCORED))
    assert set(expected["verdict"]) == {"red", "yellow", "unknown", "green"}
    assert_frame_equal(got.select(expected.columns), expected)
    counted = [c for c in got.columns if c not in expected.columns] + ["game_date"]
    days = measure_dates(SCORED.lazy(), CONTRACT)
    days = days.with_columns(pl.col("missing_processors").list.sort())
    assert_frame_equal(got.select(counted), days.select(counted), rel_tol=1e-12)


@pytest.mark.parametrize("start", [None, DAYS[-5]])
def test_diagnosis(service: Any, start: date | None) -> None:
    got = rows_of(service, sql.make_query("diagnosis", TABLE, start=start))
    expected = make_diagnosis(SCORED, start)
    assert {"red", "green"} <= set(expected["status"])
    assert_frame_equal(got, expected, rel_tol=1e-12)


def test_views_with_a_migration(service: Any, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{TABLE.dotted}_{name}" for name in sql.VIEWS]
    kinds = {
        t.full_table_id.replace(":", "."): t.table_type for t in service.list_tables("p.sql_views")
    }
    assert [kinds[name] for name in names] == ["VIEW"] * len(names)
    assert main(["schema", "migrate", URI, "--views", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["views"] == names


def test_nothing_changes_where_a_name_is_taken(
    service: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    field = bigquery.SchemaField("k", "STRING")
    for name in ("bare", "taken", "taken_diagnosis"):
        service.create_table(bigquery.Table(f"p.sql_views.{name}", schema=[field]))
    assert main(["schema", "migrate", "bigquery://p.sql_views.taken", "--views"]) == 2
    assert "taken_diagnosis is a TABLE, not a view" in capsys.readouterr().err
    assert main(["schema", "migrate", "p.sql_views.taken", "--views"]) == 2
    assert "is not in BigQuery" in capsys.readouterr().err
    assert [f.name for f in service.get_table("p.sql_views.taken").schema] == ["k"]
    with pytest.raises(fsq.InputError, match=r"no column quality_tier; run fsq schema migrate"):
        sql.create_views(service, "bigquery://p.sql_views.bare")


HOSTILE = "it's `x`\"; \\' -- a */ \n\r\tDROP TABLE t; \\"


def hostile() -> Contract:
    """A contract whose words were never checked, with what could end a literal in each."""
    first, *rest = CONTRACT.features
    bad = first.model_copy(update={"upstream_table": HOSTILE})
    job = CONTRACT.processors[0].model_copy(update={"name": HOSTILE, "writes": HOSTILE})
    return CONTRACT.model_copy(
        update={"name": HOSTILE, "features": (bad, *rest), "processors": (job,)}
    )


def test_words_of_a_contract_stay_words(service: Any) -> None:
    made = sql.make_query("diagnosis", TABLE, hostile(), DAYS[1], DAYS[1])
    table = rows_of(service, made).filter(pl.col("features").list.contains(NAMES[0]))
    assert table.select("upstream_table", "processor").row(0) == (HOSTILE, HOSTILE)
    assert rows_of(service, f"SELECT {sql.quote.quote_text(HOSTILE)} AS t").item() == HOSTILE
