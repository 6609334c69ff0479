"""The strip of dates: a row per month, a cell per date."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from fsq.diagnosis import Diagnosis

_MAX_GAP = 45  # days without rows that are drawn; longer breaks only part two rows


def make_strip(dx: Diagnosis) -> list[dict[str, Any]]:
    """Every date by its month, with its verdict and how many findings it has.

    Returns:
        Per month ``name`` and ``cells``: ``date`` and ``verdict`` (None on a day without rows),
        ``findings`` (red and yellow) each.
    """
    counts = Counter(d for f in dx.findings if f.severity != "info" for d in f.dates)
    months = groupby(_fill_gaps(sorted(dx.dates)), key=lambda d: (d.year, d.month))
    return [_make_month(list(days), dx, counts) for _, days in months]


def _make_month(days: list[date], dx: Diagnosis, counts: Counter[date]) -> dict[str, Any]:
    cells = [{"date": d, "verdict": dx.dates.get(d), "findings": counts[d]} for d in days]
    return {"name": f"{days[0]:%b %Y}", "cells": cells}


def _fill_gaps(dates: list[date]) -> list[date]:
    """The dates, and the days between them where these are few.

    >>> _fill_gaps([date(2026, 2, 6), date(2026, 2, 8)])[1]
    datetime.date(2026, 2, 7)
    """
    out = dates[:1]
    for day in dates[1:]:
        gap = (day - out[-1]).days
        if gap <= _MAX_GAP:
            out += [out[-1] + timedelta(days=i) for i in range(1, gap)]
        out.append(day)
    return out
