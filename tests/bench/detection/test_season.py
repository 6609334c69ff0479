"""Which dates are learned from, which are kept, and what a detector sees of them."""

from __future__ import annotations

import polars as pl
import pytest

import fsq
from fsq.bench.detection import Season, load_season
from fsq.bench.detection.season import sample_dates
from tests.support.any_table import CONTRACT, make_rows


def test_the_season_is_parted(season: Season) -> None:
    assert len(season.kept) == 20
    assert len(season.learned) == 30
    assert season.learned[-1] < season.kept[0]
    assert len(season.list_before(season.kept[0])) == 21
    assert season.list_before(season.learned[2]) == season.learned[:2]
    assert sample_dates(season, 3) == [season.kept[0], season.kept[10], season.kept[-1]]
    assert sample_dates(season, 99) == season.kept
    seen = season.show([season.kept[3]])
    assert set(seen.rows["flight_date"]) == {season.kept[3]}
    assert seen.before["flight_date"].max() == season.kept[2]
    assert seen.before_scored.height == seen.before.height


def _split_seasons() -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Two seasons of thirty dates each, and their dates."""
    rows = make_rows(dates=60, entities=40, incidents=False)
    dates = rows["flight_date"].unique().sort()
    first = rows.filter(pl.col("flight_date") < dates[30])
    second = rows.filter(pl.col("flight_date") >= dates[30])
    return first, second, dates


def test_an_earlier_season_is_learned_from() -> None:
    first, second, dates = _split_seasons()
    season = load_season([first, second], CONTRACT, kept_share=0.5)
    assert len(season.learned) == 45
    assert season.kept == dates[45:].to_list()


def test_a_later_season_may_be_learned_from_too() -> None:
    first, second, dates = _split_seasons()
    season = load_season([second, first], CONTRACT, kept_share=0.5)
    assert season.kept == dates[15:30].to_list()
    assert season.learned == [*dates[:15], *dates[30:]]
    assert season.list_before(season.kept[0]) == dates[:15].to_list()


def test_scored_rows_are_damaged_like_their_source() -> None:
    rows = make_rows(dates=45, entities=40, incidents=False)
    season = load_season([fsq.score(rows, CONTRACT)], CONTRACT, "outcome")
    assert season.table.live == load_season([rows], CONTRACT, "outcome").table.live
    assert season.scored.height == rows.height


def test_too_few_dates() -> None:
    rows = make_rows(dates=30, entities=20, incidents=False)
    with pytest.raises(fsq.InputError, match="30 dates, of which 15 are to learn from"):
        load_season([rows], CONTRACT)
