"""Teams, places and expected entities that have no rows; and rest days, trades, timetables."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import CONTRACT, LAST, change_last, diagnose_last, list_serious
from tests.support.league import make_league

ON_LAST = pl.col("game_date") == LAST


def drop(rows: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    return rows.filter(~(ON_LAST & which))


def find_one(rows: pl.DataFrame) -> fsq.Finding:
    (finding,) = list_serious(diagnose_last(rows))
    return finding


@pytest.mark.parametrize(("games", "severity"), [(4, "yellow"), (1, "red"), (2, "yellow")])
def test_a_team_that_is_missing_is_named(games: int, severity: str) -> None:
    finding = find_one(drop(make_league(games=games), pl.col("team") == "T01"))
    assert (finding.kind, finding.severity) == ("subgroup_missing", severity)
    assert finding.rows_affected == 15
    assert finding.evidence["missing"] == ["T01"]
    assert "team T01 has no rows in game 00223" in finding.title


def test_a_team_whose_rival_nobody_names() -> None:
    rows = make_league().drop("rival")
    finding = find_one(drop(rows, pl.col("team") == "T01"))
    assert (finding.kind, finding.evidence["missing"]) == ("subgroup_missing", [])
    assert "one team has no rows" in finding.title


def test_several_teams_are_one_finding() -> None:
    finding = find_one(drop(make_league(), pl.col("team").is_in(["T01", "T02", "T05"])))
    assert (finding.kind, finding.severity) == ("subgroup_missing", "red")
    assert finding.evidence["missing"] == ["T01", "T02", "T05"]


def test_events_of_one_team_that_are_usual() -> None:
    rows = make_league().filter(pl.col("team") != "T01")
    assert list_serious(diagnose_last(rows)) == []


def test_only_the_bench_is_missing() -> None:
    dx = diagnose_last(drop(make_league(), pl.col("seat") >= 13))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("expected_rows_missing", "yellow")
    assert (finding.rows_affected, finding.evidence["expected"]) == (16, 120)
    assert "player013" in finding.cause


def test_the_bench_of_one_team_is_missing() -> None:
    bench = (pl.col("team") == "T02") & (pl.col("seat") >= 10)
    finding = find_one(drop(make_league(games=8), bench))
    assert finding.kind == "expected_rows_missing"
    assert "5 of 15 players of team T02" in finding.title


def test_a_tenth_of_the_rows_is_missing() -> None:
    finding = find_one(drop(make_league(), pl.col("player_lookup").str.ends_with("7")))
    assert (finding.kind, finding.rows_affected) == ("expected_rows_missing", 12)


@pytest.mark.parametrize(
    "which",
    [
        pytest.param(pl.col("seat") == 3, id="one of each team is hurt and nobody replaces him"),
        pytest.param(pl.col("team").is_in(["T00", "T01"]), id="a game less than the day before"),
    ],
)
def test_what_is_usual_is_no_fault(which: pl.Expr) -> None:
    rows = make_league(games=8) if which.meta.root_names() == ["team"] else make_league(games=1)
    assert list_serious(diagnose_last(drop(rows, which))) == []


def test_new_players_make_up_for_those_who_leave() -> None:
    traded = pl.when(pl.col("seat") > 11).then("new" + pl.col("player_lookup").str.slice(6))
    rows = change_last(make_league(), player_lookup=traded.otherwise("player_lookup"))
    kinds = [f.kind for f in list_serious(diagnose_last(rows))]
    assert "expected_rows_missing" not in kinds


def test_half_the_rows_are_one_finding() -> None:
    finding = find_one(drop(make_league(), pl.col("seat") % 2 == 0))
    assert finding.kind == "missing_rows"


NO_EVENTS = CONTRACT.model_copy(update={"table": CONTRACT.table.model_copy(update={"group": None})})


def diagnose_places(rows: pl.DataFrame) -> fsq.Diagnosis:
    return fsq.diagnose(fsq.score(rows, contract=NO_EVENTS), contract=NO_EVENTS, dates=[LAST])


def find_place(rows: pl.DataFrame) -> fsq.Finding:
    (finding,) = list_serious(diagnose_places(rows))
    return finding


def make_places(count: int = 9) -> pl.DataFrame:
    """The same rows without events; three places, and one that few rows have."""
    number = pl.col("player_lookup").str.slice(6).cast(pl.Int64)
    far, near = pl.lit("SEA"), pl.when(number < 80).then(pl.lit("JFK")).otherwise(pl.lit("EWR"))
    place = pl.when(number < 3).then(far).when(number < 40).then(pl.lit("LGA")).otherwise(near)
    return make_league(count).drop("game_id", "team", "rival").with_columns(place=place)


@pytest.mark.parametrize(("place", "seen"), [("LGA", True), ("SEA", False)])
def test_a_place_that_is_missing(place: str, seen: bool) -> None:
    found = list_serious(diagnose_places(drop(make_places(), pl.col("place") == place)))
    assert [f.kind for f in found] == (["slice_missing"] if seen else [])
    if seen:
        assert found[0].evidence == {"column": "place", "missing": ["LGA"]}
        assert found[0].rows_affected == 37


def test_a_place_that_is_not_there_on_every_date() -> None:
    open_today = (pl.col("place") != "LGA") | (pl.col("game_date").dt.day() % 3 != 1)
    kinds = [f.kind for f in list_serious(diagnose_places(make_places().filter(open_today)))]
    assert "slice_missing" not in kinds


def test_rows_without_events_that_are_missing() -> None:
    finding = find_place(drop(make_places(), pl.col("seat").is_in([4, 5])))
    assert (finding.kind, finding.rows_affected) == ("expected_rows_missing", 16)


def test_entities_that_come_now_and_then_are_not_expected() -> None:
    number = pl.col("player_lookup").str.slice(6).cast(pl.Int64)
    comes = (number + pl.col("game_date").dt.day()) % 4 > 0
    kinds = [f.kind for f in list_serious(diagnose_places(make_places().filter(comes)))]
    assert "expected_rows_missing" not in kinds


def test_events_that_nobody_tells_apart_let_expect_no_one() -> None:
    rows = make_league().drop("team", "rival")
    dx = diagnose_last(drop(rows, pl.col("player_lookup") < "player060"))
    assert list_serious(dx) == []
    assert "expected_rows_missing" in [n["check"] for n in dx.not_evaluated]


def test_the_first_dates_have_nothing_to_compare_with() -> None:
    rows = make_league(count=2)
    dx = diagnose_last(drop(rows, pl.col("seat") >= 13))
    assert "expected_rows_missing" in [n["check"] for n in dx.not_evaluated]


def test_members_of_another_season_are_not_expected() -> None:
    first = LAST - timedelta(days=8)
    early = pl.when(pl.col("game_date") == first).then(pl.col("game_date").dt.offset_by("-200d"))
    rows = make_league(count=9).with_columns(game_date=early.otherwise("game_date"))
    gone = rows.filter((pl.col("game_date") < first) | (pl.col("seat") < 8))
    found = list_serious(fsq.diagnose(fsq.score(gone)))
    assert "expected_rows_missing" not in [f.kind for f in found]


SAME_DAY = pl.col("game_date").dt.weekday() == LAST.isoweekday()
AT_LGA, IN_SEATS = pl.col("place") == "LGA", pl.col("seat").is_in([4, 5, 6])


@pytest.mark.parametrize("which", [AT_LGA, IN_SEATS])
def test_a_day_off_every_week_is_usual(which: pl.Expr) -> None:
    rows = make_places(36).filter(~(SAME_DAY & which))
    assert list_serious(diagnose_places(rows)) == []


@pytest.mark.parametrize("which", [AT_LGA, IN_SEATS])
def test_who_has_a_day_off_is_expected_on_the_others(which: pl.Expr) -> None:
    day_off = pl.col("game_date").dt.weekday() == (LAST - timedelta(days=2)).isoweekday()
    rows = make_places(36).filter(~(day_off & which))
    assert list_serious(diagnose_places(rows)) == []
    kind = "slice_missing" if which is AT_LGA else "expected_rows_missing"
    assert find_place(drop(rows, which)).kind == kind


@pytest.mark.parametrize("weeks", [1, 2, 4])
def test_what_is_absent_on_every_day_has_none_off(weeks: int) -> None:
    lasting = pl.col("game_date") > LAST - timedelta(days=7 * weeks)
    rows = make_places(40).filter(~(lasting & AT_LGA))
    assert find_place(rows).kind == "slice_missing"
