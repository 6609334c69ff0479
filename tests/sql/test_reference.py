"""What the views say by Google's reference evaluator: the third opinion beside emulator and Python.

It has the semantics of BigQuery's SQL from its authors. It keeps 128 MB of intermediate rows, so
that it is asked about a few players per date only.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq import sql
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.trend import make_trend
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from tests.support.frames import CONTRACT
from tests.support.scenarios import with_incidents
from tests.support.v2 import OUTPUT
from tests.support.view_answers import (
    list_signals,
    make_canary,
    make_context,
    make_diagnosis,
    make_matrix,
    read_signals,
)

# One worker runs all of them, since the evaluator takes a while to start.
pytestmark = pytest.mark.xdist_group("zetasql")
TABLE = TableName("p", "d", "scored")
_PER_DATE = 20


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    rows = with_incidents()
    return fsq.score(rows.filter(pl.int_range(pl.len()).over("game_date") < _PER_DATE))


def answer(analyzer: Any, view: str, scored: pl.DataFrame, start: date | None = None) -> Any:
    fields = [f.to_api_repr() for f in table_fields(to_arrow(scored.head(1)).schema, OUTPUT)]
    statement = sql.make_query(view, TABLE, CONTRACT, start).rstrip().removesuffix(";")
    return analyzer.evaluate(statement, {TABLE.dotted: (scored, fields)})


def test_records(analyzer: Any, scored: pl.DataFrame) -> None:
    first = scored.filter(pl.col("game_date") == scored["game_date"].min())
    key = ["player_lookup", "feature_index"]
    got, want = answer(analyzer, "features", first), fsq.explode_detail(first)
    assert_frame_equal(got.sort(key), want.sort(key), check_exact=True)


def test_wide(analyzer: Any, scored: pl.DataFrame) -> None:
    got = answer(analyzer, "wide", scored).sort("game_date", "player_lookup")
    assert_frame_equal(got, make_matrix(scored), check_exact=True)


def test_training_set(analyzer: Any, scored: pl.DataFrame) -> None:
    kept, key = fsq.training_set(scored, exclude=None).frame, ["game_date", "player_lookup"]
    assert 20 < kept.height < scored.height
    got = answer(analyzer, "training_set", scored).select(kept.columns)
    assert_frame_equal(got.sort(key), kept.sort(key), check_exact=True)


def test_trend(analyzer: Any, scored: pl.DataFrame) -> None:
    want = make_trend(measure_dates(scored.lazy(), CONTRACT), CONTRACT)
    got = answer(analyzer, "trend", scored).sort("game_date")
    assert_frame_equal(got, want, rel_tol=1e-12, abs_tol=1e-9)


def test_findings(analyzer: Any, scored: pl.DataFrame) -> None:
    got = read_signals(answer(analyzer, "findings", scored))
    assert got == list_signals(make_context(scored))
    kinds = {kind for _, kind, *_ in got}
    assert len(kinds) >= 8
    assert "processor_did_not_run" in kinds


def test_canary(analyzer: Any, scored: pl.DataFrame) -> None:
    want = make_canary(make_context(scored))
    assert {"red", "yellow", "unknown"} <= set(want["verdict"])
    got = answer(analyzer, "canary", scored).sort("game_date")
    assert_frame_equal(got.select(want.columns), want)


def test_diagnosis(analyzer: Any, scored: pl.DataFrame) -> None:
    start = scored["game_date"].unique().sort()[-8]
    want = make_diagnosis(scored, start)
    assert {"red", "green"} <= set(want["status"])
    assert_frame_equal(answer(analyzer, "diagnosis", scored, start), want, rel_tol=1e-12)
