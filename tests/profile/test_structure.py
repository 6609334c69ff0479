"""What a profile learns of the structure of rows, against slow definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsq.profile.evidence import measure
from fsq.profile.groups import Grouping, find_disagreeing
from fsq.profile.rows import Rows, combine, find_previous
from fsq.profile.sides import Mirror, find_contradicting
from fsq.profile.steps import ENTITY
from fsq.profile.structure import Structure, learn_structure
from tests.support.small_league import NAMES, TABLES, make_league

SIDE, RIVAL, HOME = 3, 4, 5


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league()


@pytest.fixture(scope="module")
def structure(league: Rows) -> Structure:
    return learn_structure(league, np.ones(len(league.dates), dtype=np.bool_), TABLES)


def test_features_of_a_side_are_found_to_be_one_per_side(structure: Structure) -> None:
    by_columns = {g.columns: set(g.features) for g in structure.groupings}
    assert {SIDE, RIVAL, HOME} <= by_columns["side",]
    assert not any({0, 1, 2} & fs for fs in by_columns.values())


def test_the_other_side_says_the_same(structure: Structure) -> None:
    found = {(m.feature, m.other, m.relation) for m in structure.mirrors}
    assert {(SIDE, RIVAL, "equals"), (RIVAL, SIDE, "equals")} <= found
    assert (HOME, HOME, "complements") in found


def test_a_carried_flag_is_found_to_be_a_feature(structure: Structure) -> None:
    assert [(t.column, t.feature) for t in structure.twins] == [("home_flag", HOME)]


def test_features_are_followed_along_what_they_belong_to(structure: Structure) -> None:
    assert structure.carriers.names[:3] == (ENTITY, ENTITY, ENTITY)
    assert structure.carriers.names[RIVAL] == "rival"
    assert np.isfinite(structure.carriers.leaps[[0, 1, 2, SIDE, RIVAL]]).all()
    assert structure.carriers.leaps[HOME] == np.inf


def test_the_label_and_its_past_are_found(structure: Structure) -> None:
    assert structure.label == "label"
    assert {0, 1, 2} <= set(structure.past_of_label)


def test_features_explain_each_other(structure: Structure) -> None:
    assert structure.regressions is not None
    assert (structure.regressions.explained[:3] > 0.8).all()
    assert structure.regressions.explained[SIDE] < 0.5


def test_one_bad_date_does_not_hide_what_holds(league: Rows, structure: Structure) -> None:
    values = league.values.copy()
    last = league.date_index == len(league.dates) - 1
    values[last, SIDE] = np.random.default_rng(1).permutation(values[last, SIDE])
    bad = Rows(
        NAMES, league.dates, league.date_index, values, league.is_default, league.carried,
        league.keys, league.group,
    )  # fmt: skip
    learned = learn_structure(bad, np.ones(len(bad.dates), dtype=np.bool_), TABLES)
    assert {g.columns: g.features for g in learned.groupings} == {
        g.columns: g.features for g in structure.groupings
    }


def test_without_groups_nothing_is_said_of_sides(league: Rows) -> None:
    alone = Rows(
        NAMES, league.dates, league.date_index, league.values, league.is_default, league.carried,
        league.keys, None,
    )  # fmt: skip
    assert learn_structure(alone, np.ones(len(alone.dates), dtype=np.bool_), TABLES).mirrors == ()


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4)), max_size=30))
def test_the_record_before_is_the_nearest_of_the_same_code(pairs: list[tuple[int, int]]) -> None:
    codes = np.array([c for c, _ in pairs], dtype=np.int64)
    order = np.array([o for _, o in pairs], dtype=np.int64)
    found = find_previous(codes, order)
    for at, (code, place) in enumerate(pairs):
        earlier = [o for c, o in pairs if c == code and o < place and code >= 0]
        if not earlier:
            assert found[at] == -1
        else:
            assert codes[found[at]] == code
            assert order[found[at]] == max(earlier)


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 2)), max_size=20))
def test_combined_codes_are_equal_where_all_codes_are(pairs: list[tuple[int, int]]) -> None:
    columns = [np.array([p[i] for p in pairs], dtype=np.int64) for i in (0, 1)]
    found = combine(columns)
    for a, left in enumerate(pairs):
        assert (found[a] == -1) == (-1 in left)
        for b, right in enumerate(pairs):
            if -1 not in left and -1 not in right:
                assert (found[a] == found[b]) == (left == right)


@given(st.data())
def test_rows_that_disagree_differ_from_the_middle_of_their_group(data: st.DataObject) -> None:
    rows = make_league(dates=2, sides=2, members=5)
    values = rows.values.copy()
    drawn = data.draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, np.nan]), min_size=20, max_size=20))
    values[:, SIDE] = drawn
    changed = Rows(
        NAMES, rows.dates, rows.date_index, values, np.isnan(values), rows.carried, rows.keys,
        rows.group,
    )  # fmt: skip
    off, judged = find_disagreeing(changed, Grouping(("side",), (SIDE,)))
    side = rows.carried["side"].to_list()
    for at in range(20):
        group = [
            values[i, SIDE]
            for i in range(20)
            if rows.date_index[i] == rows.date_index[at]
            and side[i] == side[at]
            and not np.isnan(values[i, SIDE])
        ]
        known = not np.isnan(values[at, SIDE])
        assert judged[at, 0] == (known and len(group) > 1)
        if judged[at, 0]:
            assert off[at, 0] == (values[at, SIDE] != sorted(group)[(len(group) - 1) // 2])


def test_a_side_that_contradicts_the_other_is_marked(league: Rows) -> None:
    values = league.values.copy()
    last = league.date_index == len(league.dates) - 1
    one = last & (league.carried["side"] == "s3").to_numpy()
    values[one, SIDE] += 5
    changed = Rows(
        NAMES, league.dates, league.date_index, values, league.is_default, league.carried,
        league.keys, league.group,
    )  # fmt: skip
    off, judged = find_contradicting(changed, Mirror("side", SIDE, RIVAL, "equals"))
    assert (off == one).all()
    assert judged.all()


def test_values_of_groups_are_known_without_a_column_that_tells_them() -> None:
    league = make_league(20, sides=8, members=6)
    alone = replace(league, carried=league.carried.select("member"), group=None)
    structure = learn_structure(alone, np.ones(20, dtype=np.bool_), TABLES)
    assert structure.tied == (3, 4)  # the rates; who is at home has one of two values
    assert structure.grouped == [3, 4]
    measures = measure(alone, structure, np.full(len(alone.date_index), -1)).measures
    assert np.isnan(measures["outlier"][:, [3, 4]]).all()
    assert not np.isnan(measures["outlier"][:, 0]).all()


def test_what_a_column_tells_is_not_tied_too() -> None:
    league = make_league(20, sides=8, members=6)
    assert learn_structure(league, np.ones(20, dtype=np.bool_), TABLES).tied == ()


def _make_rest(league: Rows, zeros: Sequence[int] = ()) -> Rows:
    """A league without columns of sides, where one feature is an event's number or its negative."""
    event = league.codes["event"]
    number = np.random.default_rng(0).integers(0, 4, event.max() + 1)[event]
    number[np.isin(league.date_index, zeros)] = 0
    values = league.values.copy()
    values[:, HOME] = np.where(values[:, HOME] == 1, number, -number)
    return replace(league, values=values, carried=league.carried.select("member", "event"))


def test_values_of_sides_are_known_by_the_events_of_which_they_are_two() -> None:
    league = _make_rest(make_league(20, sides=8, members=6), zeros=[17])
    structure = learn_structure(league, np.ones(20, dtype=np.bool_), TABLES)
    assert structure.tied == (3, 4, HOME)
    found = measure(league, structure, np.full(len(league.date_index), -1))
    assert np.isnan(found.measures["group_still"][:, HOME]).all()
    assert not np.isnan(found.measures["group_still"][1:, 0]).all()
    assert (found.counts["zero"][:, HOME] <= 8).all()
    assert found.counts["zero"][17, HOME] == 4  # one value per event
    assert np.isnan(found.measures["spread"][17, HOME])
    lone = replace(league, group=None)
    assert HOME not in learn_structure(lone, np.ones(20, dtype=np.bool_), TABLES).tied


def test_records_of_an_event_may_have_any_of_two_values() -> None:
    league = make_league(20, sides=8, members=6)
    values = league.values.copy()
    values[:, HOME] = np.random.default_rng(0).integers(0, 2, len(values))
    flags = replace(league, values=values, carried=league.carried.select("member", "event"))
    assert HOME not in learn_structure(flags, np.ones(20, dtype=np.bool_), TABLES).tied
