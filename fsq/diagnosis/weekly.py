"""What is absent on one day of the week: a shop is closed on Sundays, a line stands at weekends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from fsq.profile.rows import Codes, Mask

_WEEKS, _LEAST = 4, 3  # weeks before a date, and how many of them must have rows on its day


def find_same_weekdays(dates: Sequence[date]) -> Codes:
    """Positions of the same day of the week in the weeks before each date; -1 where it has no rows.

    Args:
        dates: in order.

    >>> days = [date(2026, 2, d) for d in (1, 7, 8, 14, 15, 22)]
    >>> find_same_weekdays(days)[-1].tolist()
    [4, 2, 0, -1]
    """
    numbers = np.array([d.toordinal() for d in dates], dtype=np.int64)
    wanted = numbers[:, None] - 7 * np.arange(1, _WEEKS + 1)
    places = np.minimum(np.searchsorted(numbers, wanted), max(len(numbers) - 1, 0))
    return np.where(numbers[places] == wanted, places, -1) if len(numbers) else places


def find_days_off(at: int, weekdays: Codes, find: Callable[[int], Mask]) -> Mask | None:
    """What has no rows on this day of the week, as a habit, but has on most others.

    What is absent on every day is none of it: a fault that lasts is no habit.

    Args:
        at: position of the date.
        weekdays: ``find_same_weekdays`` of all dates.
        find: what has rows on the date at a position.

    Returns:
        None if the weeks before are too few.
    """
    same = [d for d in weekdays[at].tolist() if d >= 0]
    if len(same) < _LEAST:
        return None
    others = [find(d) for d in range(min(same), at) if d not in same]
    if not others:
        return None
    usually = np.sum(others, axis=0, dtype=np.int64) > len(others) / 2
    return np.asarray(usually & ~np.any([find(d) for d in same], axis=0))
