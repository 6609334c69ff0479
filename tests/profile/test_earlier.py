"""Values of earlier dates, put in order once, are what the dates themselves would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsq.profile.earlier import lies_on, order_values

_VALUES = st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, 0.0, 0.5, 2.0, 30.0])
_RECORDS = st.lists(st.tuples(_VALUES, st.integers(0, 5)), min_size=1, max_size=40)


@given(_RECORDS, st.integers(1, 5), st.floats(0, 1))
def test_quantiles_are_those_of_the_dates_before(
    records: list[tuple[float, int]], at: int, share: float
) -> None:
    values, day = np.array([v for v, _ in records]), np.array([d for _, d in records])
    past = values[(day < at) & ~np.isnan(values)]
    earlier = order_values(values, day, 6)
    assert earlier.before[at] == len(past)
    if len(past):
        (found,) = earlier.take_quantiles(at, [share])
        assert found == np.quantile(past, share)


@given(_RECORDS, st.integers(1, 5), st.sampled_from([1.0, 0.5, 0.1, 10.0]))
def test_shares_on_a_grid_are_those_of_the_dates_before(
    records: list[tuple[float, int]], at: int, grid: float
) -> None:
    values, day = np.array([v for v, _ in records]), np.array([d for _, d in records])
    past = values[(day < at) & ~np.isnan(values)]
    if len(past):
        share = order_values(values, day, 6).measure_on_grid(at, grid)
        assert share == pytest.approx(lies_on(past, grid).mean(), abs=1e-12)
