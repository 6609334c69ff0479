"""Any contract: its simulated table can be trained on, checked, drawn and queried."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsq
from fsq import sql
from fsq.bench.check import validate_consistency
from fsq.contract import Contract
from fsq.demo import simulate_table
from fsq.diagnosis.diagnose import diagnose_context, make_context
from fsq.diagnosis.trend import make_trend
from fsq.reporting import charts, facts
from fsq.reporting.data import make_data_sets
from fsq.reporting.records import find_worst_records
from fsq.training.readiness import ReadyCounter
from tests.support.contract_strategies import contract_data
from tests.support.oracle_forms import write_toml


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract") / "drawn.toml"


def make_scored(drawn: dict[str, Any], seed: int, path: Path) -> tuple[pl.DataFrame, Contract]:
    path.write_text(write_toml(drawn))
    contract = fsq.load_contract(path)
    rows, _ = simulate_table(contract, seed, dates=5, entities=12, incidents=False)
    return fsq.score(rows, contract), contract


def list_data(spec: dict[str, Any]) -> set[str]:
    """The data sets that a chart names."""
    parts = [spec, *spec.get("layer", ())]
    return {part["data"]["name"] for part in parts if "data" in part}


SEEDS = st.integers(0, 99)


@settings(max_examples=25)
@given(drawn=contract_data(), seed=SEEDS)
def test_training_and_models(path: Path, drawn: dict[str, Any], seed: int) -> None:
    scored, contract = make_scored(drawn, seed, path)
    key = list(contract.table.key)
    validate_consistency(scored, contract)
    every = fsq.training_set(scored, on_default="keep", contract=contract)
    assert every.frame.select(key).equals(scored.select(key).sort(contract.table.order))
    chosen = fsq.training_set(scored, "outcome", contract=contract)
    ready = scored.filter("is_training_ready").select(key)
    assert chosen.frame.join(ready, on=key, how="anti").is_empty()
    mixed = scored.sample(fraction=1, shuffle=True, seed=seed)
    assert fsq.training_set(mixed, "outcome", contract=contract).fingerprint == chosen.fingerprint
    assert chosen.overlaps["rows"].sum() == scored.height - len(chosen)
    assert str(chosen)
    for model, names in contract.models.items():
        if not names:
            with pytest.raises(fsq.InputError, match=f"{model}: reads no features"):
                fsq.check_model(model, scored, contract=contract)
            continue
        check = fsq.check_model(
            model, scored, contract=contract, optional=(), on_incompatible="report"
        )
        listed = scored.filter(pl.col(contract.model_column).list.contains(model))
        assert check.predictable.equals(listed.select(key).sort(contract.table.order))


@settings(max_examples=25)
@given(drawn=contract_data(), seed=SEEDS)
def test_reports_and_views(path: Path, drawn: dict[str, Any], seed: int) -> None:
    scored, contract = make_scored(drawn, seed, path)
    counter = ReadyCounter(contract)
    ctx = make_context(scored.lazy(), contract, others=[counter.reader])
    dx = diagnose_context(ctx, ctx.dates, ("", ""))
    assert dx.dates == fsq.diagnose(scored, contract).dates
    sets = make_data_sets(dx, make_trend(dx.days, contract), counter.count(dx).waterfall)
    specs = charts.make_chart_specs(contract, sets)
    json.dumps([sets, specs], allow_nan=False)
    assert {name for spec in specs.values() for name in list_data(spec)} <= sets.keys()
    values = sum(s["values"] for s in facts.compute_shares(dx.features, contract))
    assert values == scored.height * len(contract.names)
    worst = [r["feature_quality_score"] for r in find_worst_records(scored.lazy(), contract)]
    lacking = scored.filter(pl.col("quality_tier") != "gold")["feature_quality_score"]
    assert worst == sorted(worst)
    assert worst[:1] == lacking.sort().head(1).to_list()
    for name in sql.VIEWS:
        made = sql.make_query(name, "bigquery://p.d.t", contract)
        assert "$" not in re.sub(r"'(?:\\.|[^'\\])*'", "", made)
        assert f"`{contract.table.date}`" in made
