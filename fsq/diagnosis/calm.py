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
    out = np.ones(len(dates), dtype=np.bool_)
    until = dates[0].toordinal() + LONGEST_BREAK if starts and dates else 0
    for at, day in enumerate(dates):
        number = day.toordinal()
        gap = number - dates[at - 1].toordinal() if at else 0
        if gap >= shortest:
            until = max(until, number + min(gap, LONGEST_BREAK))
        out[at] = number >= until
    return out
