"""Figures of each date, against numpy's of its values alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fsq.profile.measures import Evidence, add_moments, add_share
from fsq.profile.rows import Matrix, Rows
from tests.support.small_league import make_league

FORM, LONG_FORM, EFFORT = 0, 1, 2
DATES = 5


@pytest.fixture
def league() -> Rows:
    league = make_league(dates=DATES, sides=2, members=4)
    values = league.values.copy()
    values[league.date_index == 1, FORM] = np.nan
    values[np.flatnonzero(league.date_index == 2)[1:], FORM] = np.nan  # leaves one
    values[np.flatnonzero(league.date_index == 3)[2:], FORM] = np.nan  # leaves two
    values[league.date_index == 4, LONG_FORM] = 7.0
    values[:, EFFORT] = 7.0
    return replace(league, values=values)


def _measure_moments(rows: Rows) -> tuple[Matrix, Matrix, Matrix]:
    out = Evidence()
    add_moments(out, rows, rows.values, "mean", "spread")
    assert (out.counts["mean"] == out.counts["spread"]).all()
    return out.measures["mean"], out.measures["spread"], out.counts["mean"]


def test_moments_are_those_of_the_known_values_of_each_date(league: Rows) -> None:
    mean, spread, count = _measure_moments(league)
    for at in range(DATES):
        for f in (FORM, LONG_FORM):
            values = league.values[league.date_index == at, f]
            known = values[~np.isnan(values)]
            assert count[at, f] == len(known)
            assert np.isnan(mean[at, f]) == (not len(known))
            assert np.isnan(spread[at, f]) == (len(known) < 2)
            if len(known):
                assert mean[at, f] == pytest.approx(known.mean())
            if len(known) > 1 and np.ptp(known):
                assert np.exp(spread[at, f]) == pytest.approx(known.std(ddof=1))


def test_one_value_spreads_a_thousandth_of_the_usual(league: Rows) -> None:
    _, spread, _ = _measure_moments(league)
    usual = np.median(np.exp(spread[:4, LONG_FORM]))
    assert np.exp(spread[4, LONG_FORM]) == pytest.approx(usual / 1000)
    assert np.exp(spread[:, EFFORT]) == pytest.approx(1e-9)


def test_shares_are_of_what_was_judged(league: Rows) -> None:
    out = Evidence()
    judged = ~np.isnan(league.values)
    hits = league.values > np.nanmedian(league.values)
    hits[np.isnan(league.values)] = True
    add_share(out, league, "high", hits, judged)
    assert (out.hits["high"] == hits & judged).all()
    for at, f in np.ndindex(DATES, league.values.shape[1]):
        here = judged[league.date_index == at, f]
        assert out.counts["high"][at, f] == here.sum()
        expected = hits[league.date_index == at, f][here].mean() if here.any() else np.nan
        assert out.measures["high"][at, f] == pytest.approx(expected, nan_ok=True)
