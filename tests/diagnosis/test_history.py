"""Which dates a date is compared with, against a slow definition."""

from __future__ import annotations

from datetime import date, timedelta

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
        for at in range(len(dates)):
            found = history.list_history(at).tolist()
            assert found == list_slowly(dates, chosen, at, contract)


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
