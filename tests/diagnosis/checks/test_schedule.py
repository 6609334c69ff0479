"""What was to take place and did not, what did and was not to, and days of rest."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

import fsq
from fsq.diagnosis.schedule import read_schedule
from tests.support.healthy_days import LAST, list_serious
from tests.support.league import make_league

DAY = pl.col("game_date")


def make_schedule(rows: pl.DataFrame, *more: str) -> pl.DataFrame:
    return rows.select("game_date", "game_id", *more).unique().sort("game_date", "game_id")


def diagnose(rows: pl.DataFrame, schedule: pl.DataFrame, **options: object) -> fsq.Diagnosis:
    return fsq.diagnose(fsq.score(rows), schedule=schedule, **options)  # type: ignore[arg-type]


def find_one(dx: fsq.Diagnosis) -> fsq.Finding:
    (finding,) = list_serious(dx)
    return finding


def test_what_was_scheduled_and_is_there_is_fine() -> None:
    rows = make_league()
    assert list_serious(diagnose(rows, make_schedule(rows))) == []
    assert list_serious(diagnose(rows, make_schedule(rows, "team", "rival"))) == []
    assert list_serious(diagnose(rows, make_schedule(rows).select("game_date"))) == []


@pytest.mark.parametrize("texts", [False, True])
def test_a_game_that_is_missing_is_red_and_named(texts: bool) -> None:
    rows = make_league()
    schedule = make_schedule(rows)
    gone = (DAY == LAST) & (pl.col("team").is_in(["T02", "T03"]))
    if texts:
        schedule = schedule.with_columns(pl.col("game_date").cast(pl.String))
    finding = find_one(diagnose(rows.filter(~gone), schedule))
    assert (finding.kind, finding.severity) == ("event_missing", "red")
    assert finding.dates == (LAST,)
    assert finding.rows_affected == 30
    assert "1 of 4 scheduled games has no rows: 0022300033" in finding.title


def test_a_hole_is_red_and_a_rest_day_green() -> None:
    rows = make_league()
    hole, rest = LAST - timedelta(days=2), LAST - timedelta(days=4)
    schedule = make_schedule(rows.filter(rest != DAY))
    kept = rows.filter(~DAY.is_in([hole, rest]))
    finding = find_one(diagnose(kept, schedule))
    assert (finding.kind, finding.dates) == ("missing_rows", (hole,))
    dx = diagnose(kept, schedule, dates=[hole, rest])
    assert dx.dates == {hole: "red", rest: "green"}
    assert fsq.diagnose(fsq.score(kept), dates=[rest]).dates == {rest: "red"}


def test_after_the_schedule_s_end_a_date_without_rows_is_red_as_ever() -> None:
    rows = make_league()
    day = LAST + timedelta(days=1)
    assert diagnose(rows, make_schedule(rows), dates=[day]).dates == {day: "red"}


def test_games_that_were_not_scheduled() -> None:
    rows = make_league()
    schedule = make_schedule(rows).filter(pl.col("game_id") != "0022300033")
    finding = find_one(diagnose(rows, schedule))
    assert (finding.kind, finding.severity) == ("unscheduled_event", "yellow")
    assert "1 game is stored that was not scheduled: 0022300033" in finding.title
    finding = find_one(diagnose(rows, make_schedule(rows).filter(LAST - timedelta(days=1) != DAY)))
    assert (finding.kind, finding.dates) == ("unscheduled_event", (LAST - timedelta(days=1),))


def test_ids_that_differ_are_no_missing_games() -> None:
    rows = make_league()
    schedule = make_schedule(rows).with_columns(game_id=pl.format("game {}", "game_id"))
    dx = diagnose(rows, schedule)
    assert list_serious(dx) == []
    noted = [n["reason"] for n in dx.not_evaluated if n["check"] == "event_missing"]
    assert noted == ["the schedule and the rows have no id in common"]


def test_teams_tell_games_whose_ids_differ() -> None:
    rows = make_league()
    schedule = make_schedule(rows, "team").with_columns(game_id=pl.format("game {}", "game_id"))
    assert list_serious(diagnose(rows, schedule)) == []
    gone = (DAY == LAST) & (pl.col("team").is_in(["T02", "T03"]))
    finding = find_one(diagnose(rows.filter(~gone), schedule))
    assert finding.kind == "event_missing"
    assert "2 of 8 scheduled teams have no rows: T02, T03" in finding.title


def test_numbers_are_ids_too() -> None:
    rows = make_league().with_columns(game_id=pl.col("game_id").cast(pl.Int64))
    assert list_serious(diagnose(rows, make_schedule(rows))) == []


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (pl.DataFrame({"day": ["2026-02-06"]}), "no column game_date of dates"),
        (pl.DataFrame({"game_date": ["6 Feb"]}), r"1 rows have no date \(6 Feb\)"),
        (pl.DataFrame({"game_date": [20260206]}), "make it a date"),
    ],
)
def test_a_bad_schedule_is_refused(schedule: pl.DataFrame, words: str) -> None:
    with pytest.raises(fsq.InputError, match=words):
        diagnose(make_league(), schedule)


def test_nested_columns_of_a_schedule_name_no_event() -> None:
    stated = pl.DataFrame(
        {"game_date": ["2026-02-06"], "game_id": [7], "teams": [["BOS", "LAL"]], "raw": [b"x"]}
    )
    read = read_schedule(
        stated.with_columns(where=pl.struct(city=pl.lit("Boston"))), fsq.load_contract()
    )
    assert read.rows() == [(date(2026, 2, 6), "7")]
