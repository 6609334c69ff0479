"""The diagnosis of a table with other keys, categories, sources and nouns."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

import fsq
from fsq.contract import Contract
from fsq.contract.sections import SourceType, Window
from fsq.diagnosis.daily_metrics import measure_dates, name_group_count
from fsq.diagnosis.explain import explain
from fsq.diagnosis.feature_metrics import name_source_counts
from fsq.diagnosis.trend import make_trend
from tests.support.deliveries import DELIVERIES, LAST_DAY, make_deliveries
from tests.support.healthy_days import list_serious, make_days

PRICES = ("price", "discount", "coupon")


def _change_last(rows: pl.DataFrame, where: pl.Expr | None = None, **values: Any) -> pl.DataFrame:
    hit = pl.col("arrives_at").dt.date() == LAST_DAY
    hit = hit if where is None else hit & where
    return rows.with_columns(
        pl.when(hit).then(v if isinstance(v, pl.Expr) else pl.lit(v)).otherwise(pl.col(n)).alias(n)
        for n, v in values.items()
    )


def _diagnose(rows: pl.DataFrame, contract: Contract = DELIVERIES) -> fsq.Diagnosis:
    return fsq.diagnose(fsq.score(rows, contract), contract, dates=[LAST_DAY])


def _find_one(rows: pl.DataFrame) -> fsq.Finding:
    (finding,) = list_serious(_diagnose(rows))
    return finding


def test_healthy_rows_are_green_and_counts_are_named_by_the_contract() -> None:
    dx = _diagnose(make_deliveries())
    assert (dx.verdict, dx.findings) == ("green", ())
    document = dx.to_dict()
    json.dumps(document, allow_nan=False)
    assert document["contract"]["name"] == "deliveries_v1"
    (day,) = document["dates"]
    assert {n: day[n] for n in ("date", "rows", "trucks", "climate_rows")} == {
        "date": str(LAST_DAY),
        "rows": 80,
        "trucks": 8,
        "climate_rows": 40,
    }
    assert (day["stock_quality_pct"], day["climate_quality_pct"]) == (81.25, 50)
    assert [f["measured"] for f in day["features"]] == [80, 80, 80, 20, 40, 40]
    assert [f["guess2"] for f in day["features"]] == [0] * 6


def test_a_job_that_left_out_rows_is_named_with_examples_by_key() -> None:
    finding = _find_one(
        _change_last(make_deliveries(), pl.col("shelf") < 40, **dict.fromkeys(PRICES))
    )
    assert (finding.kind, finding.severity) == ("processor_wrote_part", "red")
    assert finding.features == ("price", "discount")
    assert (
        finding.title == "PriceJob left out deliveries: features 1-2 are default for 40 of 80 rows"
    )
    named = ["shop 0 0 tea", "shop 0 4 tea", "shop 0 8 tea", "shop 0 12 tea", "shop 0 16 tea"]
    assert finding.evidence["deliveries"] == named
    assert "no record for these 40 deliveries (shop 0 0 tea, shop 0 4 tea," in finding.cause
    assert finding.remedy[0] == f"make prices DAY={LAST_DAY}"


@pytest.mark.parametrize(("hours", "severity"), [(5, None), (8, "yellow"), (13, "red")])
def test_a_table_has_its_own_limits_of_age(hours: int, severity: str | None) -> None:
    old = pl.col("arrives_at").dt.convert_time_zone("UTC") - pl.duration(hours=hours)
    rows = _change_last(make_deliveries(), stock_history__last_updated=old)
    assert list_serious(_diagnose(rows)) == []
    found = list_serious(_diagnose(_change_last(rows, prices__last_updated=old)))
    assert [f.severity for f in found if f.kind == "stale_data"] == ([severity] if severity else [])
    assert all(f.table == "prices" for f in found)


def test_a_flag_decides_for_its_table_and_other_optional_features_for_themselves() -> None:
    rows = make_deliveries()
    assert list_serious(_diagnose(_change_last(rows, rain=None))) == []
    finding = _find_one(_change_last(rows, temperature=None))
    assert (finding.kind, finding.table) == ("optional_coverage", "weather_api")
    assert finding.features == ("temperature", "rain")
    finding = _find_one(_change_last(rows, coupon=None))
    assert (finding.kind, finding.features) == ("optional_coverage", ("coupon",))
    never = _diagnose(rows.with_columns(coupon=pl.lit(None, pl.Float64)))
    assert [f.title for f in never.findings] == ["no row has a value of coupon"]
    never = _diagnose(rows.with_columns(temperature=None, rain=None))
    assert [f.title for f in never.findings] == ["no row has a value from weather_api"]


def test_rows_are_counted_per_group_or_per_date() -> None:
    kept = (pl.col("arrives_at").dt.date() < LAST_DAY) | (pl.col("shelf") % 10 < 6)
    rows = make_deliveries(per_day=120)
    finding = _find_one(rows.filter(kept))
    assert (finding.kind, finding.severity) == ("missing_rows", "red")
    assert finding.title == "about 48 rows are missing: 6 per truck, usually 10"
    assert "Some deliveries were not written" in finding.cause
    few_trucks = (pl.col("arrives_at").dt.date() < LAST_DAY) | (pl.col("shelf") < 60)
    assert list_serious(_diagnose(rows.filter(few_trucks))) == []
    last = rows.filter(pl.col("arrives_at").dt.date() == LAST_DAY)
    again = last.with_columns(pl.col("shelf") + 1000)
    copies = _find_one(pl.concat([rows, again]))
    assert (copies.kind, copies.rows_affected) == ("look_alikes", 120)
    others = again.with_columns(pl.col(DELIVERIES.names[0]) + 0.5)
    surplus = _find_one(pl.concat([rows, others]))
    assert (surplus.kind, surplus.rows_affected) == ("surplus_rows", 120)
    assert surplus.cause.startswith("More deliveries than usual were written; look for trucks")
    table = DELIVERIES.table.model_copy(update={"group": None})
    alone = DELIVERIES.model_copy(update={"table": table})
    (absent,) = list_serious(_diagnose(rows.filter(kept), alone))
    assert (absent.kind, absent.rows_affected) == ("expected_rows_missing", 48)
    assert "trucks" not in _diagnose(rows, alone).days.columns


def test_rows_of_another_contract_are_refused_and_both_are_named() -> None:
    scored = fsq.score(make_days(1))
    with pytest.raises(fsq.InputError, match="arrives_on"):
        fsq.diagnose(scored, DELIVERIES)
    mine = fsq.load_contract().model_copy(update={"name": "mine"})
    with pytest.raises(fsq.InputError, match="scored under v2_33features, not mine"):
        fsq.diagnose(scored, mine)
    renamed = scored.drop("feature_schema_version")
    names = {"price": "cost"}
    features = tuple(
        f.model_copy(update={"name": names.get(f.name, f.name)}) for f in DELIVERIES.features
    )
    other = DELIVERIES.model_copy(update={"features": features})
    unnamed = fsq.score(make_deliveries(1), DELIVERIES).drop("feature_schema_version")
    with pytest.raises(fsq.InputError, match="other features than deliveries_v1"):
        fsq.diagnose(unnamed, other)
    assert fsq.diagnose(renamed, mine).verdict == "unknown"


def test_a_full_small_window_is_no_start() -> None:
    """Windows of 3 never hold the 5 events that a start asks for; at 3 they are full."""
    small = DELIVERIES.model_copy(update={"windows": {"last_8": Window(size=3)}})
    rows = _change_last(
        make_deliveries().with_columns(units_avg_last_8__sample_size=pl.lit(3)),
        units_avg_last_8=50.0,
    )
    assert [f.kind for f in list_serious(_diagnose(rows, small))] == ["stuck_constant"]
    young = rows.with_columns(units_avg_last_8__sample_size=pl.lit(1))
    lost = _change_last(young, units_avg_last_8=None)
    (finding,) = list_serious(_diagnose(lost, small))
    assert finding.title == "the windows are still filling: feature 0 is still default"
    assert "The median delivery has 1 truck in the window" in finding.cause
    assert finding.evidence == {"trucks": 1.0}


def test_one_value_is_a_fault_only_where_it_is_unusual() -> None:
    usual = make_deliveries().with_columns(
        discount=pl.when(pl.col("shelf") % 3 == 0).then(100.0).otherwise("discount")
    )
    assert list_serious(_diagnose(_change_last(usual, discount=100.0))) == []
    finding = _find_one(_change_last(usual, discount=31.0))
    assert (finding.kind, finding.severity) == ("stuck_constant", "red")
    features = tuple(
        f.model_copy(update={"min_distinct": 1}) if f.name == "discount" else f
        for f in DELIVERIES.features
    )
    constant = DELIVERIES.model_copy(update={"features": features})
    assert list_serious(_diagnose(_change_last(usual, discount=31.0), constant)) == []


def test_the_trend_has_the_contracts_columns() -> None:
    scored = fsq.score(_change_last(make_deliveries(), price=None), DELIVERIES)
    days = make_trend(measure_dates(scored.lazy(), DELIVERIES), DELIVERIES)
    assert days["arrives_on"].to_list() == [LAST_DAY - timedelta(days=8 - i) for i in range(9)]
    last = days.row(-1, named=True)
    assert last["stock_quality_pct_trailing"] == 81.25
    assert last["stock_quality_pct"] == 56.25
    assert last["climate_quality_pct"] == last["climate_quality_pct_trailing"] == 50
    assert last["default_change"] == pytest.approx(100 / 6)


def test_counts_whose_names_are_taken_get_others() -> None:
    types = tuple(SourceType(name=n) for n in ("values", "gold", "measured"))
    taken = DELIVERIES.model_copy(update={"source_types": types})
    assert name_source_counts(taken) == {
        "values": "values_values",
        "gold": "gold_values",
        "measured": "measured",
    }
    table = DELIVERIES.table.model_copy(update={"group": "row_id"})
    assert name_group_count(table) == "groups"


MORNING = datetime(2026, 3, 12, 9, tzinfo=ZoneInfo("America/New_York"))


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    rows = make_deliveries(2)
    again = rows.filter(pl.col("shelf") == 7).with_columns(
        arrives_at=pl.lit(MORNING), price=pl.lit(99.0)
    )
    return fsq.score(pl.concat([rows, again.tail(1)]), DELIVERIES)


@pytest.mark.parametrize(
    "key",
    [
        ("shop 2", 6, "tea"),
        ("Shop-2", "6", "TEA"),
        {"shelf": "6"},
        {"shelf": 6, "shop": "shop 2"},
        ["shop 2", 6, "tea", "2026-03-12 21:00"],
    ],
)
def test_a_record_is_found_by_its_keys(scored: pl.DataFrame, key: Any) -> None:
    found = explain(scored, key, LAST_DAY, DELIVERIES)
    chosen = scored.filter(pl.col("shelf") == 6, pl.col("arrives_on") == LAST_DAY)
    assert found.record["shop"] == "shop 2"
    assert found.record["truck_id"] == chosen["truck_id"].item()
    assert found.record["arrives_at"] == chosen["arrives_at"].item()
    assert [f["feature_name"] for f in found.features] == list(DELIVERIES.names)
    assert found.features[0]["arithmetic"] == "100 measured = 100"
    assert found.features[1]["age_hours"] == pytest.approx(2)
    json.dumps(found.to_dict(), allow_nan=False)


def test_moments_of_a_date_are_told_apart(scored: pl.DataFrame) -> None:
    with pytest.raises(fsq.InputError, match=r"2 deliveries .* name arrives_at, too: 2026-03-12 0"):
        explain(scored, {"shelf": 7}, LAST_DAY, DELIVERIES)
    for moment in ("2026-03-12T09:00", MORNING, "2026-03-12 09"):
        found = explain(scored, {"shelf": 7, "arrives_at": moment}, LAST_DAY, DELIVERIES)
        assert found.features[1]["feature_value"] == 99


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (("shop 9",), "no shop 'shop 9' on 2026-03-12; similar names: shop "),
        (("shop 2", 7), "no shelf '7' with shop shop 2 on 2026-03-12"),
        ({"floor": 1}, "floor is not a key; the keys are shop, shelf, product, arrives_at"),
        ({}, "no key is given; name one of shop, shelf, product, arrives_at"),
        ({"product": "tea"}, "40 deliveries of 2026-03-12 match; name shop, too: shop 0, shop 2"),
    ],
)
def test_what_names_no_record_gets_a_cure(scored: pl.DataFrame, key: Any, problem: str) -> None:
    with pytest.raises(fsq.InputError) as error:
        explain(scored, key, LAST_DAY, DELIVERIES)
    assert problem in str(error.value)


def test_the_sum_has_the_limits_of_the_feature() -> None:
    old = pl.col("arrives_at").dt.convert_time_zone("UTC") - pl.duration(hours=8)
    rows = make_deliveries(1).with_columns(
        prices__last_updated=old, stock_history__last_updated=old
    )
    found = explain(fsq.score(rows, DELIVERIES), {"shelf": 3}, LAST_DAY, DELIVERIES)
    assert found.features[0]["arithmetic"] == "100 measured = 100"
    assert found.features[1]["arithmetic"] == "100 measured − 10 stale 8 h = 90"
