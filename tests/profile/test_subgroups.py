"""What holds for all records of a subgroup, against slow definitions, one record at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fsq.profile.rows import Rows
from fsq.profile.subgroups import (
    count_needed,
    find_same,
    find_uniform,
    find_whole_tables,
    learn_rates,
    learn_subgroups,
)
from tests.support.small_league import NAMES, make_league

FORM, LONG_FORM, EFFORT = 0, 1, 2
COLUMNS = [("side",), ("rival", "not_carried"), ("side", "rival")]


@pytest.fixture
def rows() -> Rows:
    """Three dates of sides of five, of which one has no name; few different values."""
    league = make_league(dates=3, sides=4, members=5)
    side = pl.col("side").replace_strict({"s3": None}, default=pl.col("side"))
    rng = np.random.default_rng(4)
    values = rng.integers(0, 2, league.values.shape).astype(np.float64)
    values[rng.random(values.shape) < 0.1] = np.nan
    for at, name in enumerate(("s0", "s1", "s2")):
        values[(league.carried["side"] == name).to_numpy(), at] = at
    values[3, FORM], values[8, LONG_FORM] = np.nan, 7.0
    return replace(league, values=values, carried=league.carried.with_columns(side))


def _list_peers(rows: Rows, at: int, column: str) -> list[int]:
    """The records of the same date and subgroup; none of a record that belongs to none."""
    if column not in rows.carried.columns or rows.carried[column][at] is None:
        return []
    names, own = rows.carried[column].to_list(), rows.date_index[at]
    return [i for i, name in enumerate(names) if name == names[at] and rows.date_index[i] == own]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("value", [0, 1])
def test_a_state_counts_where_all_records_of_a_subgroup_are_in_it(
    rows: Rows, columns: tuple[str, ...], value: int
) -> None:
    state, needed = rows.values == value, np.array([4.0, 5, 6, 4, 4, 4])
    found = find_uniform(rows, columns, state, needed)
    expected = np.zeros_like(state)
    for at, f in np.ndindex(*state.shape):
        for peers in (_list_peers(rows, at, c) for c in columns):
            expected[at, f] |= len(peers) >= needed[f] and all(state[i, f] for i in peers)
    assert (found == expected).all()
    assert found[:, (FORM, LONG_FORM)[value]].any()
    assert not found[:, EFFORT].any()  # five are fewer than six


@pytest.mark.parametrize("columns", COLUMNS)
def test_one_value_counts_where_enough_records_of_a_subgroup_have_one(
    rows: Rows, columns: tuple[str, ...]
) -> None:
    needed = np.array([4.0, 5, 6, 4, 4, 4])
    found = find_same(rows, columns, needed)
    expected = np.zeros_like(found)
    for at, f in np.ndindex(*found.shape):
        for peers in (_list_peers(rows, at, c) for c in columns):
            known = [v for v in rows.values[peers, f] if not np.isnan(v)]
            same = len(known) >= needed[f] and len(set(known)) == 1
            expected[at, f] |= same and not np.isnan(rows.values[at, f])
    assert (found == expected).all()
    assert not found[3, FORM]  # has none
    assert found[:5, FORM].sum() == 4  # the others of its side still agree
    assert not found[5:10, LONG_FORM].any()  # one of them says otherwise


@pytest.mark.parametrize("lost", [None, "s0", "s3"])
def test_no_subgroup_is_passed_over(lost: str | None) -> None:
    league = make_league(dates=2, sides=4, members=5)
    side = pl.when(~pl.col("side").eq_missing(lost)).then("side").alias("side")
    rows = replace(league, carried=league.carried.with_columns(side))
    rows.values[:] = 1.0
    named = rows.carried["side"].is_not_null().to_numpy()
    needed = np.full(len(NAMES), 5.0)
    for found in (
        find_uniform(rows, ("side",), rows.values == 1, needed),
        find_same(rows, ("side",), needed),
    ):
        assert (found == named[:, None]).all()


def test_rates_are_those_of_the_records_that_are_used(rows: Rows) -> None:
    used = rows.date_index < 2
    step = np.where(rows.values == 1, 0.0, np.where(rows.values == 0, 0.5, np.nan))
    rates = learn_rates(replace(rows, is_default=np.isnan(rows.values)), step, used)
    for f in range(len(NAMES)):
        values, moves = rows.values[used, f], step[used, f]
        known = ~np.isnan(values)
        per_date = [
            Counter(values[known & (rows.date_index[used] == d)]).most_common(1)[0][1]
            for d in (0, 1)
        ]
        assert rates.absent[f] == pytest.approx((~known).mean())
        assert rates.still[f] == pytest.approx((moves == 0).sum() / (~np.isnan(moves)).sum())
        assert rates.same[f] == pytest.approx(sum(per_date) / known.sum())


def test_a_feature_that_never_moved_nor_was_known_has_no_rate(rows: Rows) -> None:
    rows.values[:, FORM] = np.nan
    unknown = np.full(rows.values.shape, np.nan)
    rates = learn_rates(rows, unknown, rows.date_index < 2)
    assert rates.still.tolist() == [0.0] * len(NAMES)
    assert rates.same[FORM] == 0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 0.99])
def test_so_many_records_must_agree_that_chance_hardly_explains_it(rate: float) -> None:
    (needed,) = count_needed(np.array([rate]))
    assert rate**needed <= 1e-5 < rate ** (needed - 1)


def test_less_than_four_records_say_nothing() -> None:
    assert count_needed(np.array([0.0, 0.01, 0.05])).tolist() == [4, 4, 4]
    assert np.isfinite(count_needed(np.array([1.0]))).all()


@pytest.mark.parametrize(
    ("sides", "members", "found"),
    [
        (4, 4, {"side", "rival"}),  # an event has eight records, but a date only two of them
        (6, 2, {"event"}),  # two sides of two make four records
        (6, 4, {"event", "side", "rival"}),
        (2, 9, set()),
    ],
)
def test_columns_that_split_a_date_into_several_groups_are_found(
    sides: int, members: int, found: set[str]
) -> None:
    league = make_league(dates=6, sides=sides, members=members)
    nobody = league.carried.with_columns(nobody=pl.lit(None, pl.String))
    every = np.ones(6, dtype=np.bool_)
    assert set(learn_subgroups(replace(league, carried=nobody), every)) == found


def test_only_clean_dates_say_which_columns_split_a_date() -> None:
    league = make_league(dates=5, sides=6, members=4)
    faulty = league.date_index >= 3
    gone = pl.when(pl.Series(~faulty)).then("side").alias("side")
    rows = replace(league, carried=league.carried.with_columns(gone))
    assert "side" in learn_subgroups(rows, np.arange(5) < 3)
    assert "side" not in learn_subgroups(rows, np.arange(5) >= 2)


def test_a_table_is_absent_where_all_its_features_are() -> None:
    absent = np.array([[True, True, True], [True, False, True]])
    found = find_whole_tables(absent, ((0, 1), (2,)))
    assert found.tolist() == [[True, True, False], [False, False, False]]


def test_what_a_subgroup_does_together_is_common_where_one_does_it() -> None:
    """A tenth of the sides stand still on a date, each as a whole."""
    league = make_league(dates=10, sides=10, members=5)
    still = ((league.date_index + league.codes["side"]) % 10 == 0)[:, None]
    step = np.where(np.broadcast_to(still, league.values.shape), 0.0, 1.0)
    every = np.ones(len(league.date_index), dtype=np.bool_)
    assert learn_rates(league, step, every).still == pytest.approx(0.1)
    assert learn_rates(league, step, every, ("side",)).still == pytest.approx(1.0)
    alone = np.random.default_rng(0).permutation(step)
    assert learn_rates(league, alone, every, ("side",)).still == pytest.approx(0.1, abs=0.05)
