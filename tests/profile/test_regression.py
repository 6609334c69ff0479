"""What the other features tell: solved once for all, and not beyond what was learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from fsq.profile.basis import Basis
from fsq.profile.regression import Regressions, _solve, learn_regressions
from fsq.profile.rows import Codes, Matrix, Rows

DATES, ROWS = 40, 60


def _make_rows(drift: float) -> Rows:
    """``count`` may rise from date to date; ``rate`` and ``rest`` add up to nearly one."""
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(DATES), ROWS)
    count = np.floor(drift * day + rng.random(len(day)))
    rate = rng.uniform(0.2, 0.8, len(day))
    rest = 1 - rate + rng.normal(0, 1e-3, len(day))
    gone = np.where(count == 0, np.nan, 10 + rng.normal(0, 1, len(day)))
    values = np.column_stack([count, rate, rest, gone])
    dates = pl.Series([date(2026, 1, 1) + timedelta(days=d) for d in range(DATES)])
    who = pl.DataFrame({"who": np.tile(np.arange(ROWS), DATES)})
    names = ("count", "rate", "rest", "gone")
    return Rows(names, dates, day, values, np.isnan(values), who, ("who",))


def _learn(rows: Rows, dates: int) -> Regressions:
    learned = learn_regressions(rows, np.arange(DATES) < dates)
    assert learned is not None
    return learned


def _outliers(learned: Regressions, rows: Rows, fold: Codes) -> Matrix:
    """Share of outliers of the last ten dates, per feature."""
    residual = learned.predict_residuals(rows.values, fold)[-10 * ROWS :]
    return np.asarray((np.abs(residual) > learned.outlier).mean(axis=0))


def test_what_a_growing_count_has_come_to_is_no_outlier() -> None:
    rows = _make_rows(drift=0.1)
    learned = _learn(rows, 20)
    assert learned.basis.drifting.tolist() == [1, 0, 0, 0]
    nobody = np.full(len(rows.date_index), -1)
    assert (_outliers(learned, rows, nobody) <= 0.02).all()


def test_a_value_beyond_all_that_was_learned_is_an_outlier_where_nothing_drifts() -> None:
    rows = _make_rows(drift=0.0)
    learned = _learn(rows, 20)
    assert not learned.basis.drifting.any()
    rows.values[-10 * ROWS :, 1] = 3.0
    nobody = np.full(len(rows.date_index), -1)
    assert _outliers(learned, rows, nobody)[1] == 1


@pytest.mark.parametrize(("widths", "drifts"), [(0.55, 0), (0.8, 1), (-0.8, 1)])
def test_a_drift_is_more_than_half_the_spread_within_a_date(widths: float, drifts: int) -> None:
    """From the first fifth of the dates to the last."""
    rows = _make_rows(drift=0.0)
    within = np.linspace(-1, 1, ROWS)
    rise = widths * within.std() * rows.date_index / (DATES - 1)
    rows.values[:, 1] = np.tile(within, DATES) + rise
    assert _learn(rows, DATES).basis.drifting[1] == drifts


def test_what_goes_up_and_down_has_not_drifted_though_it_ends_higher() -> None:
    rows = _make_rows(drift=0.0)
    swing = np.where(np.arange(DATES) % 2, 5.0, -5.0) + 3.0 * (np.arange(DATES) >= 32)
    rows.values[:, 1] += swing[rows.date_index]
    rows.values[:, 2] += 0.5 * rows.date_index  # and this one has
    assert _learn(rows, DATES).basis.drifting.tolist() == [0, 0, 1, 0]


def _solve_each(gram: Matrix, moment: Matrix, basis: Basis, suspects: tuple[int, ...]) -> Matrix:
    """A system per feature."""
    out = np.zeros(moment.shape)
    trusted = ~np.isin(basis.owner, suspects) & (np.diag(gram) > 0)
    for f in range(moment.shape[1]):
        keep = trusted & (basis.owner != f)
        left = gram[np.ix_(keep, keep)] + 1e-3 * gram[0, 0] * np.eye(keep.sum())
        out[keep, f] = np.linalg.solve(left, moment[keep, f])
    return out


@pytest.mark.parametrize("suspects", [(), (1,), (0, 3)])
def test_one_inverse_gives_what_a_system_per_feature_gives(suspects: tuple[int, ...]) -> None:
    learned = _learn(_make_rows(drift=0.1), 30)
    found = _solve(learned.gram, learned.moment, learned.basis, suspects)
    expected = _solve_each(learned.gram, learned.moment, learned.basis, suspects)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(("lacking", "judged"), [(3, True), (4, False)])
def test_a_record_that_lacks_a_fifth_of_its_features_says_too_little(
    lacking: int, judged: bool
) -> None:
    """Of fifteen features that go together, three may be absent."""
    rng = np.random.default_rng(6)
    common = rng.normal(0, 5, DATES * ROWS)
    values = np.column_stack([common + rng.normal(0, 0.5, len(common)) for _ in range(15)])
    rows = replace(
        _make_rows(drift=0.0),
        names=tuple(f"f{i}" for i in range(15)),
        values=values,
        is_default=np.zeros(values.shape, dtype=np.bool_),
    )
    learned = _learn(rows, DATES)
    record = values[:1].copy()
    record[0, 15 - lacking :] = np.nan
    residual = learned.predict_residuals(record, np.array([-1]))
    assert np.isfinite(residual[0, : 15 - lacking]).tolist() == [judged] * (15 - lacking)
