"""How far is far: scales and limits that clean history gives, and what a fault in it does not."""

from __future__ import annotations

import numpy as np
import pytest

from fsq.profile.evidence import METRICS
from fsq.profile.limits import Limits, learn_limits
from fsq.profile.rows import Matrix

DATES, VALUES = 400, 100
BUDGET = 0.02  # false alarms per date


def _learn(metric: str, history: Matrix, budget: float = BUDGET) -> Limits:
    """Limits of one feature whose history of a metric is given; all else stands still."""
    column = np.asarray(history, dtype=np.float64)[:, None]
    measures = {m: np.zeros_like(column) for m in METRICS} | {metric: column}
    counts = {m: np.full_like(column, VALUES) for m in METRICS}
    return learn_limits(measures, counts, np.ones(len(column), dtype=np.bool_), budget)


def _measure_width(limits: Limits, metric: str, values: int, center: float = 0.0) -> float:
    counts, centers = np.array([[values]]), np.array([[center]])
    return float(limits.measure_widths(counts, metric, centers)[0, 0])


def _draw(dates: int = DATES, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).normal(0, 1, dates)


def test_a_scale_is_the_usual_spread() -> None:
    history = 3 + 2 * _draw()
    limits = _learn("leak", history)
    assert limits.centers["leak"][0] == pytest.approx(np.median(history))
    assert limits.scales["leak"][0] == pytest.approx(2, rel=0.15)


def test_a_heavy_tail_widens_the_scale() -> None:
    history = np.random.default_rng(1).standard_t(2, DATES)
    sizes = np.sort(np.abs(history - np.median(history)))
    scale = _learn("leak", history).scales["leak"][0]
    assert scale > 1.1 * 1.4826 * np.median(sizes)
    assert scale == pytest.approx(
        max(np.quantile(sizes[:-2], 0.95) / 1.96, sizes[-3] / 3.5), rel=1e-3
    )


@pytest.mark.parametrize(("faults", "widens"), [(1, False), (2, False), (3, True)])
def test_two_faults_in_the_history_do_not_hide_the_next(faults: int, widens: bool) -> None:
    history = _draw(50)
    sound = _learn("leak", history).scales["leak"][0]
    history[:faults] = 70.0
    scale = _learn("leak", history).scales["leak"][0]
    assert (scale > 70 / 3.6) == widens
    assert (scale < 1.5 * sound) != widens


@pytest.mark.parametrize(
    ("dates", "faults", "widens"),
    [(7, 1, True), (8, 1, False), (15, 1, False), (15, 2, True), (16, 2, False), (16, 3, True)],
)
def test_of_a_short_history_less_is_left_out(dates: int, faults: int, widens: bool) -> None:
    history = np.tile([-1.0, 1.0], dates)[:dates]
    history[:faults] = 1000.0
    assert (_learn("leak", history).scales["leak"][0] > 100) == widens


def test_nothing_stands_out_from_what_clean_dates_do_not_show() -> None:
    limits = _learn("leak", np.full(DATES, np.nan))
    far = limits.scale_distances(np.array([[9.0]]), np.array([[1]]), "leak", np.array([[0.0]]))
    assert abs(far[0, 0]) < 1e-20


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_chance_is_no_part_of_the_scale(share: float) -> None:
    """A share of few values varies by itself; a date of more values has less of an excuse."""
    drawn = np.random.default_rng(2).binomial(VALUES, share, DATES) / VALUES
    limits = _learn("jump", drawn)
    assert limits.scales["jump"][0] < 0.4 * np.sqrt(share * (1 - share) / VALUES) + 0.003
    few, many = (_measure_width(limits, "jump", n, share) for n in (VALUES, 100 * VALUES))
    by_chance = (share * (1 - share) + 0.5 / VALUES) / VALUES
    assert few == pytest.approx(np.hypot(limits.scales["jump"][0], np.sqrt(by_chance)))
    assert many < 0.5 * few


def test_spreads_of_few_values_vary_by_chance() -> None:
    limits = _learn("spread", np.zeros(DATES))
    for values in (2, 3, 33):
        width = np.hypot(0.03 * np.sqrt(VALUES / values), np.sqrt(0.5 / (values - 1)))
        assert _measure_width(limits, "spread", values) == pytest.approx(width)
    assert np.isfinite(_measure_width(limits, "spread", 1))


def test_dates_of_fewer_values_than_usual_spread_further() -> None:
    limits = _learn("leak", _draw())
    usual = _measure_width(limits, "leak", VALUES)
    assert _measure_width(limits, "leak", VALUES // 4) == pytest.approx(2 * usual)
    assert _measure_width(limits, "leak", 4 * VALUES) == pytest.approx(usual)


def test_means_that_agree_exactly_still_have_a_scale() -> None:
    """Of the spread within a date, which is measured as a logarithm."""
    spread = np.full((DATES, 1), np.log(50.0))
    measures = {m: np.zeros((DATES, 1)) for m in METRICS} | {"spread": spread}
    counts = {m: np.full((DATES, 1), VALUES) for m in METRICS}
    limits = learn_limits(measures, counts, np.ones(DATES, dtype=np.bool_), BUDGET)
    assert limits.scales["mean"][0] == pytest.approx(0.03 * 50)


@pytest.mark.parametrize("budget", [1e-7, 1e-9])
def test_the_limit_is_what_the_budget_allows_of_dates_to_exceed(budget: float) -> None:
    """Distances with an exponential tail, whose quantiles are known."""
    rng = np.random.default_rng(5)
    history = rng.exponential(10, 5_000) * rng.choice((-1, 1), 5_000)
    limits = _learn("leak", history, budget)
    quantile = -10 * np.log(budget / len(METRICS)) / limits.scales["leak"][0]
    assert limits.alarm["leak"] == pytest.approx(quantile, rel=0.1)


def test_one_date_that_alarms_does_not_move_the_limit() -> None:
    history = np.random.default_rng(6).standard_t(3, 100)
    usual = _learn("leak", history)
    history[np.argmax(np.abs(history))] *= 1e6
    fault = _learn("leak", history)
    assert fault.alarm["leak"] == pytest.approx(usual.alarm["leak"])
    assert fault.most["leak"] > 1e5 > usual.most["leak"] > 1


@pytest.mark.parametrize(("metric", "least"), [("leap", 5.5), ("leak", 4.8)])
def test_a_short_history_cannot_bring_a_limit_down(metric: str, least: float) -> None:
    for dates in (10, 40, 200):
        assert _learn(metric, np.zeros(dates)).alarm[metric] == pytest.approx(
            least * (1 + 10 / dates)
        )


def test_without_clean_dates_nothing_is_an_alarm() -> None:
    none = _learn("leak", np.zeros(0))
    assert set(none.alarm.values()) == {np.inf}
    assert none.dates == 0


def _learn_some(known: int) -> Limits:
    """Limits of two features: one has a measure on every date, the other on some."""
    history = np.column_stack([_draw(100, seed=1), _draw(100, seed=1)])
    history[known:, 1] = np.nan
    measures = {m: np.zeros_like(history) for m in METRICS} | {"leak": history}
    counts = {m: np.full_like(history, VALUES) for m in METRICS}
    return learn_limits(measures, counts, np.ones(100, dtype=np.bool_), BUDGET)


def test_what_few_dates_show_is_known_less_well() -> None:
    assert _learn_some(4).scales["leak"][1] > 1e20  # nothing stands out
    few, most = _learn_some(10).scales["leak"][1], _learn_some(100).scales["leak"]
    assert most[0] == most[1]
    sizes = np.sort(np.abs(_draw(100, seed=1)[:10] - np.median(_draw(100, seed=1)[:10])))
    assert few > 1.8 * 1.4826 * np.median(sizes)
