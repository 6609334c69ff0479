"""Which columns are events and teams, found without being told; a few gaps hide none of it."""

from __future__ import annotations

import polars as pl
import pytest

from fsq.diagnosis import groups
from fsq.diagnosis.groups import EVENT, OTHER, SUB, Groups, find_groups
from fsq.diagnosis.records import Records
from tests.support.healthy_days import CONTRACT
from tests.support.league import make_league

CARRIED = ["game_id", "team", "rival", "seat"]


def _find(records: pl.DataFrame) -> Groups:
    days = records["game_date"].rank("dense") - 1
    return find_groups(Records.of(records), days, CONTRACT, CARRIED)


@pytest.fixture(scope="module")
def records() -> pl.DataFrame:
    return make_league()


def _lose(records: pl.DataFrame, column: str, share: float) -> pl.DataFrame:
    """Every so many-th record without a value."""
    lost = pl.int_range(pl.len()) % round(1 / share) == 0
    return records.with_columns(pl.when(~lost).then(column).alias(column))


def test_teams_of_games_and_their_rivals_are_found(records: pl.DataFrame) -> None:
    found = _find(records)
    assert (found.event, found.per_event) == ("game_id", 2)
    assert {found.subgroup} <= {"team", "rival"}
    assert (found.rows[SUB] != found.rows[OTHER]).all()


@pytest.mark.parametrize("column", ["game_id", "team", "rival"])
def test_records_without_an_event_or_a_team_hide_none(records: pl.DataFrame, column: str) -> None:
    found = _find(_lose(records, column, 1 / 50))
    assert (found.event, found.per_event) == ("game_id", 2)
    assert found.subgroup in ("team", "rival")
    assert found.rows.columns[-1] == OTHER


@pytest.mark.parametrize("lost", [None, "team", "game_id"])
def test_many_records_are_looked_at_slice_by_slice(
    records: pl.DataFrame, lost: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = records if lost is None else _lose(records, lost, 1 / 50)
    whole = _find(rows)
    monkeypatch.setattr(groups, "_ROWS_AT_ONCE", 37)
    sliced = _find(rows)
    same = (whole.event, whole.subgroup, whole.per_event)
    assert (sliced.event, sliced.subgroup, sliced.per_event) == same
    texts = pl.col(pl.Categorical).cast(pl.String)
    assert sliced.rows.with_columns(texts).equals(whole.rows.with_columns(texts))


def test_without_any_event_there_are_no_teams(records: pl.DataFrame) -> None:
    nothing = _find(records.with_columns(game_id=pl.lit(None, pl.String)))
    assert (nothing.event, nothing.subgroup, nothing.per_event) == (None, None, 0)
    assert _find(records.drop("game_id")).event is None


def test_a_group_that_lasts_is_no_event(records: pl.DataFrame) -> None:
    found = _find(records.with_columns(game_id="team"))
    assert found.event is None
    assert EVENT not in found.rows.columns


def test_without_rivals_there_are_teams(records: pl.DataFrame) -> None:
    found = _find(records.with_columns(rival=pl.lit("nobody")))
    assert (found.event, found.subgroup, found.per_event) == ("game_id", "team", 2)
    assert OTHER not in found.rows.columns


def test_teams_of_a_game_that_are_sometimes_three_are_no_sides(records: pl.DataFrame) -> None:
    some = pl.int_range(pl.len()) % 3 == 0
    mixed = records.with_columns(
        pl.when(some).then(pl.lit("X") + pl.col("team")).otherwise("team").alias("team"),
        rival=pl.lit("nobody"),
    )
    half = mixed.with_columns(pl.when(pl.col("game_date").dt.day() % 2 == 0).then("team"))
    assert _find(mixed).per_event in (0, 4)
    assert _find(half.with_columns(team=records["team"])).per_event == 2
