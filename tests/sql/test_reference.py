"""What the views say by Google's reference evaluator: the third opinion beside emulator and Python.

It has the semantics of BigQuery's SQL from its authors. It keeps 128 MB of intermediate rows, so
that it is asked about a few players per date only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq import sql
from fsq.contract import Contract
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.trend import make_trend
from fsq.schema.arrow import to_arrow
from fsq.stores.bigquery.fields import table_fields
from fsq.stores.bigquery.names import TableName
from tests.support import any_table
from tests.support.frames import CONTRACT
from tests.support.profiles import compare
from tests.support.scenarios import with_incidents
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


def evaluate(analyzer: Any, statement: str, scored: pl.DataFrame, contract: Contract) -> Any:
    sent = table_fields(to_arrow(scored.head(1)).schema, contract.output)
    fields = [f.to_api_repr() for f in sent]
    query = statement.rstrip().removesuffix(";")
    return analyzer.evaluate(query, {TABLE.dotted: (scored, fields)})


def answer(
    analyzer: Any,
    view: str,
    scored: pl.DataFrame,
    start: date | None = None,
    contract: Contract = CONTRACT,
) -> Any:
    return evaluate(analyzer, sql.make_query(view, TABLE, contract, start), scored, contract)


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


@pytest.fixture(scope="module")
def legs() -> pl.DataFrame:
    """Rows of a contract with three keys, one of them an integer, and a time."""
    return fsq.score(any_table.make_rows(dates=40, entities=12), any_table.CONTRACT)


def test_any_contract(analyzer: Any, legs: pl.DataFrame) -> None:
    contract = any_table.CONTRACT
    day, key = contract.table.date, list(contract.table.key)

    def ask(view: str) -> Any:
        return answer(analyzer, view, legs, contract=contract)

    want = make_trend(measure_dates(legs.lazy(), contract), contract)
    assert_frame_equal(ask("trend").sort(day), want, rel_tol=1e-12, abs_tol=1e-9)
    found = read_signals(ask("findings"), day)
    assert found == list_signals(make_context(legs, contract=contract))
    assert "processor_did_not_run" in {kind for _, kind, *_ in found}
    kept = fsq.training_set(legs, contract=contract, exclude=None).frame.sort(key)
    got = ask("training_set").select(kept.columns).sort(key)
    assert_frame_equal(got, kept, check_exact=True)


@pytest.mark.parametrize("filled", [False, True])
def test_optional_values_while_a_season_is_young(analyzer: Any, filled: bool) -> None:
    """More and more records have them; one value in all of them is a fault even then."""
    contract, names = any_table.CONTRACT, ("wind_mph", "gust_mph")
    day = contract.table.date
    rows = any_table.make_rows(dates=16, entities=12, incidents=False)
    late = rows[day].unique().sort()[12]
    known = rows.filter(pl.col("wind_mph__source") != "missing")
    source = known["wind_mph__source"].mode()[0]
    value = pl.lit(7.0) if filled else 5.0 + pl.int_range(pl.len()) % 7
    at = pl.col(day) == late
    kept = (pl.col(day) > late - timedelta(days=30)) & (pl.int_range(pl.len()).over(day) % 3 > 0)
    rows = rows.with_columns(
        *(pl.when(at).then(value).when(kept).then(None).otherwise(n).alias(n) for n in names),
        *(
            pl.when(at)
            .then(pl.lit(source))
            .when(kept)
            .then(pl.lit("missing"))
            .otherwise(pl.col(f"{n}__source").cast(pl.String))
            .alias(f"{n}__source")
            for n in names
        ),
    )
    scored = fsq.score(rows, contract)
    found = read_signals(answer(analyzer, "findings", scored, contract=contract), day)
    assert found == list_signals(make_context(scored, contract=contract))
    assert ((late, "optional_coverage") in {s[:2] for s in found}) == filled


def test_profile(analyzer: Any, legs: pl.DataFrame) -> None:
    """What departs from a profile; what is no alarm is compared, too."""
    contract = any_table.CONTRACT
    day = contract.table.date
    before = legs[day].unique().sort()[-8]
    profile = fsq.learn_profile(legs.filter(pl.col(day) < before), contract)
    assert profile is not None
    low = replace(profile.limits, alarm=dict.fromkeys(profile.limits.alarm, 0.5))
    profile = replace(profile, limits=low)
    made = sql.make_profile_query(profile, TABLE, contract, legs.schema)
    assert len(compare(evaluate(analyzer, made, legs, contract), profile, legs, contract)) > 20
