"""Any contract, any rows: a diagnosis raises nothing, counts right, and explains every score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsq
from fsq.contract import Contract
from fsq.diagnosis.daily_metrics import measure_dates, name_group_count
from fsq.diagnosis.explain import explain
from fsq.diagnosis.feature_metrics import name_source_counts
from fsq.diagnosis.rendering import render_markdown
from fsq.diagnosis.trend import list_compared_metrics, make_trend
from fsq.schema.columns import DETAIL
from tests.support.contract_strategies import contract_data
from tests.support.oracle_forms import read_contract, write_toml
from tests.support.strategies import NOW, wide_frames


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract") / "drawn.toml"


def _score(data: st.DataObject, drawn: dict[str, Any], path: Path) -> tuple[pl.DataFrame, Contract]:
    """Scored rows of any contract, on their dates and once more on each of eight days later."""
    path.write_text(write_toml(drawn))
    contract = fsq.load_contract(path)
    rules = contract.diagnosis.model_copy(update={"min_rows": 2, "history_min_days": 2})
    contract = contract.model_copy(update={"diagnosis": rules})
    scored = fsq.score(data.draw(wide_frames(read_contract(drawn))), contract, now=NOW)
    when = [c for c in (contract.table.date, contract.table.time) if c is not None]
    later = [
        scored.with_columns(pl.col(c).dt.offset_by(f"{i}d").cast(scored[c].dtype) for c in when)
        for i in range(9)
    ]
    return pl.concat(later), contract


@settings(max_examples=100)
@given(data=st.data(), drawn=contract_data())
def test_counts_are_those_of_the_rows(
    path: Path, data: st.DataObject, drawn: dict[str, Any]
) -> None:
    scored, contract = _score(data, drawn, path)
    dx = fsq.diagnose(scored, contract)
    date = contract.table.date
    assert list(dx.dates) == scored[date].drop_nulls().unique().sort().to_list()
    json.dumps(dx.to_dict(), allow_nan=False)
    assert str(dx)
    assert dx._repr_html_()
    assert render_markdown(dx.summary)
    assert dx.frame.height == len(dx.findings)
    detail = scored.select(date, DETAIL).explode(DETAIL).unnest(DETAIL)
    for day, days in scored.group_by(date):
        measured = dx.days.filter(pl.col(date) == day[0]).row(0, named=True)
        assert measured["rows"] == days.height
        assert measured["default_features"] == days["default_feature_count"].sum()
        group = contract.table.group
        name = name_group_count(contract.table)
        if name is not None and group in days.columns:
            assert measured[name] == days[group].drop_nulls().n_unique()
        mine = detail.filter(pl.col(date) == day[0])
        features = dx.features.filter(pl.col(date) == day[0])
        assert features["default_rows"].sum() == mine["is_default"].sum()
        assert features["violation_rows"].sum() == (~mine["value_range_valid"]).sum()
        for source, name in name_source_counts(contract).items():
            assert features[name].sum() == (mine["source_type"] == source).sum()


@given(data=st.data(), drawn=contract_data())
def test_a_trend_compares_every_category(
    path: Path, data: st.DataObject, drawn: dict[str, Any]
) -> None:
    scored, contract = _score(data, drawn, path)
    days = make_trend(measure_dates(scored.lazy(), contract), contract)
    assert days[contract.table.date].is_sorted()
    for metric in list_compared_metrics(contract):
        assert days[f"{metric}_trailing"].null_count() >= min(2, days.height)


@given(data=st.data(), drawn=contract_data())
def test_every_sum_ends_in_the_score(
    path: Path, data: st.DataObject, drawn: dict[str, Any]
) -> None:
    scored, contract = _score(data, drawn, path)
    table = contract.table
    columns = [*table.keys, *([table.time] if table.time else [])]
    for record in scored.head(3).select(*columns, table.date).to_dicts():
        day = record.pop(table.date)
        found = explain(scored, {k: v for k, v in record.items() if v is not None}, day, contract)
        json.dumps(found.to_dict(), allow_nan=False)
        assert {k: found.record[k] for k in columns} == record
        for feature in found.features:
            total = float(feature["arithmetic"].split(" = ")[1].split(" → ")[-1].split(" ")[0])
            assert total == pytest.approx(feature["quality_score"]), feature
