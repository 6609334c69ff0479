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
from fsq.reporting.page import make_report
from fsq.reporting.pictures import draw_chart, draw_waterfall
from fsq.reporting.records import WORST_RECORDS, find_worst_records
from fsq.reporting.trend_chart import draw_trend
from tests.support.any_table import CONTRACT, make_large_contract, make_rows

SCORED = fsq.score(make_rows(), CONTRACT)
TABLE = CONTRACT.table


def make_page(scored: pl.DataFrame, contract: Contract) -> str:
    return make_report(scored, contract, now=datetime(2026, 1, 1, tzinfo=UTC))


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
    assert data["sets"]["dates"]["date"] == [str(last)]
    assert data["days"]["date"] == [str(last)]


def test_words_and_keys_are_those_of_the_contract(page: str) -> None:
    assert re.search(r"<strong>carrier_\d \d origin_\d</strong> 2025-1\d-\d\d \d\d:", page)
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search("player|game|vegas|matchup|phase", markup)


def test_charts_have_the_contract_s_categories_and_sources(page: str) -> None:
    data = read_data(page)
    sets, specs = data["sets"], data["specs"]
    assert set(sets["categories"]["category"]) == {"weather", "history"}
    assert set(sets["sources"]["source"]) == {"measured", "estimated", "default"}
    values = SCORED.height * len(CONTRACT.features)
    assert sum(sets["sources"]["values"]) == values
    domain = specs["sources"]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["measured", "estimated", "default"]
    assert set(sets["dates"]["date"]) == {str(d) for d in SCORED[TABLE.date].unique()}


def test_worst_records_differ_and_are_the_lowest() -> None:
    found = find_worst_records(SCORED.lazy(), CONTRACT)
    assert 1 < len(found) <= WORST_RECORDS
    counts = [f"{c}_default_count" for c in CONTRACT.category_names]
    ways = [(r["quality_alerts"], r["quality_tier"], *(r[c] for c in counts)) for r in found]
    assert len(set(ways)) == len(ways)
    lacking = SCORED.filter(pl.col("quality_tier") != "gold")
    assert found[0]["feature_quality_score"] == lacking["feature_quality_score"].min()
    for record in found:
        similar = lacking.filter(
            pl.col("quality_alerts").list.sort().list.join(", ") == record["quality_alerts"],
            pl.col("quality_tier") == record["quality_tier"],
            *(pl.col(c) == record[c] for c in counts),
        )
        assert record["similar_records"] == similar.height
        assert record["feature_quality_score"] == similar["feature_quality_score"].min()
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
    domain = data["specs"]["heat-quality"]["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert len(domain) == 300
    trend = make_trend(fsq.diagnose(scored, large).days, large)
    assert draw_trend(trend, "svg", large).count(b"category 39") >= 1


def test_pictures() -> None:
    dx = fsq.diagnose(SCORED, CONTRACT)
    assert draw_chart(dx, "categories").png.startswith(b"\x89PNG")
    assert draw_chart(dx, "trend").png.startswith(b"\x89PNG")
    ts = fsq.training_set(SCORED, "outcome", contract=CONTRACT)
    assert draw_waterfall(ts).png.startswith(b"\x89PNG")
