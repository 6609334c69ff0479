"""What each date is compared with, and sums per date, against slow definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from fsq.profile.limits import take_trailing
from tests.support.small_league import make_league


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, 2.5, np.nan])), max_size=50))
def test_the_clean_dates_just_before_are_what_a_date_is_compared_with(
    days: list[tuple[bool, float]],
) -> None:
    measures = np.array([[v] for _, v in days]).reshape(-1, 1)
    clean = np.array([[ok] for ok, _ in days], dtype=np.bool_).reshape(-1, 1)
    found = take_trailing(measures, clean)
    for at in range(len(days)):
        before = [v for ok, v in days[:at] if ok and not np.isnan(v)][-14:]
        if len(before) < 5:
            assert np.isnan(found[at, 0])
        else:
            assert found[at, 0] == np.median(before)


def test_records_are_summed_by_date_in_any_order() -> None:
    rows = make_league(dates=7)
    mixed = np.random.default_rng(0).permutation(len(rows.date_index))
    shuffled = replace(rows, date_index=rows.date_index[mixed], values=rows.values[mixed])
    expected = [rows.values[rows.date_index == at].sum(axis=0) for at in range(7)]
    for given_rows in (rows, shuffled):
        np.testing.assert_allclose(given_rows.sum_per_date(given_rows.values), expected)
    later = replace(
        rows, date_index=rows.date_index + 1, dates=pl.concat([rows.dates, rows.dates[-1:]])
    )
    assert later.sum_per_date(np.ones((len(later.date_index), 1)))[:2, 0].tolist() == [0, 96]
