"""The first days after a gap between seasons, where nothing else says that windows are empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from fsq.contract.rules import DiagnosisRules


def find_season_starts(
    dates: Sequence[date], known: Iterable[date], rules: DiagnosisRules
) -> list[date | None]:
    """The first date of the season of each date that follows it by a few days.

    Args:
        dates: those to tell, in order.
        known: further dates on which there are rows.
        rules: how long a gap between seasons is, and how long a start lasts.

    Returns:
        Per date the first one of its season; None if no gap is seen before that, or if it is too
        long ago.

    >>> days = [date(2023, 4, 9), date(2023, 10, 24), date(2023, 10, 30), date(2023, 12, 1)]
    >>> [d and str(d) for d in find_season_starts(days, [], DiagnosisRules())]
    [None, '2023-10-24', '2023-10-24', None]
    """
    every = sorted({*dates, *known})
    longest, days = rules.history_max_age_days, rules.season_start_days
    firsts = [b for a, b in pairwise(every) if (b - a).days > longest]
    return [max((f for f in firsts if 0 <= (d - f).days < days), default=None) for d in dates]
