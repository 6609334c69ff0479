"""Steps towards the label, against a least-squares fit of each date by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fsq.profile.leaks import measure_leaks
from fsq.profile.rows import Matrix, Rows
from tests.support.small_league import make_league

FORM, LONG_FORM, EFFORT, AT_HOME = 0, 1, 2, 5
DATES = 4


@pytest.fixture(scope="module")
def league() -> Rows:
    return make_league(dates=DATES, sides=4, members=8)


def _make_step(league: Rows, spread: float = 1.0) -> Matrix:
    """Steps that go with the label, unknown for some records."""
    rng = np.random.default_rng(0)
    label = league.carried["label"].to_numpy()
    step = rng.normal(0, spread, league.values.shape)
    step[:, FORM] += 0.2 * label
    step[:, LONG_FORM] -= 0.1 * label
    step[rng.random(step.shape) < 0.1] = np.nan
    step[:, AT_HOME] = 0.0
    step[np.flatnonzero(league.date_index == 1)[19:], EFFORT] = np.nan  # leaves 19 at most
    return step


@pytest.fixture(scope="module")
def step(league: Rows) -> Matrix:
    return _make_step(league)


def _fit(step: Matrix, label: Matrix, before: Matrix) -> tuple[float, float]:
    """The slope on the label beside the previous value, and one over its squared error."""
    known = ~np.isnan(step) & ~np.isnan(label)
    x = np.column_stack([label[known], before[known], np.ones(known.sum())])
    found, *_ = np.linalg.lstsq(x, step[known])
    left = ((step[known] - x @ found) ** 2).sum() / (known.sum() - 3)
    return float(found[0]), float(1 / (left * np.linalg.inv(x.T @ x)[0, 0]))


@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
def test_the_slope_is_that_of_a_fit(league: Rows, spread: float) -> None:
    step = _make_step(league, spread)
    unknown = np.arange(league.carried.height) % 11 == 0
    label = league.carried["label"].scatter(np.flatnonzero(unknown), np.nan)
    rows = replace(league, carried=league.carried.with_columns(label))
    slope, precision = measure_leaks(rows, "label", step)
    for at in range(DATES):
        for f in (FORM, LONG_FORM, EFFORT):
            here = league.date_index == at
            if (at, f) == (1, EFFORT):
                assert np.isnan(slope[at, f])
                continue
            want, sure = _fit(
                step[here, f], label.to_numpy()[here], league.values[here, f] - step[here, f]
            )
            assert slope[at, f] == pytest.approx(want, rel=1e-6, abs=1e-9)
            assert precision[at, f] == pytest.approx(sure, rel=1e-6)


def test_what_never_moves_has_no_slope_to_speak_of(league: Rows, step: Matrix) -> None:
    slope, precision = measure_leaks(league, "label", step)
    assert (precision[:, AT_HOME] == 0).all()
    assert set(np.nan_to_num(slope[:, AT_HOME])) == {0.0}
    assert (precision[:, FORM] > 0).all()


def test_twenty_records_are_enough(league: Rows, step: Matrix) -> None:
    few = step.copy()
    known = np.flatnonzero((league.date_index == 0) & ~np.isnan(step[:, FORM]))
    few[known[20:], FORM] = np.nan
    assert np.isfinite(measure_leaks(league, "label", few)[0][0, FORM])
    few[known[19:], FORM] = np.nan
    assert np.isnan(measure_leaks(league, "label", few)[0][0, FORM])


@pytest.mark.parametrize("label", [None, "not carried"])
def test_without_a_label_nothing_leaks(league: Rows, step: Matrix, label: str | None) -> None:
    slope, precision = measure_leaks(league, label, step)
    assert np.isnan(slope).all()
    assert not precision.any()


def test_one_label_for_all_says_nothing(league: Rows, step: Matrix) -> None:
    same = league.carried.with_columns(label=pl.lit(0.0))
    slope, precision = measure_leaks(replace(league, carried=same), "label", step)
    assert np.isnan(slope).all()
    assert not precision.any()
