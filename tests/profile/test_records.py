"""Records that moved too far, not at all, or back to where they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from fsq.profile.records import find_back, find_copied, find_jumps
from fsq.profile.rows import Rows
from fsq.profile.steps import ENTITY, measure_jumps
from fsq.profile.structure import Structure, learn_structure
from tests.support.small_league import TABLES, make_league


@pytest.fixture(scope="module")
def structure() -> Structure:
    return learn_structure(make_league(), np.ones(40, dtype=np.bool_), TABLES)


def _follow_entities(structure: Structure, features: int, own: int) -> Structure:
    """As many features, the first of which follow the entity and the others its side."""
    names = (ENTITY,) * own + ("side",) * (features - own)
    return replace(structure, carriers=replace(structure.carriers, names=names))


@pytest.mark.parametrize(
    ("features", "moved", "unknown", "copied"),
    [
        (10, 0, 0, True),
        (10, 1, 0, False),
        (40, 1, 0, True),  # of forty, one may have moved
        (40, 2, 0, False),
        (10, 0, 5, True),
        (10, 0, 6, False),  # of most features nothing is known
        (4, 0, 0, False),  # four are few to stand still by chance
    ],
)
def test_a_copy_has_many_features_nearly_none_of_which_moved(
    structure: Structure, features: int, moved: int, unknown: int, copied: bool
) -> None:
    step = np.zeros((2, features))
    step[0, :moved] = 0.5
    step[0, features - unknown :] = np.nan
    step[1] = 1.0  # another record that moved
    found = find_copied(step, _follow_entities(structure, features, features))
    assert (found[0] == (copied & ~np.isnan(step[0]))).all()
    assert not found[1].any()


def test_a_copy_is_one_of_the_same_entity(structure: Structure) -> None:
    of_sides = _follow_entities(structure, 10, 4)
    new = np.where(np.arange(10) < 4, np.nan, 0.0)[None]
    assert find_copied(np.zeros((1, 10)), of_sides).all()
    assert not find_copied(new, of_sides).any()


@pytest.mark.parametrize(
    ("history", "returned"),
    [
        ([1, 2, 1], True),
        ([1, 2, 3, 4, 5, 1], True),
        ([1, 2, 3, 4, 5, 6, 1], False),  # too long ago
        ([1, 1, 1], False),  # it never moved
        ([1, 2, 2], False),  # it stands still now
        ([1, 2, 3], False),
        ([2, 1], False),
    ],
)
def test_a_value_that_moved_back_has_returned(history: list[float], returned: bool) -> None:
    """Beside an entity that has held these values all along."""
    count = len(history)
    values = np.array([*history, *history[:-1], 9.0])[:, None]
    day = np.tile(np.arange(count), 2)
    rows = Rows(
        ("form",),
        pl.Series([date(2026, 1, 1) + timedelta(days=d) for d in range(count)]),
        day,
        values,
        np.zeros(values.shape, dtype=np.bool_),
        pl.DataFrame({"who": ["a"] * count + ["b"] * count}),
        ("who",),
    )
    step = np.where(day[:, None] == 0, np.nan, values - np.roll(values, 1, axis=0))
    with np.errstate(invalid="ignore"):
        found = (find_back(rows) & (np.abs(step) > 0))[:, 0]
    assert found[count - 1] == returned
    assert not found[-1]
    assert not found[day < 2].any()


def test_a_jump_is_the_mean_step_over_a_table() -> None:
    step = np.array([[1.0, -3.0, np.nan], [np.nan, 100.0, np.nan], [0.0, 100.0, 2.0]])
    found = measure_jumps(step, ((0, 1), (0, 1, 2)))
    assert found[0].tolist() == [2.0, 2.0]
    assert np.isnan(found[1]).all()  # one feature is no table
    assert found[2] == pytest.approx([10.0, 22 / 3])  # twenty steps are as far as it counts


def test_of_a_table_that_jumped_what_moved_is_marked(structure: Structure) -> None:
    jumped = replace(structure, tables=((0, 1, 2), (3, 4)), jumps=np.array([3.0, 3.0]))
    step = np.array([[9.0, -9.0, 1.9, 1.0, 1.0], [2.0, 2.0, 2.0, 9.0, -9.0]])
    found = find_jumps(step, jumped)
    assert found.tolist() == [[True, True, False, False, False], [False, False, False, True, True]]
