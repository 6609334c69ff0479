"""Scoring equals a slow row-by-row oracle on generated rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import fsq
from tests.support import oracle
from tests.support.comparison import assert_same, to_oracle_rows
from tests.support.oracle_contracts import CAPPED, V2, V3
from tests.support.oracle_model import OracleContract
from tests.support.strategies import DAYS, NOW, wide_frames

CONTRACTS = {c.name: c for c in (V2, V3, CAPPED)}
COLUMN_NAMES = V2.columns


def compare(rows: pl.DataFrame, contract: OracleContract, **options: Any) -> None:
    run = fsq.RunContext(options.get("run_id"), options.get("processors"))
    scored = fsq.score(rows, contract.name, as_of=options.get("as_of"), run=run, now=NOW)
    quality = scored.select(contract.columns)
    assert dict(quality.schema) == dict(fsq.load_contract(contract.name).output.polars)
    want = oracle.score_rows(to_oracle_rows(rows, contract), contract, now=NOW, **options)
    for i, (a, b) in enumerate(zip(quality.to_dicts(), want, strict=True)):
        assert_same(a, b, f"row {i}")


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_score_matches_the_oracle(name: str, data: st.DataObject) -> None:
    compare(data.draw(wide_frames(CONTRACTS[name])), CONTRACTS[name])


@given(
    rows=wide_frames(V2),
    as_of=st.sampled_from([None, NOW, NOW - timedelta(days=9)]),
    processors=st.sampled_from([None, [], V2.expected, ["Zeta"]]),
)
def test_options_match_the_oracle(
    rows: pl.DataFrame, as_of: datetime | None, processors: list[str] | None
) -> None:
    compare(rows, V2, as_of=as_of, processors=processors, run_id="run-1")


@given(
    labels=st.lists(st.sampled_from(list(V2.sources)), min_size=33, max_size=33),
    hours=st.sampled_from([None, 24, 24.001, 48, 48.001]),
)
def test_tiers_and_gates_match_on_whole_records(labels: list[str], hours: float | None) -> None:
    row: dict[str, Any] = {"player_lookup": "p", "game_date": DAYS[0]}
    for f, label in zip(V2.features, labels, strict=True):
        row |= {f.name: (f.min + f.max) / 2 + 0.125, f"{f.name}__source": label}
    if hours is not None:
        midnight = datetime(2026, 2, 7, tzinfo=UTC)
        row["player_daily_cache__last_updated"] = midnight - timedelta(hours=hours)
    compare(pl.DataFrame([row]), V2)


@given(rows=wide_frames(V2), processors=st.sampled_from([[], V2.expected, ["Zeta"]]))
def test_a_context_by_date_applies_to_that_date(rows: pl.DataFrame, processors: list[str]) -> None:
    day, other = DAYS
    run = fsq.RunContext("run-1", ["Alpha"], by_date={day: fsq.RunContext("run-2", processors)})
    scored = fsq.score(rows, run=run, now=NOW)
    for on, one in (
        (day, fsq.RunContext("run-2", processors)),
        (other, fsq.RunContext("run-1", ["Alpha"])),
    ):
        hit = pl.col("game_date") == on
        part = rows.filter(hit)
        if part.height:
            assert_frame_equal(scored.filter(hit), fsq.score(part, run=one, now=NOW))


@given(
    rows=wide_frames(V2),
    columns=st.lists(st.sampled_from(["player_lookup", *COLUMN_NAMES]), min_size=1, unique=True),
)
def test_selected_columns_equal_those_of_the_full_result(
    rows: pl.DataFrame, columns: list[str]
) -> None:
    got = fsq.score(rows.lazy(), now=NOW).select(columns).collect()
    assert_frame_equal(got, fsq.score(rows, now=NOW).select(columns))


@given(rows=wide_frames(V2), as_map=st.booleans())
def test_one_column_of_sources_equals_one_per_feature(rows: pl.DataFrame, as_map: bool) -> None:
    names = [f"{f.name}__source" for f in V2.features]
    labels = rows.select(pl.col(names).cast(pl.String)).to_dicts()
    known = [{str(i): row[n] for i, n in enumerate(names) if row[n] is not None} for row in labels]
    sources: pl.Series
    if as_map:
        pairs = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
        lists = [[{"key": k, "value": v} for k, v in row.items()] for row in known]
        sources = pl.Series("feature_sources", lists, dtype=pairs)
    else:
        sources = pl.Series("feature_sources", [json.dumps(row) for row in known])
    want = fsq.score(rows, now=NOW).drop("feature_sources")
    got = fsq.score(rows.drop(names).with_columns(sources), now=NOW).drop("feature_sources")
    assert_frame_equal(got, want, check_column_order=False)


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_shipped_contracts_equal_the_definition(name: str) -> None:
    shipped = fsq.load_contract(name)
    for mine, other in zip(shipped.features, CONTRACTS[name].features, strict=True):
        for attribute in (
            "index",
            "name",
            "category",
            "upstream_table",
            "window",
            "min",
            "max",
            "on_violation",
            "expected",
            "suspicious_default",
            "fallback_reason",
            "definition_version",
            "optional",
            "critical",
        ):
            assert getattr(mine, attribute) == getattr(other, attribute), (mine.name, attribute)
        assert mine.weight == 1
    assert {m: list(n) for m, n in shipped.models.items()} == CONTRACTS[name].models
    assert [(c.min_required_defaults, c.max_score) for c in shipped.score_caps] == CONTRACTS[
        name
    ].caps
