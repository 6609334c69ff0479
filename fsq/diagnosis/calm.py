"""How far a date can be compared with those before it: hardly, after a break."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from fsq.profile.rows import Mask

SHORT_BREAK = 3  # days without rows that leave their mark
LONG_BREAK = 14  # after so many, records do not go on where they were
LONGEST_BREAK = 30  # days after which the longest break is forgotten


def find_calm(dates: Sequence[date], starts: bool, shortest: int = SHORT_BREAK) -> Mask:
    """Dates that no break precedes by less than its own length.

    Args:
        dates: in order.
        starts: whether the first of them follows a long break.
        shortest: days of a break that counts.

    >>> days = [date(2026, 1, d) for d in (1, 2, 20, 21)] + [date(2026, 2, 8)]
    >>> find_calm(days, starts=False).tolist()
    [True, True, False, False, False]
    """
    numbers = np.array([day.toordinal() for day in dates], dtype=np.int64)
    gaps = np.diff(numbers, prepend=numbers[:1])
    if starts:
        gaps[:1] = LONGEST_BREAK
    until = np.where(gaps >= shortest, numbers + np.minimum(gaps, LONGEST_BREAK), 0)
    return np.asarray(numbers >= np.maximum.accumulate(until))
