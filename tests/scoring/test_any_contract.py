"""Any contract, any rows: the engine gives what the oracle gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import fsq
from fsq.contract import Contract
from tests.support import oracle
from tests.support.comparison import assert_same, to_oracle_rows
from tests.support.contract_strategies import contract_data
from tests.support.oracle_forms import read_contract, write_toml
from tests.support.oracle_model import OracleContract
from tests.support.strategies import CLOCK_CHANGES, DAYS, NOW, wide_frames

# Late enough for every date to have ended.
LATER = datetime(2026, 12, 31, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract") / "drawn.toml"


def load(data: dict[str, Any], path: Path) -> tuple[Contract, OracleContract]:
    path.write_text(write_toml(data))
    return fsq.load_contract(path), read_contract(data)


def compare(
    rows: pl.DataFrame, fast: Contract, slow: OracleContract, now: datetime, **options: Any
) -> pl.DataFrame:
    run = fsq.RunContext(options.get("run_id"), options.get("processors"))
    scored = fsq.score(rows, fast, as_of=options.get("as_of"), run=run, now=now)
    quality = scored.select(scored.columns[-len(slow.columns) :])
    assert quality.columns == slow.columns
    assert dict(quality.schema) == dict(fast.output.polars)
    want = oracle.score_rows(to_oracle_rows(rows, slow), slow, now=now, **options)
    for i, (a, b) in enumerate(zip(quality.to_dicts(), want, strict=True)):
        assert_same(a, b, f"row {i}")
    return scored


def carried(rows: pl.DataFrame, contract: OracleContract) -> list[str]:
    """Columns that are neither values, nor where these came from, nor output."""
    names = [f.name for f in contract.features]
    tables = [f.upstream_table for f in contract.features]
    owners = {*names, *tables, *contract.sizes}
    own = {*names, *contract.columns}
    return [c for c in rows.columns if c not in own and c.split("__")[0] not in owners]


@settings(max_examples=200)  # there are more contracts than rows
@given(
    data=st.data(),
    contract=contract_data(),
    now=st.sampled_from([NOW, LATER]),
    as_of=st.sampled_from([None, None, NOW, NOW - timedelta(days=9)]),
)
def test_any_contract_scores_as_the_oracle_does(
    path: Path, data: st.DataObject, contract: dict[str, Any], now: datetime, as_of: datetime | None
) -> None:
    fast, slow = load(contract, path)
    rows = data.draw(wide_frames(slow, [*DAYS, *CLOCK_CHANGES]))
    jobs = data.draw(st.sampled_from([None, [], slow.expected, ["Zeta"]]))
    scored = compare(rows, fast, slow, now, as_of=as_of, processors=jobs, run_id="run-1")
    others = carried(rows, slow)
    assert_frame_equal(scored.select(others), rows.select(others))
    assert {*scored.columns} == {*others, *slow.columns, slow.date}
    if slow.time is not None:
        zone = ZoneInfo(slow.timezone)
        moments = [row[slow.time].astimezone(zone) for row in to_oracle_rows(rows, slow)]
        assert scored[slow.date].to_list() == [moment.date() for moment in moments]


@given(data=st.data(), contract=contract_data())
def test_any_contract_scores_lazily_as_eagerly(
    path: Path, data: st.DataObject, contract: dict[str, Any]
) -> None:
    fast, slow = load(contract, path)
    rows = data.draw(wide_frames(slow))
    asked = data.draw(st.lists(st.sampled_from(slow.columns), min_size=1, unique=True))
    eager, lazy = fsq.score(rows, fast, now=NOW), fsq.score(rows.lazy(), fast, now=NOW)
    assert_frame_equal(lazy.collect(), eager)
    assert_frame_equal(lazy.select(asked).collect(), eager.select(asked))


@given(data=st.data(), contract=contract_data())
def test_a_run_is_that_of_its_date(
    path: Path, data: st.DataObject, contract: dict[str, Any]
) -> None:
    fast, slow = load(contract, path)
    rows = data.draw(wide_frames(slow))
    run = fsq.RunContext("run-1", ["Alpha"], by_date={DAYS[0]: fsq.RunContext("run-2", ["Zeta"])})
    scored = fsq.score(rows, fast, run=run, now=NOW)
    own = scored["pipeline_run_id"] if "pipeline_run_id" in scored.columns else [None] * rows.height
    got = scored["upstream_pipeline_run_id"].to_list()
    for day, stated, found in zip(scored[slow.date], own, got, strict=True):
        told = "run-2" if day == DAYS[0] else "run-1"
        assert found == (told if stated is None else stated)


FIRST: dict[str, Any] = {
    "name": "first",
    "table": {"keys": ["carrier"], "date": "flight_date"},
    "features": [
        {"name": "delay", "category": "past", "upstream_table": "flights", "min": 0, "max": 9}
    ],
    "sources": {"measured": {"type": "measured", "base": 100, "reliability": 1}},
}


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", date(2026, 2, 6), datetime(2026, 2, 7, tzinfo=UTC)),
        ("America/New_York", date(2026, 2, 6), datetime(2026, 2, 7, 5, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 9, 4, tzinfo=UTC)),
        ("Asia/Kolkata", date(2026, 2, 6), datetime(2026, 2, 6, 18, 30, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2026, 2, 6), datetime(2026, 2, 6, 10, tzinfo=UTC)),
        # Midnight is there twice; the date ends with the first.
        ("America/Havana", date(2026, 10, 31), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        # Midnight is skipped; the next date begins at one.
        ("America/Havana", date(2026, 3, 7), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("Africa/Cairo", date(2026, 4, 23), datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ],
)
def test_a_date_ends_where_its_zone_says(path: Path, zone: str, day: date, end: datetime) -> None:
    data = FIRST | {"table": FIRST["table"] | {"timezone": zone}}
    fast, slow = load(data, path)
    row = {"carrier": "UA", "flight_date": day, "delay": 1.0, "delay__source": "measured"}
    rows = pl.DataFrame([row | {"delay__last_updated": end - timedelta(hours=30)}])
    scored = compare(rows, fast, slow, LATER)
    assert scored["upstream_data_freshness_hours"].to_list() == [30.0]
    early = compare(rows, fast, slow, end - timedelta(hours=1))
    assert early["upstream_data_freshness_hours"].to_list() == [29.0]


def test_a_value_without_label_is_refused_unless_the_contract_names_one(path: Path) -> None:
    fast, _ = load(FIRST, path)
    rows = pl.DataFrame({"carrier": ["UA"], "flight_date": [DAYS[0]], "delay": [1.0]})
    with pytest.raises(fsq.InputError, match="delay__source"):
        fsq.score(rows, fast, now=NOW)
    fast, slow = load(FIRST | {"unlabelled": "measured"}, path)
    assert compare(rows, fast, slow, NOW)["measured_feature_count"].to_list() == [1]


def test_stale_alerts_bear_the_hours_that_apply(path: Path) -> None:
    feature = FIRST["features"][0]
    features = [feature | {"name": n} for n in ("one", "two", "three", "four")]
    features[0] |= {"very_stale_hours": 36, "upstream_table": "slow"}
    features[2] |= {"upstream_table": "slow"}
    features[3] |= {"very_stale_hours": 36}
    data = FIRST | {"features": features, "tables": {"slow": {"very_stale_hours": 72}}}
    fast, slow = load(data, path)
    row: dict[str, Any] = {"carrier": "UA", "flight_date": DAYS[0]}
    for f in features:
        row |= {f["name"]: 1.0, f"{f['name']}__source": "measured"}
    updated = datetime(2026, 2, 7, tzinfo=UTC) - timedelta(hours=60)
    rows = pl.DataFrame([row | {f"{n}__last_updated": updated for n in ("slow", "flights")}])
    scored = compare(rows, fast, slow, NOW)
    detail = scored["feature_quality_detail"].to_list()[0]
    assert [d["triggered_alert"] for d in detail] == [
        "stale_data_36h",
        "stale_data_48h",
        None,
        "stale_data_36h",
    ]
    assert scored["quality_alerts"].to_list() == [["stale_data_36h", "stale_data_48h"]]


def test_what_is_not_finite_has_no_label_either(path: Path) -> None:
    fast, slow = load(FIRST | {"unlabelled": "default"}, path)
    values = pl.Series([1.0, None, float("nan"), float("inf")])
    keys = {"carrier": ["UA", "AA", "DL", "WN"], "flight_date": [DAYS[0]] * 4}
    scored = compare(pl.DataFrame(keys | {"delay": values}), fast, slow, NOW)
    assert scored["feature_quality_score"].to_list() == [40.0, 0.0, 0.0, 0.0]


def test_default_rates_may_be_the_same(path: Path) -> None:
    rates = {"default_rate_high": 0.5, "default_rate_raised": 0.5}
    fast, slow = load(FIRST | {"alerts": rates}, path)
    row = {"carrier": "UA", "flight_date": DAYS[0], "delay": None, "delay__source": "default"}
    rows = pl.DataFrame([row], schema_overrides={"delay": pl.Float64})
    assert "high_default_rate_50pct" in compare(rows, fast, slow, NOW)["quality_alerts"][0]


@pytest.mark.parametrize("bound", [60, 70, 80])
def test_a_bound_is_met_by_what_equals_it(path: Path, bound: float) -> None:
    data = FIRST | {
        "features": [FIRST["features"][0] | {"critical": True}],
        "sources": {"measured": {"type": "measured", "base": 70, "reliability": 1}},
        "feature_rules": {"training_min_score": bound},
        "alerts": {"gate_category": "past", "yellow_category_below": bound},
        "training_ready": {"tiers": ["bronze"], "category_min": {"past": bound}},
        "production_ready": {"tiers": ["bronze"], "min_score": bound},
    }
    fast, slow = load(data, path)
    row = {"carrier": "UA", "flight_date": DAYS[0], "delay": 1.0, "delay__source": "measured"}
    scored = compare(pl.DataFrame([row]), fast, slow, NOW)
    met = bound <= 70
    assert scored["is_training_ready"].to_list() == [met]
    assert scored["is_production_ready"].to_list() == [met]
    assert scored["critical_feature_count"].to_list() == [int(met)]
    assert scored["quality_alert_level"].to_list() == ["green" if met else "yellow"]
