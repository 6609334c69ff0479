"""Single rules of a draft: bounds outward, windows by name, and identities beside copies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsq.contract.drafting.grouping import parse_window
from fsq.contract.drafting.identities import find_identities
from fsq.contract.drafting.ranges import round_down, round_up

ROWS = 400


@given(st.floats(-1e9, 1e9), st.integers(-3, 3))
@example(0.3, -1)
@example(20.0, 1)
@example(-0.7, -1)
def test_bounds_are_rounded_outwards_and_no_further(value: float, power: int) -> None:
    step = 10.0**power
    high, low = round_up(value, step), round_down(value, step)
    assert low <= value <= high
    assert high - value < step * 1.001
    assert value - low < step * 1.001


@pytest.mark.parametrize(
    ("name", "window", "size"),
    [
        ("points_avg_last_10", "last_10", 10),
        ("last_1", "last_1", 1),
        ("last_999999", "last_999999", 999_999),
        ("last_1000000", None, None),  # no window, but some number
        ("points_last_0", None, None),
        ("blast_10", None, None),
        ("points_last_7d", "last_7d", None),
        ("points_last_name", None, None),
    ],
)
def test_windows_are_read_from_names(name: str, window: str | None, size: int | None) -> None:
    found = parse_window(name)
    assert (found and found.name, found and found.size) == (window, size)


def _write(values: pl.DataFrame) -> set[tuple[str, str]]:
    return {(i.left, i.right) for i in find_identities(values)}


def _draw() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {name: rng.normal(20, 5, ROWS) for name in "abcdxyz"}


def test_a_copy_hides_no_other_identity_and_makes_none() -> None:
    drawn = _draw()
    values = pl.DataFrame(
        {
            "a": drawn["a"],
            "copy": drawn["a"],
            "b": drawn["b"],
            "both": drawn["a"] + drawn["b"],
            "x": drawn["x"],
            "y": drawn["y"],
            "area": drawn["x"] * drawn["y"],
        }
    )
    found = _write(values)
    assert len(found) == 3
    assert ("a", "copy") in found
    assert ("area", "x * y") in found
    assert found & {("both", "a + b"), ("both", "copy + b")}


def test_shares_add_up_to_one_or_to_a_hundred() -> None:
    rng = np.random.default_rng(8)
    two, three = rng.uniform(0.2, 0.8, ROWS), rng.dirichlet((4, 4, 4), ROWS) * 100
    values = pl.DataFrame(
        {
            "home": two,
            "away": 1 - two,
            "won": three[:, 0],
            "drawn": three[:, 1],
            "lost": three[:, 2],
        }
    )
    assert _write(values) == {("home + away", "1"), ("won + drawn + lost", "100")}


@pytest.mark.parametrize(("flag", "holds"), [((0, 1), False), ((-1, 0, 1), False), ((0, 2), True)])
def test_a_flag_times_what_is_zero_with_it_is_no_product(
    flag: tuple[int, ...], holds: bool
) -> None:
    drawn = _draw()
    factor = np.random.default_rng(9).choice(flag, ROWS).astype(float)
    values = pl.DataFrame({"n": factor, "size": drawn["a"], "made": factor * drawn["a"]})
    # Two has no other number beside zero, and one number makes no product either.
    assert (("made", "n * size") in _write(values)) == (holds and len(set(flag) - {0}) > 1)


def test_what_holds_in_too_few_rows_is_no_identity() -> None:
    drawn = _draw()
    values = pl.DataFrame({"a": drawn["a"], "b": drawn["b"], "both": drawn["a"] + drawn["b"]})
    assert _write(values) == {("both", "a + b")}
    assert _write(values.with_columns(both=pl.lit(None, pl.Float64))) == set()
    off = values.with_columns(pl.when(pl.int_range(pl.len()) % 5 == 0).then(0.0).otherwise("both"))
    assert _write(off.drop("both").rename({"literal": "both"})) == set()
