"""Which columns make groups of one value: the coarsest, few of them, and not by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fsq.profile.evidence import measure
from fsq.profile.groups import (
    Grouping,
    count_groups,
    count_valued,
    find_disagreeing,
    learn_groupings,
    take_middle_per_code,
    take_middles,
)
from fsq.profile.rows import Rows
from fsq.profile.structure import learn_structure
from tests.support.small_league import TABLES, make_league

FORM, SIDE, HOME = 0, 3, 5
DATES, SIDES, MEMBERS = 20, 8, 6


@pytest.fixture
def league() -> Rows:
    league = make_league(DATES, SIDES, MEMBERS)
    return replace(league, values=league.values.copy())


def _carry(rows: Rows, **columns: pl.Expr) -> Rows:
    return replace(rows, carried=rows.carried.with_columns(**columns))


def _learn(rows: Rows) -> dict[tuple[str, ...], tuple[int, ...]]:
    every = np.ones(len(rows.dates), dtype=np.bool_)
    return {g.columns: g.features for g in learn_groupings(rows, every)}


def test_the_middle_of_a_group_is_the_lower_one_of_its_known_values() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(-1, 30, 200)
    # Groups of one value, groups of several, and groups that are mostly unknown.
    values = np.where(codes % 3 == 0, codes, rng.integers(0, 4, 200)).astype(np.float64)
    values[rng.random(200) < np.where(codes % 5 == 0, 0.8, 0.1)] = np.nan
    middles = take_middles(values, codes)
    (per_code,) = take_middle_per_code(values[:, None], codes, 30).T
    for code in range(30):
        known = sorted(values[(codes == code) & ~np.isnan(values)].tolist())
        middle = known[(len(known) - 1) // 2] if known else np.nan
        np.testing.assert_equal(per_code[code], middle)
        told = middles[(codes == code) & ~np.isnan(values)]
        assert (told == middle).all() if len(known) > 1 else np.isnan(told).all()
    assert np.isnan(middles[np.isnan(values) | (codes < 0)]).all()
    assert np.isnan(take_middles(np.full(4, np.nan), np.zeros(4, dtype=np.int64))).all()


def test_a_finer_grouping_is_not_said_again(league: Rows) -> None:
    found = _learn(league)
    assert SIDE in found["side",]
    assert not any("side" in columns and len(columns) > 1 for columns in found)


def test_two_columns_are_enough_of_several_that_say_the_same(league: Rows) -> None:
    found = _learn(_carry(league, coach=pl.col("side"), arena=pl.col("side")))
    assert len([c for c, features in found.items() if SIDE in features]) == 2


def test_two_columns_together_make_groups_where_none_does_alone(league: Rows) -> None:
    """Halves of a side that cut across all sides: a value per side and half."""
    half = np.arange(len(league.date_index)) % 2
    league.values[:, SIDE] += np.where(half, 5.0, 0.0)
    rows = _carry(league, half=pl.lit(pl.Series([f"h{h}" for h in half])))
    found = _learn(rows)
    assert ("side",) not in found or SIDE not in found["side",]
    assert any({"side", "half"} == set(c) and SIDE in f for c, f in found.items())


def test_what_is_one_value_per_date_has_no_finer_groups(league: Rows) -> None:
    league.values[:, SIDE] = league.date_index
    found = _learn(league)
    assert [c for c, features in found.items() if SIDE in features] == [()]


@pytest.mark.parametrize(("bad", "holds"), [(2, True), (3, False)])
def test_a_tenth_of_the_dates_may_be_bad(league: Rows, bad: int, holds: bool) -> None:
    faulty = league.date_index < bad
    league.values[faulty, SIDE] = np.random.default_rng(0).normal(0, 1, faulty.sum())
    assert (SIDE in _learn(league).get(("side",), ())) == holds


def test_groups_without_companions_say_nothing(league: Rows) -> None:
    league.values[np.arange(len(league.date_index)) % MEMBERS > 0, SIDE] = np.nan
    assert SIDE not in _learn(league).get(("side",), ())


def test_the_only_column_that_came_along_is_compared_too(league: Rows) -> None:
    alone = replace(league, carried=league.carried.select("member", "side"), group=None)
    structure = learn_structure(alone, np.ones(DATES, dtype=np.bool_), TABLES)
    wrong = np.flatnonzero(alone.carried["side"] == "s2")[:2]
    alone.values[wrong, SIDE] += 1
    hits = measure(alone, structure, np.full(len(alone.date_index), -1)).hits["disagree"]
    assert np.flatnonzero(hits[:, SIDE]).tolist() == wrong.tolist()


def test_groups_are_counted_per_date(league: Rows) -> None:
    assert count_groups(league, Grouping(("side",), (SIDE,))) == SIDES
    assert count_groups(league, Grouping(("event",), (SIDE,))) == SIDES / 2
    assert count_groups(league, Grouping((), (SIDE,))) == 1
    assert count_groups(league, Grouping(("not carried",), (SIDE,))) == 0


def test_groups_that_have_a_value_are_counted(league: Rows) -> None:
    known = np.ones((len(league.date_index), 2), dtype=np.bool_)
    lost = league.carried["side"].is_in(["s0", "s1"]).to_numpy() & (league.date_index == 1)
    known[lost, 0] = False
    known[np.flatnonzero(lost)[0], 0] = True
    counts = count_valued(league, Grouping(("side",), (SIDE, HOME)), known)
    assert counts[1].tolist() == [SIDES - 1, SIDES]
    assert (counts[[0, *range(2, DATES)]] == SIDES).all()


def test_what_few_groups_agree_on_by_chance_does_not_hold(league: Rows) -> None:
    """Both sides of an event are mostly unmarked: that says nothing of events."""
    few = replace(league, values=np.zeros_like(league.values))
    few.values[(league.date_index == 0) & (league.carried["side"] == "s1").to_numpy(), SIDE] = 1.0
    found = _learn(few)
    assert SIDE in found["side",]  # the smallest groups: as far as anybody knows
    assert SIDE not in [*found.get(("event",), ()), *found.get((), ())]


def _take_events(rows: Rows, several: int) -> Rows:
    """One event on each date, but all of them on the last ones."""
    first = pl.col("event").rank("dense").over("day") == 1
    days = pl.lit(pl.Series(rows.date_index)).alias("day")
    carried = rows.carried.with_columns(days)
    kept = carried.select(first | (pl.col("day") >= DATES - several)).to_series().to_numpy()
    return rows.choose(np.flatnonzero(kept))


def test_what_holds_for_one_event_a_date_is_not_asked_of_two(league: Rows) -> None:
    rows = _take_events(league, several=1)
    learned = np.arange(DATES) < DATES - 1
    groupings = learn_groupings(rows, learned)
    home = next(g for g in groupings if g.columns == ("home_flag",))
    assert (SIDE in home.features, home.scope) == (True, ("home_flag", "event"))
    off, judged = find_disagreeing(rows, home)
    assert judged[~learned[rows.date_index]].any()
    assert not off.any()


def test_where_a_date_has_many_events_groups_span_them(league: Rows) -> None:
    groupings = learn_groupings(league, np.ones(DATES, dtype=np.bool_))
    home = next(g for g in groupings if g.columns == ("home_flag",))
    assert home.features == (HOME,)
    assert home.scope == ("home_flag",)
