"""Stamps that are too late, gone or shifted, and windows that hold what is to be predicted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
import pytest

import fsq
from fsq.diagnosis.checks.stamps import StampThresholds, _measure_shifts
from fsq.diagnosis.context import Context
from fsq.diagnosis.history import History
from tests.support.healthy_days import (
    LAST,
    TABLES,
    change_last,
    diagnose_last,
    list_serious,
    make_days,
)

STAMPS = [f"{t}__last_updated" for t in TABLES]
CACHE = "player_daily_cache"
MIDNIGHT = pl.col("game_date").cast(pl.Datetime("us", "UTC"))


def add_computed(rows: pl.DataFrame, hours: float = 10) -> pl.DataFrame:
    return rows.with_columns(computed_at=MIDNIGHT + pl.duration(minutes=round(60 * hours)))


def move(names: list[str], hours: float) -> dict[str, pl.Expr]:
    return {n: pl.col(n) + pl.duration(minutes=round(60 * hours)) for n in names}


def list_kinds(dx: fsq.Diagnosis) -> list[tuple[str, str]]:
    return [(f.kind, f.severity) for f in list_serious(dx)]


@pytest.mark.parametrize(("hours", "severity"), [(12, "yellow"), (7 * 24, "red"), (2, "yellow")])
def test_a_row_that_is_older_than_its_upstream(hours: int, severity: str) -> None:
    rows = change_last(add_computed(make_days()), **move(["computed_at"], -hours))
    dx = diagnose_last(rows)
    assert list_kinds(dx) == [("row_before_upstream", severity)]
    (finding,) = list_serious(dx)
    assert finding.evidence["hours"] == hours - 1
    assert (finding.rows_affected, dx.named_rows.height) == (120, 120)
    assert set(finding.evidence["tables"]) == set(TABLES)


def test_one_table_that_was_updated_after_the_rows() -> None:
    rows = change_last(add_computed(make_days()), **move([f"{CACHE}__last_updated"], 2.4))
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.table) == ("row_before_upstream", CACHE)
    assert list(finding.features) == TABLES[CACHE]


def test_the_row_s_age_says_when_it_was_computed() -> None:
    rows = change_last(add_computed(make_days()), **move(["computed_at"], -30))
    scored = fsq.score(rows).drop("computed_at")
    assert list_kinds(fsq.diagnose(scored, dates=[LAST])) == [("row_before_upstream", "red")]


def test_rows_that_were_computed_in_time_are_fine() -> None:
    assert list_serious(diagnose_last(add_computed(make_days()))) == []
    early = change_last(add_computed(make_days()), **move(["computed_at"], -1.5))
    assert list_serious(diagnose_last(early)) == []  # half an hour before upstream


def test_stamps_in_the_future() -> None:
    names = [f"{CACHE}__last_updated"]
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **move(names, 63.4))))
    assert (finding.kind, finding.severity) == ("updated_after_as_of", "yellow")
    assert (finding.table, finding.evidence["hours"]) == (CACHE, 48.4)
    (finding,) = list_serious(diagnose_last(change_last(make_days(), **move(names, 17.3))))
    assert (finding.kind, finding.severity) == ("updated_after_as_of", "yellow")
    own = make_days().with_columns(as_of=MIDNIGHT + pl.duration(hours=4))
    assert ("updated_after_as_of", "yellow") in list_kinds(diagnose_last(own))


@pytest.mark.parametrize(
    ("day", "zone", "end"),
    [
        (date(2025, 11, 2), "America/New_York", "2025-11-03T05:00Z"),  # it has 25 hours
        (date(2026, 3, 8), "America/New_York", "2026-03-09T04:00Z"),  # 23
        (date(2026, 4, 5), "Australia/Lord_Howe", "2026-04-05T13:30Z"),  # 24.5
        (date(2026, 9, 5), "America/Santiago", "2026-09-06T04:00Z"),  # ends where no midnight is
    ],
)
def test_a_date_ends_when_the_clocks_of_its_zone_say(
    day: date, zone: str, end: str, tmp_path: Path
) -> None:
    (path := tmp_path / "own.toml").write_text(
        f'name = "own"\nextends = "v2_33features"\n[table]\ntimezone = "{zone}"\n'
    )
    own, ended = fsq.load_contract(path), datetime.fromisoformat(end).astimezone(UTC)
    rows = make_days().with_columns(pl.col("game_date", *STAMPS) + (day - LAST))
    for hours, told in ((-0.5, []), (0.9, []), (1.5, [1.5])):
        stamps = {n: pl.lit(ended + timedelta(hours=hours)) for n in STAMPS}
        hit = pl.col("game_date") == day
        late = rows.with_columns(
            pl.when(hit).then(v).otherwise(pl.col(n)).alias(n) for n, v in stamps.items()
        )
        dx = fsq.diagnose(fsq.score(late, contract=own), own, dates=[day])
        found = [f.evidence["hours"] for f in dx.findings if f.kind == "updated_after_as_of"]
        assert found == told


def test_a_later_copy_of_a_table_is_told_on_every_date() -> None:
    late = pl.lit("2026-03-01").str.to_datetime(time_unit="us", time_zone="UTC")
    rows = make_days().with_columns(late.alias(f"{CACHE}__last_updated"))
    (finding,) = list_serious(fsq.diagnose(fsq.score(rows)))
    assert (finding.kind, finding.severity) == ("updated_after_as_of", "yellow")
    assert len(finding.dates) == 9


def test_stamps_that_vanish() -> None:
    none = pl.lit(None, pl.Datetime("us", "UTC"))
    rows = change_last(make_days(), **{f"{CACHE}__last_updated": none})
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.severity) == ("stamps_missing", "yellow")
    assert (finding.table, finding.rows_affected) == (CACHE, 120)
    some = pl.when(pl.col("player_lookup") > "player029").then(f"{CACHE}__last_updated")
    rows = change_last(make_days(), **{f"{CACHE}__last_updated": some})
    dx = diagnose_last(rows)
    assert list_kinds(dx) == [("stamps_missing", "yellow")]
    assert dx.named_rows["player_lookup"].max() == "player029"


def test_values_that_are_missing_need_no_stamp() -> None:
    few = pl.col("player_lookup") < "player012"
    names = TABLES[CACHE]
    rows = change_last(
        make_days(),
        **{n: pl.when(~few).then(n) for n in names},
        **{f"{n}__source": pl.when(~few).then(f"{n}__source") for n in names},
        **{f"{CACHE}__last_updated": pl.when(~few).then(f"{CACHE}__last_updated")},
    )
    assert list_serious(diagnose_last(rows)) == []


@pytest.mark.parametrize("hours", [5, -4, 3])
def test_stamps_that_are_shifted_by_whole_hours(hours: int) -> None:
    rows = change_last(make_days(), **move([f"{CACHE}__last_updated"], hours))
    (finding,) = list_serious(diagnose_last(rows))
    assert (finding.kind, finding.severity, finding.table) == ("stamps_shifted", "yellow", CACHE)
    assert finding.evidence["hours"] == hours


def test_shifts_of_all_dates_are_those_of_each() -> None:
    """Beside the median of the earlier dates, most of which must keep to a time."""
    rules, limits = fsq.load_contract().diagnosis, StampThresholds.of(fsq.load_contract())
    rng = np.random.default_rng(2)
    dates = [LAST + timedelta(days=at) for at in range(60)]
    history = History(fsq.load_contract(), pl.DataFrame({"game_date": dates}), pl.DataFrame())
    history.leave_out(dates[20:23])
    hours = 9 + rng.choice([0.0, 0.0, 0.0, 0.2, 3.0, 3.3, -5.0, 30.0, np.nan], (60, 8))
    hours[:, 0] = 9 + 2.0 * (np.arange(60) % 20 == 19)
    wanted = np.flatnonzero(history.has_history)
    found = _measure_shifts(cast("Context", history), hours, wanted)
    kinds = set()
    for place, at in enumerate(wanted.tolist()):
        for table in range(8):
            before = hours[history.list_history(at), table]
            before, now = before[~np.isnan(before)], hours[at, table]
            usual = np.median(before) if len(before) else np.nan
            near = np.abs(before - usual) <= limits.stamp_spread_hours
            expected = now - usual
            if len(before) < rules.history_min_days or near.mean() < 0.75:
                expected = np.nan
            elif not 2 <= abs(expected) <= 24 or abs(expected - round(expected)) > 0.05:
                expected = expected if np.isnan(expected) else 0.0
            np.testing.assert_equal(found[place, table], expected)
            kinds.add("none" if np.isnan(expected) else bool(expected))
    assert kinds == {"none", False, True}


def test_a_shift_explains_stamps_after_the_rows_were_computed() -> None:
    rows = change_last(add_computed(make_days()), **move([f"{CACHE}__last_updated"], 5))
    assert list_kinds(diagnose_last(rows)) == [("stamps_shifted", "yellow")]


def test_jobs_that_run_at_other_times_are_not_shifted() -> None:
    late = change_last(make_days(), **move(STAMPS, 3.4))
    assert list_serious(diagnose_last(late)) == []
    summer_time = change_last(make_days(), **move(STAMPS, 1))
    assert list_serious(diagnose_last(summer_time)) == []
    hour = (pl.col("game_date").dt.day() * 5) % 7
    loose = make_days().with_columns((pl.col(n) + pl.duration(hours=hour)).alias(n) for n in STAMPS)
    assert list_serious(diagnose_last(loose)) == []


def test_without_stamps_that_is_said() -> None:
    dx = diagnose_last(make_days().drop(STAMPS))
    noted = {n["check"]: n["reason"] for n in dx.not_evaluated}
    assert noted["updated_after_as_of"] == "no last_updated timestamps"
    assert noted["row_before_upstream"].startswith("no last_updated timestamps")


def add_windows(rows: pl.DataFrame) -> pl.DataFrame:
    """Windows of the five events of earlier dates in which a player took part."""
    past = [
        pl.col("game_id").shift(n).over("player_lookup", order_by="game_date") for n in range(1, 6)
    ]
    return rows.with_columns(last_5__game_ids=pl.concat_list(past).list.drop_nulls())


def test_windows_of_earlier_events_are_fine() -> None:
    rows = add_windows(make_days())
    assert list_serious(fsq.diagnose(fsq.score(rows))) == []


def test_windows_cannot_hold_the_event_of_records_that_name_none() -> None:
    nameless = pl.lit(None, pl.String)
    rows = add_windows(make_days()).with_columns(game_id=nameless)
    kinds = {f.kind for f in fsq.diagnose(fsq.score(rows)).findings}
    assert "own_event_in_window" not in kinds


def test_the_own_event_in_a_window_is_red() -> None:
    rows = add_windows(make_days())
    own = pl.concat_list("game_id", pl.col("last_5__game_ids").list.head(4))
    few = pl.col("player_lookup") < "player003"
    ids = pl.when(few).then(own).otherwise("last_5__game_ids")
    dx = diagnose_last(change_last(rows, last_5__game_ids=ids))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("own_event_in_window", "red")
    assert finding.features == ("points_avg_last_5",)
    assert finding.table == CACHE
    assert finding.evidence["players"] == ["player000", "player001", "player002"]
    assert sorted(dx.named_rows["player_lookup"]) == finding.evidence["players"]


def test_a_later_event_in_a_window_is_red() -> None:
    rows = add_windows(make_days())
    after = pl.col("game_id").shift(-1).over("player_lookup", order_by="game_date")
    ids = pl.concat_list(after.fill_null("none"), "last_5__game_ids")
    day = LAST.replace(day=9)
    changed = pl.when(pl.col("game_date") == day).then(ids).otherwise("last_5__game_ids")
    dx = fsq.diagnose(fsq.score(rows.with_columns(last_5__game_ids=changed)))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.dates) == ("own_event_in_window", (day,))
    assert "yet to come" in finding.title


def test_a_group_that_lasts_is_no_event() -> None:
    rows = make_days().with_columns(game_id=pl.lit("shop 1"))
    rows = rows.with_columns(last_5__game_ids=pl.concat_list("game_id"))
    assert "own_event_in_window" not in [f.kind for f in diagnose_last(rows).findings]


def test_windows_without_ids_are_not_evaluated() -> None:
    dx = diagnose_last(make_days().drop("game_id"))
    assert "own_event_in_window" in [n["check"] for n in dx.not_evaluated]
