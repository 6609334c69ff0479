"""What is no fault, though it looks unusual, raises no alarm; a fault beside it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fsq.profile.evidence import FEW_GROUPS, measure, measure_again, measure_residuals
from fsq.profile.groups import Grouping, count_effective_groups
from fsq.profile.measures import Evidence
from fsq.profile.regression import find_lacking, learn_regressions
from fsq.profile.rows import Mask, Rows
from fsq.profile.steps import ENTITY, Carriers, follow
from fsq.profile.structure import Structure, learn_structure
from fsq.profile.subgroups import find_absent
from tests.support.small_league import NAMES, TABLES, make_league

FORM, LONG_FORM, EFFORT, SIDE, HOME = 0, 1, 2, 3, 5
DATES, MEMBERS, SIDES = 40, 12, 8


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league(DATES, SIDES, MEMBERS)


@pytest.fixture(scope="module")
def structure(league: Rows) -> Structure:
    return learn_structure(league, np.ones(DATES, dtype=np.bool_), TABLES)


def _measure(rows: Rows, structure: Structure) -> Evidence:
    return measure(rows, structure, np.full(len(rows.date_index), -1))


def _mark_faulty(rows: Rows, at: int, feature: int) -> Mask:
    faulty = np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    faulty[at, feature] = True
    return faulty


def test_groups_of_one_size_count_once_each(league: Rows) -> None:
    assert count_effective_groups(league, Grouping(("side",), (SIDE,))).tolist() == [SIDES] * DATES


def test_a_large_group_beside_small_ones_counts_for_little(league: Rows) -> None:
    names = pl.Series(
        ["s0" if s in ("s0", "s1", "s2", "s3") else s for s in league.carried["side"]]
    )
    rows = replace(league, carried=league.carried.with_columns(side=names))
    sizes = np.array([4 * MEMBERS, *[MEMBERS] * 4])
    expected = sizes.sum() ** 2 / (sizes**2).sum()
    assert count_effective_groups(rows, Grouping(("side",), (SIDE,))) == pytest.approx(expected)


def test_without_any_group_rows_count_by_themselves(league: Rows) -> None:
    nobody = league.carried.with_columns(side=pl.lit(None, pl.String))
    rows = replace(league, carried=nobody)
    rows.codes["side"] = np.full(len(rows.date_index), -1)
    assert np.isinf(count_effective_groups(rows, Grouping(("side",), (SIDE,)))).all()


def test_values_of_a_group_are_counted_by_groups(league: Rows, structure: Structure) -> None:
    counts = _measure(league, structure).counts
    for metric in ("zero", "spike", "spread"):
        assert set(counts[metric][:, SIDE]) == {SIDES}
        assert set(counts[metric][:, FORM]) == {SIDES * MEMBERS}


def test_the_date_after_a_fault_is_not_compared_with_it(league: Rows, structure: Structure) -> None:
    at = DATES // 2
    rows = replace(league, values=league.values.copy())
    rows.values[rows.date_index == at, FORM] += 50
    echo = _measure(rows, structure)
    assert echo.measures["leap"][at, FORM] == 1
    assert echo.measures["leap"][at + 1, FORM] == 1
    again = replace(rows, faulty=_mark_faulty(rows, at, FORM))
    found = measure_again(echo, again, structure)
    assert found.measures["leap"][at, FORM] == 1
    assert np.isnan(found.measures["leap"][at + 1, FORM])
    np.testing.assert_array_equal(found.measures["mean"], echo.measures["mean"])
    direct = _measure(again, structure)
    for metric, measured in found.measures.items():
        np.testing.assert_array_equal(measured, direct.measures[metric], err_msg=metric)
    for metric, hits in found.hits.items():
        np.testing.assert_array_equal(hits, direct.hits[metric], err_msg=metric)
    # What turns out to be sound after all is compared with again.
    sound, first = measure_again(found, rows, structure), _measure(rows, structure)
    for metric, measured in sound.measures.items():
        np.testing.assert_array_equal(measured, first.measures[metric], err_msg=metric)
    for metric, hits in sound.hits.items():
        np.testing.assert_array_equal(hits, first.hits[metric], err_msg=metric)


def test_records_of_a_faulty_date_are_still_compared_with_each_other(league: Rows) -> None:
    along_sides = Carriers(("side",) * len(NAMES), np.ones(len(NAMES)), np.ones(len(NAMES)))
    moment = pl.int_range(len(league.date_index), eager=True)
    timed = replace(league, carried=league.carried.with_columns(moment=moment), time="moment")
    at = DATES // 2
    here = timed.date_index == at
    steps = follow(replace(timed, faulty=_mark_faulty(timed, at, FORM)), along_sides)
    healthy = follow(timed, along_sides)
    np.testing.assert_array_equal(steps[here], healthy[here])
    # Of the next date only the first of each side is left without one before it.
    assert np.isnan(steps[timed.date_index == at + 1, FORM]).sum() == SIDES


def test_a_date_that_mostly_follows_a_faulty_one_has_no_steps(
    league: Rows, structure: Structure
) -> None:
    at = DATES // 2
    evidence = _measure(league, structure)
    # A few records that do not follow the faulty date are no sample of the next one.
    late = (league.date_index != at) | (np.arange(len(league.date_index)) % MEMBERS == 0)
    rows = replace(
        league,
        date_index=league.date_index[late],
        values=league.values[late],
        is_default=league.is_default[late],
        carried=league.carried.filter(pl.Series(late)),
    )
    for others, lost in ((league, True), (rows, False)):
        faulty = replace(others, faulty=_mark_faulty(others, at, FORM))
        found = _measure(faulty, structure).measures["still"]
        assert np.isnan(found[at + 1, FORM]) == lost
        assert not np.isnan(found[at + 1, LONG_FORM])
        assert not np.isnan(found[at, FORM])
    assert not np.isnan(evidence.measures["still"][at + 1, FORM])


def test_who_changes_sides_does_not_leap(league: Rows) -> None:
    every = np.ones(DATES, dtype=np.bool_)
    who, day, side = league.carried["member"], league.date_index, league.carried["side"]
    moved = (day >= DATES // 2) & (who == "m000").to_numpy()
    rate = league.values[:, SIDE].copy()
    rate[moved] = [rate[(day == d) & (side == "s7").to_numpy()][0] for d in day[moved]]
    values = np.column_stack([league.values[:, :SIDE], rate, league.values[:, SIDE + 1 :]])
    sides = pl.Series(np.where(moved, "s7", side.to_numpy()))
    rows = replace(league, values=values, carried=league.carried.with_columns(side=sides))
    carriers = learn_structure(rows, every, TABLES).carriers
    assert carriers.names[SIDE] == "side"
    assert carriers.names[FORM] == ENTITY
    assert not (np.abs(follow(rows, carriers)[moved, SIDE]) > carriers.leaps[SIDE]).any()


def test_a_side_that_stands_still_or_is_one_value_is_marked(
    league: Rows, structure: Structure
) -> None:
    last, before = (league.date_index == DATES - n for n in (1, 2))
    side, values = league.carried["side"].to_numpy(), league.values.copy()
    still, same = last & (side == "s1"), last & (side == "s2")
    values[still, FORM] = league.values[before & (side == "s1"), FORM]
    values[same, FORM] = 15.0
    evidence = _measure(replace(league, values=values), structure)
    for metric, records in (("group_still", still), ("group_same", same)):
        assert (evidence.hits[metric][:, FORM] == records).all(), metric
        share = evidence.measures[metric][:, FORM]
        assert share[-1] == pytest.approx(1 / SIDES), metric
        assert not share[:-1].any(), metric


def test_a_season_beyond_the_one_learned_says_nothing_as_a_whole() -> None:
    rng = np.random.default_rng(5)
    league = make_league(DATES, SIDES, MEMBERS)
    values = league.values.copy()
    # What depends on another feature only beyond a bound that was never reached.
    values[:, EFFORT] = np.minimum(values[:, FORM], 20) + rng.normal(0, 0.2, len(values))
    rows = replace(league, values=values)
    learned = learn_regressions(rows, np.ones(DATES, dtype=np.bool_))
    assert learned is not None
    known = learned.find_extrapolated(learned.find_beyond(values))
    assert not known.any()
    hot = values.copy()
    hot[:, FORM] = learned.basis.reach[1, FORM] + 5
    far = learned.find_beyond(hot)
    beyond = learned.find_extrapolated(far)
    assert beyond[:, EFFORT].all()
    assert beyond[:, FORM].all()
    assert not beyond[:, SIDE].any()
    assert not learned.find_extrapolated(far, [FORM], [EFFORT]).any()
    assert np.nanmax(np.abs(learned.predict_residuals(hot, np.full(len(hot), -1)))) > 3


def test_what_is_often_one_value_has_a_mean_and_no_spread(
    league: Rows, structure: Structure
) -> None:
    values = league.values.copy()
    values[league.date_index % 5 == 0, FORM] = 3.0
    measures = _measure(replace(league, values=values), structure).measures
    for metric in ("spread", "zero", "spike", "residual_spread"):
        assert np.isnan(measures[metric][:, FORM]).all(), metric
        assert np.isfinite(measures[metric][1:, EFFORT]).all(), metric
    for metric in ("absent", "mean"):
        assert np.isfinite(measures[metric][:, FORM]).all(), metric


@pytest.mark.parametrize(("absent", "says"), [(4, False), (7, True)])
def test_the_steps_of_a_date_that_mostly_follows_a_faulty_one_say_nothing(
    league: Rows, structure: Structure, absent: int, says: bool
) -> None:
    """Who was absent on the faulty date follows an earlier one: a part that is no sample."""
    at = DATES - 2
    gone = (league.date_index == at) & (np.arange(len(league.date_index)) % MEMBERS < absent)
    rows = replace(
        league,
        date_index=league.date_index[~gone],
        values=league.values[~gone],
        is_default=league.is_default[~gone],
        carried=league.carried.filter(pl.Series(~gone)),
        faulty=_mark_faulty(league, at, FORM),
    )
    measures = _measure(rows, structure).measures
    for metric in ("step_mean", "step_size", "still", "leap"):
        assert np.isfinite(measures[metric][-1, [FORM, EFFORT]]).tolist() == [says, True]


@pytest.mark.parametrize("known", [1, 3, 4, FEW_GROUPS])
def test_a_few_of_many_groups_have_no_spread(
    league: Rows, structure: Structure, known: int
) -> None:
    values, last = league.values.copy(), league.date_index == DATES - 1
    few = ~league.carried["side"].is_in([f"s{i}" for i in range(known)]).to_numpy()
    values[last & few, SIDE] = np.nan
    evidence = _measure(replace(league, values=values), structure)
    spread = evidence.measures["spread"][:, SIDE]
    assert np.isnan(spread[-1]) == (known < SIDES / 2)
    assert not np.isnan(spread[:-1]).any()


@pytest.mark.parametrize(("known", "says"), [(4, False), (5, True), (12, True)])
def test_from_five_groups_on_no_single_one_decides(known: int, says: bool) -> None:
    many = make_league(dates=2, sides=12, members=3)
    lost = ~many.carried["side"].is_in([f"s{i}" for i in range(known)]).to_numpy()
    residual = np.random.default_rng(3).normal(0, 1, many.values.shape)
    residual[lost & (many.date_index == 1), SIDE] = np.nan
    grouped = [Grouping(("side",), (SIDE,))]
    inside = np.zeros(residual.shape, dtype=np.bool_)
    found = measure_residuals(many, residual, np.full(len(NAMES), 3.0), inside, grouped)
    for metric in ("residual_mean", "residual_spread"):
        assert np.isfinite(found[metric][:, SIDE]).tolist() == [True, says]
        assert np.isfinite(found[metric][:, FORM]).all()


def test_a_subgroup_that_often_lacks_a_feature_is_held_against_itself(league: Rows) -> None:
    rng = np.random.default_rng(2)
    absent = np.zeros(league.values.shape, dtype=np.bool_)
    unknown = (league.carried["side"] == "s0").to_numpy()
    absent[unknown, FORM] = rng.random(unknown.sum()) < 0.95
    last = league.date_index == DATES - 1
    absent[last & unknown, FORM] = True
    lost = last & (league.carried["side"] == "s1").to_numpy()
    absent[lost, FORM] = True
    rate = np.full(len(NAMES), 0.12)
    found = find_absent(replace(league, is_default=absent), ("side",), rate)[last, FORM]
    assert (found == lost[last]).all()


def test_what_is_faulty_does_not_make_an_absence_usual(league: Rows) -> None:
    absent = np.zeros(league.values.shape, dtype=np.bool_)
    lost = (league.carried["side"] == "s1").to_numpy() & (league.date_index >= 20)
    absent[lost, FORM] = True
    faulty = np.zeros((DATES, len(NAMES)), dtype=np.bool_)
    faulty[20:, FORM] = True
    rate, last = np.full(len(NAMES), 0.01), league.date_index == DATES - 1
    rows = replace(league, is_default=absent, faulty=faulty)
    assert (find_absent(rows, ("side",), rate)[last, FORM] == lost[last]).all()


def test_dates_without_what_explains_a_feature_are_no_measure_of_the_others() -> None:
    league = make_league(DATES, SIDES, MEMBERS)
    early = league.date_index < DATES // 5
    values = league.values.copy()
    values[early, FORM] = np.nan  # a window that its first dates cannot fill
    late = np.zeros(DATES, dtype=np.bool_)
    late[np.unique(league.date_index[~early])] = True
    rows = replace(league, values=values)
    structure = learn_structure(rows, np.ones(DATES, dtype=np.bool_), TABLES)
    assert structure.regressions is not None
    beyond = structure.regressions.find_beyond(values, find_lacking(rows))
    unsure = structure.regressions.find_extrapolated(beyond)
    assert unsure[early, EFFORT].all()
    assert not unsure[~early].any()
    found = measure(rows, structure, np.full(len(values), -1)).measures["residual_spread"]
    assert np.isnan(found[~late, EFFORT]).all()
    assert not np.isnan(found[late, EFFORT]).any()


def test_a_record_that_lacks_something_is_compared_all_the_same(league: Rows) -> None:
    values = league.values.copy()
    values[::7, FORM] = np.nan
    rows = replace(league, values=values)
    structure = learn_structure(rows, np.ones(DATES, dtype=np.bool_), TABLES)
    assert structure.regressions is not None
    assert not find_lacking(rows).any()
    beyond = structure.regressions.find_beyond(values, find_lacking(rows))
    assert not structure.regressions.find_extrapolated(beyond).any()
