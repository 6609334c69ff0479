"""How far a date can be compared with those before it: hardly, after a break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from fsq.contract.rules import DiagnosisRules
from fsq.profile.rows import Mask

_DAILY = DiagnosisRules().break_days  # of a table with a date for each day


@dataclass(frozen=True)
class Breaks:
    """Days without rows, for a table with a date for each day unless stated otherwise.

    Attributes:
        short: that leave their mark.
        long: after so many, records do not go on where they were.
        longest: after so many, the longest break is forgotten.
    """

    short: int = 3
    long: int = 14
    longest: int = 30

    @classmethod
    def of(cls, rules: DiagnosisRules) -> Breaks:
        """Those of a table whose dates may lie weeks apart.

        >>> Breaks.of(DiagnosisRules()), Breaks.of(DiagnosisRules(break_days=35))
        (Breaks(short=3, long=14, longest=30), Breaks(short=21, long=98, longest=210))
        """
        daily, times = cls(), max(1.0, rules.break_days / _DAILY)
        return cls(
            round(daily.short * times), round(daily.long * times), round(daily.longest * times)
        )


def find_calm(
    dates: Sequence[date], starts: bool, breaks: Breaks, shortest: int | None = None
) -> Mask:
    """Dates that no break precedes by less than its own length.

    Args:
        dates: in order.
        starts: whether the first of them follows a long break.
        breaks: how long they are.
        shortest: days of a break that counts; None for those of a short one.

    >>> days = [date(2026, 1, d) for d in (1, 2, 20, 21)] + [date(2026, 2, 8)]
    >>> find_calm(days, starts=False, breaks=Breaks()).tolist()
    [True, True, False, False, False]
    """
    least = breaks.short if shortest is None else shortest
    numbers = np.array([day.toordinal() for day in dates], dtype=np.int64)
    gaps = np.diff(numbers, prepend=numbers[:1])
    if starts:
        gaps[:1] = breaks.longest
    until = np.where(gaps >= least, numbers + np.minimum(gaps, breaks.longest), 0)
    return np.asarray(numbers >= np.maximum.accumulate(until))
