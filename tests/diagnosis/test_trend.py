from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

import fsq
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.trend import list_compared_metrics, make_trend, read_trend, write_summary
from fsq.stores.delta.daily_table import replace_dates
from tests.support.frames import CONTRACT, wide

HISTORY, LEAST = CONTRACT.diagnosis.history_days, CONTRACT.diagnosis.history_min_days


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return fsq.score(wide(120, 12))


def _days(scored: pl.DataFrame) -> list[dict[str, Any]]:
    return make_trend(measure_dates(scored.lazy(), CONTRACT), CONTRACT).to_dicts()


def test_each_date_has_the_means_of_its_rows(scored: pl.DataFrame) -> None:
    days = _days(scored)
    assert len(days) == 12
    for day in days:
        rows = scored.filter(pl.col("game_date") == day["game_date"]).to_dicts()
        assert day["rows"] == len(rows)
        mean = sum(r["feature_quality_score"] for r in rows) / len(rows)
        assert day["quality_pct"] == pytest.approx(mean)
        defaults = sum(r["default_feature_count"] for r in rows)
        assert day["default_pct"] == pytest.approx(100 * defaults / (33 * len(rows)))
        assert day["red"] == sum(r["quality_alert_level"] == "red" for r in rows)
        ready = 100 * sum(r["is_training_ready"] for r in rows) / len(rows)
        assert day["training_ready_pct"] == pytest.approx(ready)


def test_each_date_is_held_against_those_before_it_only(scored: pl.DataFrame) -> None:
    days = _days(scored)
    for i, day in enumerate(days):
        before = days[max(0, i - HISTORY) : i]
        for name in list_compared_metrics(CONTRACT):
            if len(before) < LEAST:
                assert day[f"{name}_trailing"] is None
            else:
                want = median(b[name] for b in before)
                assert day[f"{name}_trailing"] == pytest.approx(want)
        if len(before) < LEAST:
            assert (day["quality_change"], day["coverage_pct"]) == (None, None)
        else:
            want = day["quality_pct"] - median(b["quality_pct"] for b in before)
            assert day["quality_change"] == pytest.approx(want)


def test_a_range_is_held_against_the_dates_before_it(scored: pl.DataFrame, tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"))
    store.replace(scored)
    whole = read_trend(store, CONTRACT)
    part = read_trend(store, CONTRACT, date(2026, 1, 9), date(2026, 1, 10))
    chosen = whole.filter(pl.col("game_date").is_between(date(2026, 1, 9), date(2026, 1, 10)))
    assert part.to_dicts() == [pytest.approx(day) for day in chosen.to_dicts()]
    with pytest.raises(fsq.StoreError, match="has no rows from 2027-01-01"):
        read_trend(store, CONTRACT, date(2027, 1, 1))


def test_the_summary_has_one_row_per_date_however_often(
    scored: pl.DataFrame, tmp_path: Path
) -> None:
    store = fsq.open_store(str(tmp_path / "store"))
    store.replace(scored)
    found = read_trend(store, CONTRACT)
    path = write_summary(found, store, CONTRACT)
    assert path == str(tmp_path / "feature_quality_daily")
    first = DeltaTable(path).version()
    write_summary(found, store, CONTRACT)
    assert DeltaTable(path).version() == first
    changed = found.head(3).with_columns(rows=pl.lit(7, pl.Int64))
    write_summary(changed, store, CONTRACT)
    held = pl.read_delta(path).sort("game_date")
    assert held["game_date"].to_list() == found["game_date"].to_list()
    assert held["rows"].to_list() == [7] * 3 + found["rows"].to_list()[3:]


def test_a_summary_keeps_off_what_is_not_its_table(tmp_path: Path) -> None:
    rows = pl.DataFrame({"game_date": [date(2026, 1, 1)], "rows": [1]})
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "letter.txt").write_text("dear")
    with pytest.raises(fsq.StoreError, match="not a Delta table"):
        replace_dates(str(tmp_path / "t"), rows)
    assert [p.name for p in (tmp_path / "t").iterdir()] == ["letter.txt"]


def test_an_older_summary_gains_columns(tmp_path: Path) -> None:
    day = date(2026, 1, 1)
    write_deltalake(str(tmp_path / "t"), pl.DataFrame({"game_date": [day], "rows": [1]}).to_arrow())
    new = pl.DataFrame({"game_date": [day + timedelta(days=1)], "rows": [2], "red": [0]})
    replace_dates(str(tmp_path / "t"), new)
    held = pl.read_delta(str(tmp_path / "t")).sort("game_date")
    assert held["red"].to_list() == [None, 0]
