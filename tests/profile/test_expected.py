"""What values should have been, by what holds in a league."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fsq.profile import Profile, Rows, expect_values, judge, learn, measure_band
from fsq.profile.steps import follow
from tests.support.small_league import NAMES, TABLES, make_league

DATES = 40


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league(dates=DATES)


@pytest.fixture(scope="module")
def profile(league: Rows) -> Profile:
    every = np.ones(DATES, dtype=np.bool_)
    every[-1] = False
    learned = learn(league, every, every, TABLES, "league", "0")
    assert learned is not None
    return learned


def _expect(
    profile: Profile, rows: Rows, name: str, wanted: np.ndarray
) -> tuple[np.ndarray, pl.Series]:
    """Of the last date."""
    here = rows.date_index == DATES - 1
    f = NAMES.index(name)
    before = (rows.values - follow(rows, profile.structure.carriers))[here, f]
    return expect_values(
        rows.choose(np.flatnonzero(here)), before, profile.structure, f, [f], wanted[here]
    )


def _change(rows: Rows, name: str, chosen: np.ndarray, by: float) -> Rows:
    values = rows.values.copy()
    values[chosen, NAMES.index(name)] += by
    return replace(rows, values=values)


@pytest.mark.parametrize(
    ("name", "by", "near", "words"),
    [
        ("side_rate", 7.0, 1e-6, "others of the same side and date"),
        ("effort", 60.0, 4.0, "its previous record"),
        ("at_home", 5.0, 1e-6, "home_flag"),
    ],
)
def test_one_wrong_value_is_told(
    league: Rows, profile: Profile, name: str, by: float, near: float, words: str
) -> None:
    chosen = np.zeros(len(league.date_index), dtype=np.bool_)
    chosen[-1] = True
    expected, told_by = _expect(profile, _change(league, name, chosen, by), name, chosen)
    assert expected[-1] == pytest.approx(league.values[-1, NAMES.index(name)], abs=near)
    assert told_by[-1] == words
    assert np.isnan(expected[:-1]).all()  # nobody asked for them


def test_other_features_tell_where_there_is_no_record_before(
    league: Rows, profile: Profile
) -> None:
    chosen = np.zeros(len(league.date_index), dtype=np.bool_)
    chosen[-1] = True
    rows = _change(league, "effort", chosen, 60.0).choose(
        np.flatnonzero(league.date_index == DATES - 1)
    )
    nothing = np.full(len(rows.date_index), np.nan)
    f, last = NAMES.index("effort"), chosen[league.date_index == DATES - 1]
    expected, told_by = expect_values(rows, nothing, profile.structure, f, [f], last)
    assert expected[-1] == pytest.approx(league.values[-1, f], abs=4)
    assert told_by[-1] == "its other features"


def test_a_whole_side_is_told_by_the_other_side(league: Rows, profile: Profile) -> None:
    side = league.carried["side"].to_numpy()
    chosen = (league.date_index == DATES - 1) & (side == side[-1])
    wrong = _change(league, "rival_rate", chosen, 9.0)
    expected, told_by = _expect(profile, wrong, "rival_rate", chosen)
    right = league.values[chosen, NAMES.index("rival_rate")]
    assert expected[~np.isnan(expected)] == pytest.approx(right)
    assert set(told_by.drop_nulls()) == {"side_rate of the other side"}


def test_right_values_are_not_contradicted(league: Rows, profile: Profile) -> None:
    every = np.ones(len(league.date_index), dtype=np.bool_)
    for name in ("side_rate", "rival_rate", "at_home"):
        assert (~np.isnan(_expect(profile, league, name, every)[0])).mean() < 0.15


def test_a_date_out_of_its_band_is_rare_and_others_are_within(
    league: Rows, profile: Profile
) -> None:
    last = league.date_index == DATES - 1
    rows = _change(league, "form", last, 30.0)
    judged = judge(profile, rows, np.zeros((DATES, len(NAMES)), dtype=np.bool_))
    band = measure_band(judged, "mean", 0, DATES - 1)
    assert band is not None
    assert band.low is not None
    assert band.value > band.high > band.usual > band.low
    assert (band.clean_dates, band.as_far) == (DATES - 1, 0)
    assert band.values[-1] == band.value
    assert len(band.dates) == 14
    before = measure_band(judged, "mean", 0, DATES - 2)
    assert before is not None
    assert before.low is not None
    assert before.low < before.value < before.high
    assert before.clean_dates == DATES - 2  # besides itself, and the one that is not clean


def test_a_share_has_no_lower_end(league: Rows, profile: Profile) -> None:
    some = (league.date_index == DATES - 1) & (np.arange(len(league.date_index)) % 3 == 0)
    rows = _change(league, "side_rate", some, 7.0)
    judged = judge(profile, rows, np.zeros((DATES, len(NAMES)), dtype=np.bool_))
    band = measure_band(judged, "disagree", NAMES.index("side_rate"), DATES - 1)
    assert band is not None
    assert band.low is None
    assert 1 >= band.value > band.high >= 0
    assert band.value == pytest.approx(1 / 3, abs=0.02)
