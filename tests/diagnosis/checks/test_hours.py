"""Hours without rows, in tables that have moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.contract.loading import parse_contract

CONTRACT = """
name = "pumps"
unlabelled = "measured"
source_types = [{ name = "measured", tier = "gold" }]
categories = [{ name = "all" }]
features = [{ name = "heat", category = "all", upstream_table = "log", min = 0, max = 99 }]

[table]
keys = ["pump"]
time = "at"
timezone = "America/New_York"
entity = "pump"

[sources]
measured = { type = "measured", base = 100, reliability = 1 }
"""
PUMPS = 15
ZONE = ZoneInfo("America/New_York")
LOCAL = pl.col("at").dt.convert_time_zone("America/New_York")


def make_pumps(last: date, days: int = 12) -> pl.DataFrame:
    """Rows of every pump and hour until the end of a date."""
    end = datetime.combine(last + timedelta(days=1), datetime.min.time(), ZONE).astimezone(UTC)
    moments = [end - timedelta(hours=h) for h in range(24 * days, 0, -1)]
    rows = pl.DataFrame({"at": moments}).join(
        pl.DataFrame({"pump": [f"p{i}" for i in range(PUMPS)]}), how="cross"
    )
    heat = np.random.default_rng(0).normal(50, 5, rows.height)
    return rows.with_columns(heat=pl.Series(heat)).filter(LOCAL.dt.date() >= last - timedelta(9))


def list_missing(rows: pl.DataFrame, last: date, now: datetime | None = None) -> list[list[str]]:
    contract = parse_contract(CONTRACT, "pumps")
    dx = fsq.diagnose(fsq.score(rows, contract, now=now), contract=contract, dates=[last])
    assert {f.kind for f in dx.findings if f.severity != "info"} <= {"slice_missing"}
    return [f.evidence["missing"] for f in dx.findings]


@pytest.mark.parametrize("hour", [12, 23])
def test_hours_that_have_no_rows_are_named(hour: int) -> None:
    last = date(2026, 2, 10)
    rows = make_pumps(last)
    assert list_missing(rows, last) == []
    cut = rows.filter((LOCAL.dt.date() < last) | (LOCAL.dt.hour() < hour))
    assert list_missing(cut, last) == [[f"{h:02}" for h in range(hour, 24)]]


def test_hours_that_are_still_to_come_are_not_missing() -> None:
    last = date(2026, 2, 10)
    rows = make_pumps(last).filter((LOCAL.dt.date() < last) | (LOCAL.dt.hour() < 12))
    noon = datetime(2026, 2, 10, 12, 5, tzinfo=ZONE)
    assert list_missing(rows, last, noon.astimezone(UTC)) == []


@pytest.mark.parametrize("last", [date(2026, 3, 8), date(2026, 3, 9), date(2026, 11, 1)])
def test_hours_that_the_clocks_skip_are_not_missing(last: date) -> None:
    assert list_missing(make_pumps(last), last) == []


def test_a_line_that_never_runs_at_night_misses_no_hours() -> None:
    last = date(2026, 2, 10)
    assert list_missing(make_pumps(last).filter(LOCAL.dt.hour() >= 6), last) == []


def make_jobs(moments: list[datetime]) -> pl.DataFrame:
    """Rows of every pump at each moment."""
    pumps = pl.DataFrame({"pump": [f"p{i}" for i in range(40)]})
    rows = pl.DataFrame({"at": moments}).join(pumps, how="cross")
    return rows.with_columns(heat=pl.Series(np.random.default_rng(0).normal(50, 5, rows.height)))


@pytest.mark.parametrize("late", [timedelta(minutes=10), timedelta(minutes=70), timedelta(hours=5)])
@pytest.mark.parametrize("hours", [(9,), (9, 10)], ids=str)
def test_a_job_that_runs_late_misses_no_hours(hours: tuple[int, ...], late: timedelta) -> None:
    last = date(2026, 2, 10)
    start = datetime(2026, 2, 10, 0, 55, tzinfo=ZONE)
    moments = [start + timedelta(days=-d, hours=h) for d in range(9) for h in hours]
    moments[0] += late
    assert list_missing(make_jobs(moments), last) == []


@pytest.mark.parametrize("last", [date(2026, 3, 8), date(2026, 3, 9), date(2026, 11, 2)])
def test_jobs_by_a_clock_that_does_not_change_miss_no_hours(last: date) -> None:
    start = datetime(last.year, last.month, last.day, tzinfo=UTC)
    moments = [start + timedelta(days=-d, hours=h) for d in range(10) for h in range(13, 21)]
    assert list_missing(make_jobs(moments), last) == []


def test_a_job_that_did_not_run_is_missed_although_another_was_late() -> None:
    last = date(2026, 2, 10)
    start = datetime(2026, 2, 10, tzinfo=ZONE)
    moments = [start + timedelta(days=-d, hours=h) for d in range(9) for h in (6, 9, 12, 15, 18)]
    moments[0] += timedelta(hours=1)
    assert list_missing(make_jobs([*moments[:2], *moments[5:]]), last) == [["06", "12", "15", "18"]]
