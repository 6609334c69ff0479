"""Names and dates as people have them, and what cannot be guessed."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

import fsq
from fsq.contract import Contract, load_contract
from fsq.contract.table import Table
from fsq.errors import InputError
from fsq.intake.preparation import prepare_rows
from tests.support.frames import wide

CONTRACT = load_contract("v2_33features")
ROW = {"player_lookup": ["lebronjames"], "game_date": [date(2026, 2, 6)]}
WIDE = pl.DataFrame(
    ROW | {n: [1.0] for n in CONTRACT.names} | {f"{n}__source": ["phase4"] for n in CONTRACT.names}
)


def timed(zone: str) -> Contract:
    table = Table(keys=("flight",), date="day", time="at", timezone=zone)
    return CONTRACT.model_copy(update={"table": table})


def test_rows_that_need_nothing_are_returned_as_they_are() -> None:
    assert prepare_rows(WIDE, CONTRACT) is WIDE


def test_names_that_differ_in_case_or_dots_score_the_same() -> None:
    spelt = {c: c.upper().replace("_", ".") for c in WIDE.columns}
    now = datetime(2026, 2, 7)
    assert fsq.score(WIDE.rename(spelt), now=now).equals(fsq.score(WIDE, now=now))


def test_two_columns_for_one_name_are_both_named() -> None:
    rows = WIDE.rename({"pace_score": "Pace_Score"}).with_columns(PACE_SCORE=1.0)
    with pytest.raises(InputError, match=r"pace_score: \['Pace_Score', 'PACE_SCORE'\]"):
        fsq.score(rows)


@pytest.mark.parametrize("dates", [["2026-02-06"], [datetime(2026, 2, 6)]])
def test_iso_texts_and_midnights_are_dates(dates: list[object]) -> None:
    rows = prepare_rows(pl.DataFrame({"game_date": dates}), CONTRACT)
    assert rows["game_date"].to_list() == [date(2026, 2, 6)]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("06.02.2026", "is not an ISO date; write dates as 2026-02-06"),
        ("2026-02-30", "is not an ISO date"),
        (
            datetime(2026, 2, 6, 19, 30),
            r"is not midnight; cast it to a date, or name it as the time",
        ),
    ],
)
def test_what_is_no_date_is_named_with_its_cure(value: object, problem: str) -> None:
    rows = pl.DataFrame({"game_date": [value]})
    with pytest.raises(InputError, match=problem):
        prepare_rows(rows, CONTRACT)


def test_a_missing_text_stays_missing() -> None:
    rows = prepare_rows(pl.DataFrame({"game_date": ["2026-02-06", None]}), CONTRACT)
    assert rows["game_date"].to_list() == [date(2026, 2, 6), None]


@pytest.mark.parametrize(("zone", "day"), [("UTC", 2), ("America/New_York", 1), ("Asia/Tokyo", 2)])
def test_a_date_is_that_of_the_moment_in_the_tables_zone(zone: str, day: int) -> None:
    rows = pl.LazyFrame({"flight": [7], "at": [datetime(2013, 1, 2, 3, 30)]})
    prepared = prepare_rows(rows, timed(zone)).collect()
    assert prepared["day"].to_list() == [date(2013, 1, day)]


def test_tables_of_other_libraries_are_scored() -> None:
    duckdb = pytest.importorskip("duckdb")
    now = datetime(2026, 2, 7)
    want = fsq.score(WIDE, now=now)
    for rows in (WIDE.to_pandas(), duckdb.sql("SELECT * FROM WIDE")):
        found = fsq.score(rows, now=now)
        assert found.drop("game_date").equals(want.drop("game_date"))
        assert found["game_date"].to_list() == want["game_date"].to_list()


def test_scored_tables_of_other_libraries_are_diagnosed_and_filtered() -> None:
    duckdb = pytest.importorskip("duckdb")
    scored = fsq.score(wide(), now=datetime(2026, 2, 7))
    relation = duckdb.sql("SELECT * FROM scored")
    assert fsq.diagnose(relation).to_dict() == fsq.diagnose(scored).to_dict()
    want = fsq.training_set(scored, on_default="keep").frame
    assert fsq.training_set(relation, on_default="keep").frame.equals(want)
