"""Which dates a date is compared with, against a slow definition."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from fsq.contract import Contract
from fsq.diagnosis.history import History
from tests.support.frames import CONTRACT

DAY = st.tuples(st.sampled_from([1, 1, 1, 2, 5]), st.booleans())
STEPS = st.lists(DAY, min_size=1, max_size=40)


def make_contract(max_age: int, days: int) -> Contract:
    rules = CONTRACT.diagnosis.model_copy(
        update={"history_max_age_days": max_age, "history_days": days}
    )
    return CONTRACT.model_copy(update={"diagnosis": rules})


def list_slowly(dates: list[date], left_out: set[date], at: int, contract: Contract) -> list[int]:
    """Back from a date, until it is too long ago; what is left out makes the rest no older."""
    rules, found = contract.diagnosis, list[int]()
    oldest = rules.history_max_age_days
    for position in range(at - 1, -1, -1):
        if (dates[at] - dates[position]).days > oldest or len(found) == rules.history_days:
            break
        if dates[position] in left_out:
            oldest += 1
        else:
            found.append(position)
    return found[::-1]


@given(steps=STEPS, max_age=st.integers(1, 20), days=st.integers(1, 8))
def test_the_history_is_that_of_the_slow_definition(
    steps: list[tuple[int, bool]], max_age: int, days: int
) -> None:
    contract, dates = make_contract(max_age, days), list[date]()
    for step, _ in steps:
        dates.append((dates[-1] if dates else date(2026, 1, 1)) + timedelta(days=step))
    left_out = {d for d, (_, out) in zip(dates, steps, strict=True) if out}
    measured = pl.DataFrame({contract.table.date: dates})
    history = History(contract, measured, measured)
    for chosen in (set[date](), left_out):
        history.leave_out(chosen)
        every = history.list_histories()
        for at in range(len(dates)):
            found = history.list_history(at).tolist()
            assert found == list_slowly(dates, chosen, at, contract)
            assert every[at].tolist() == found + [-1] * (days - len(found))


@given(steps=STEPS, days=st.integers(3, 8), seed=st.integers(0, 9))
def test_what_was_usual_is_that_of_each_date_by_itself(
    steps: list[tuple[int, bool]], days: int, seed: int
) -> None:
    contract, dates = make_contract(20, days), list[date]()
    for step, _ in steps:
        dates.append((dates[-1] if dates else date(2026, 1, 1)) + timedelta(days=step))
    measured = pl.DataFrame({contract.table.date: dates})
    history = History(contract, measured, measured)
    history.leave_out({d for d, (_, out) in zip(dates, steps, strict=True) if out})
    chance = np.random.default_rng(seed)
    values = chance.integers(0, 5, (len(dates), 3)).astype(np.float64)
    values[chance.random(values.shape) < 0.3] = np.nan
    medians, counts = history.compute_medians_before(values), history.count_before(values > 2)
    for at in range(len(dates)):
        before = history.list_history(at)
        if len(before) < contract.diagnosis.history_min_days:
            assert np.isnan(medians[at]).all()
            assert not counts[at].any()
            assert history.compute_median_before(values, at) is None
            continue
        for f in range(3):
            # Of an even number the lower one; an unknown value counts as the largest.
            ordered = sorted(np.nan_to_num(values[before, f], nan=np.inf))
            middle = ordered[(len(ordered) - 1) // 2]
            assert np.isnan(medians[at, f]) if np.isinf(middle) else medians[at, f] == middle
            assert counts[at, f] == sum(v > 2 for v in values[before, f])


@given(left_out=st.lists(st.booleans(), min_size=1, max_size=9))
def test_sums_are_those_of_all_dates_before_that_are_not_left_out(left_out: list[bool]) -> None:
    width = len(CONTRACT.features)
    dates = [date(2026, 1, 1) + timedelta(days=at) for at in range(len(left_out))]
    counts = np.arange(len(dates) * width).reshape(-1, width)
    features = pl.DataFrame({"trusted": counts.reshape(-1)})
    history = History(CONTRACT, pl.DataFrame({CONTRACT.table.date: dates}), features)
    for chosen in ([], [at for at, out in enumerate(left_out) if out]):
        history.leave_out(dates[at] for at in chosen)
        sums = history.sum_before("trusted")
        for at in range(len(dates)):
            before = [i for i in range(at) if i not in chosen]
            assert (sums[at] == counts[before].sum(axis=0)).all()


def test_a_date_follows_a_break_that_came_before_it_until_one_after_it_is_known() -> None:
    contract = make_contract(max_age=400, days=5)
    long = contract.diagnosis.break_days
    steps = [0, 1, 2, 2 + long, 3 + long, 2 + 2 * long]
    dates = [date(2026, 1, 1) + timedelta(days=d) for d in steps]
    measured = pl.DataFrame({contract.table.date: dates})
    history = History(contract, measured, measured)
    follows = [False, False, False, True, False, False]  # the last gap is a day too short
    assert [history.follows_break(at) for at in range(len(dates))] == follows
    history.leave_out({dates[3]})
    follows[4] = True
    assert [history.follows_break(at) for at in range(len(dates))] == follows
