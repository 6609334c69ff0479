"""Reports and charts of a table with three keys, and of very many features and categories."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.contract import Contract
from fsq.demo import simulate_table
from fsq.diagnosis.trend import make_trend
from fsq.reporting import facts
from fsq.reporting.page import make_report, render_page
from fsq.reporting.pictures import draw_chart, draw_waterfall
from fsq.reporting.trend_chart import draw_trend
from tests.support.any_table import CONTRACT, make_large_contract, make_rows

SCORED = fsq.score(make_rows(), CONTRACT)
TABLE = CONTRACT.table


def make_page(scored: pl.DataFrame, contract: Contract) -> str:
    dx = fsq.diagnose(scored, contract)
    trend = make_trend(dx.days, contract)
    return render_page(scored.lazy(), dx, "memory", datetime(2026, 1, 1, tzinfo=UTC), trend)


def read_data(page: str) -> Any:
    text = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert text is not None
    return json.loads(text[1])


@pytest.fixture(scope="module")
def page() -> str:
    return make_page(SCORED, CONTRACT)


def test_a_report_of_a_store(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"), CONTRACT)
    store.replace(SCORED)
    last = SCORED[TABLE.date].max()
    assert isinstance(last, date)
    data = read_data(make_report(store, CONTRACT, start=last))
    assert {c["date"] for c in data["sets"]["cells"]} == {str(last)}


def test_words_and_keys_are_those_of_the_contract(page: str) -> None:
    assert "the 12 legs with the lowest scores" in page
    assert re.search(r"<strong>carrier_\d \d origin_\d</strong> 2025-1\d-\d\d \d\d:", page)
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search("player|game|vegas|matchup|phase", markup)


def test_charts_have_the_contract_s_categories_and_sources(page: str) -> None:
    data = read_data(page)
    sets, specs = data["sets"], data["specs"]
    assert {c["category"] for c in sets["categories"]} == {"weather", "history"}
    assert {s["source"] for s in sets["sources"]} == {"measured", "estimated", "default"}
    values = SCORED.height * len(CONTRACT.features)
    assert sum(s["values"] for s in sets["sources"]) == values
    domain = specs["sources"]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["measured", "estimated", "default"]
    assert {c["date"] for c in sets["cells"]} == {str(d) for d in SCORED[TABLE.date].unique()}


def test_worst_records_are_one_per_entity_and_the_lowest() -> None:
    found = facts.find_worst_records(SCORED.lazy(), CONTRACT)
    lowest = SCORED.group_by(TABLE.keys).agg(pl.col("feature_quality_score").min())
    want = sorted(lowest["feature_quality_score"].to_list())[: facts.WORST_ENTITIES]
    assert [r["feature_quality_score"] for r in found] == want
    assert len({r["name"] for r in found}) == facts.WORST_ENTITIES
    for record in found:
        row = SCORED.filter(*(pl.col(c) == record[c] for c in TABLE.key))
        assert row["feature_quality_score"].to_list() == [record["feature_quality_score"]]
        assert [f["feature_name"] for f in record["features"]] == list(CONTRACT.names)


def test_many_features_and_categories() -> None:
    large = make_large_contract()
    scored = fsq.score(simulate_table(large, dates=4, entities=20, incidents=False)[0], large)
    data = read_data(make_page(scored, large))
    encoding = data["specs"]["categories"]["encoding"]
    colours = encoding["color"]["scale"]["range"]
    dashes = [tuple(d) for d in encoding["strokeDash"]["scale"]["range"]]
    assert len(set(zip(colours, dashes, strict=True))) == 40
    assert len({c["feature"] for c in data["sets"]["cells"]}) == 300
    trend = make_trend(fsq.diagnose(scored, large).days, large)
    assert draw_trend(trend, "svg", large).count(b"category 39") >= 1


def test_pictures() -> None:
    dx = fsq.diagnose(SCORED, CONTRACT)
    assert draw_chart(dx, "categories").png.startswith(b"\x89PNG")
    assert draw_chart(dx, "trend").png.startswith(b"\x89PNG")
    ts = fsq.training_set(SCORED, "outcome", contract=CONTRACT)
    assert draw_waterfall(ts).png.startswith(b"\x89PNG")
