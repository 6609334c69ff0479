"""Ids in two formats, and events that are stored under two ids or on two dates."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import LAST, change_last, diagnose_last, list_serious, make_days
from tests.support.league import make_league

OTHER_FORMAT = pl.format("{}_{}_{}", pl.col("game_date").dt.strftime("%Y%m%d"), "team", "rival")


def find_one(rows: pl.DataFrame) -> fsq.Finding:
    (finding,) = list_serious(diagnose_last(rows))
    return finding


def test_healthy_dates_have_no_such_finding() -> None:
    assert list_serious(fsq.diagnose(fsq.score(make_league()))) == []


@pytest.mark.parametrize("games", [1, 2, 4])
def test_ids_in_two_formats_are_no_missing_rows(games: int) -> None:
    half = pl.when(pl.col("seat") % 2 == 0).then(OTHER_FORMAT).otherwise("game_id")
    dx = diagnose_last(change_last(make_league(games=games), game_id=half))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("mixed_ids", "yellow")
    assert finding.rows_affected == 16 * games
    assert "20260210_T00_T01, usually 00223" in finding.title
    assert dx.named_rows.height == 16 * games


def test_all_ids_of_a_date_in_another_format() -> None:
    finding = find_one(change_last(make_league(), game_id=OTHER_FORMAT))
    assert finding.kind == "mixed_ids"
    assert "in all" in finding.title


def test_two_formats_without_teams_are_no_missing_rows_either() -> None:
    other = pl.format("game/{}", "game_id")
    half = pl.when(pl.int_range(pl.len()) % 2 == 0).then(other).otherwise("game_id")
    dx = diagnose_last(change_last(make_days(), game_id=half))
    assert [f.kind for f in list_serious(dx)] == ["mixed_ids"]
    noted = {n["check"]: n["reason"] for n in dx.not_evaluated}
    assert noted["missing_rows"] == "some groups have two ids"


def test_keys_in_another_format() -> None:
    spelled = pl.col("player_lookup").str.replace("player", "Player ")
    few = pl.when(pl.col("seat") < 5).then(spelled).otherwise("player_lookup")
    finding = find_one(change_last(make_league(), player_lookup=few))
    assert (finding.kind, finding.rows_affected) == ("mixed_ids", 40)
    assert finding.evidence["column"] == "player_lookup"


def test_ids_without_a_format_have_none_that_changes() -> None:
    rows = make_league()
    hexed = pl.col("game_id").hash(1).cast(pl.String) + pl.col("game_id").str.slice(5)
    letters = hexed.str.replace_many([*"2468"], [*"abCD"]).str.replace_many(["0"], ["-"])
    assert list_serious(diagnose_last(rows.with_columns(game_id=letters))) == []


def test_an_event_under_two_ids() -> None:
    twice = pl.when(pl.col("team") == "T01").then(pl.lit("0022399999")).otherwise("game_id")
    dx = diagnose_last(change_last(make_league(), game_id=twice))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("event_under_two_ids", "yellow")
    assert finding.rows_affected == 30
    assert "0022300032 and 0022399999" in finding.title
    half = pl.when(pl.col("seat") > 7).then(pl.col("game_id").str.replace("002", "992"))
    finding = find_one(change_last(make_league(), game_id=half.otherwise("game_id")))
    assert (finding.kind, finding.rows_affected) == ("event_under_two_ids", 120)


def test_teams_that_often_play_twice_a_day_are_no_fault() -> None:
    rows = make_league()
    second = pl.when(pl.col("seat") > 7).then(pl.col("game_id").str.replace("002", "992"))
    both = rows.with_columns(game_id=second.otherwise("game_id"))
    assert [f.kind for f in list_serious(diagnose_last(both))] == []


def test_an_event_on_two_dates() -> None:
    rows = make_league()
    day = LAST - timedelta(days=1)
    ids = rows.filter(game_date=day, team="T00")["game_id"].unique()
    again = pl.when(pl.col("team").is_in(["T00", "T01"])).then(pl.lit(ids[0])).otherwise("game_id")
    dx = diagnose_last(change_last(rows, game_id=again))
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.severity) == ("event_on_two_dates", "yellow")
    where = f"all 30 with game_id {ids[0]}"
    assert finding.evidence == {"ids": [ids[0]], "days": [str(day), str(LAST)], "where": where}
    assert where not in finding.title  # it names the game already
    assert (finding.rows_affected, dx.named_rows.height) == (30, 30)


def test_a_date_that_repeats_the_events_of_the_one_before_is_one_finding() -> None:
    rows = make_league()
    ids = rows.filter(game_date=LAST - timedelta(days=1))["game_id"]
    same = rows.filter(game_date=LAST).with_columns(game_id=ids)
    finding = find_one(pl.concat([rows.filter(pl.col("game_date") < LAST), same]))
    assert (finding.kind, finding.rows_affected) == ("event_on_two_dates", 120)
    assert "4 games are stored on two dates" in finding.title


def test_groups_that_last_are_not_evaluated() -> None:
    dx = diagnose_last(make_league().with_columns(game_id="team"))
    assert list_serious(dx) == []
    assert "event_on_two_dates" in [n["check"] for n in dx.not_evaluated]


@pytest.mark.parametrize("share", [1, 2])
def test_ids_that_lost_their_leading_zeros_have_another_format(share: int) -> None:
    short = pl.when(pl.col("seat") % share == 0).then(pl.col("game_id").str.strip_chars_start("0"))
    rows = change_last(make_league(), game_id=short.otherwise("game_id"))
    finding = find_one(rows)
    assert finding.kind == "mixed_ids"
    assert "22300032, usually 0022300" in finding.title


def test_ids_that_are_absent_are_told_unless_that_is_usual() -> None:
    few = pl.when(pl.col("seat") >= 5).then("game_id")
    finding = find_one(change_last(make_league(), game_id=few))
    assert (finding.kind, finding.rows_affected) == ("mixed_ids", 40)
    assert "game_id is absent in" in finding.title
    usually = fsq.diagnose(fsq.score(make_league().with_columns(game_id=few)))
    assert not [f for f in usually.findings if f.kind == "mixed_ids"]
