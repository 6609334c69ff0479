"""Which dates can be compared with those before them, against a slow definition."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fsq.diagnosis.calm import Breaks, find_calm

DAILY = Breaks()


@given(
    gaps=st.lists(st.sampled_from([1, 1, 1, 2, 3, 8, 20, 50]), max_size=25),
    starts=st.booleans(),
    shortest=st.sampled_from([None, DAILY.long]),
)
def test_a_break_leaves_its_mark_for_as_long_as_it_lasted(
    gaps: list[int], starts: bool, shortest: int | None
) -> None:
    dates = [date(2026, 1, 1)]
    for gap in gaps:
        dates.append(dates[-1] + timedelta(days=gap))
    breaks = [(dates[0], DAILY.longest)] if starts else []
    found = find_calm(dates, starts, DAILY, shortest)
    for at, day in enumerate(dates):
        if at and gaps[at - 1] >= (shortest or DAILY.short):
            breaks.append((day, min(gaps[at - 1], DAILY.longest)))
        assert found[at] == all((day - begun).days >= length for begun, length in breaks)


def test_no_dates_are_none() -> None:
    assert find_calm([], starts=True, breaks=DAILY).tolist() == []
