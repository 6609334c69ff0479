"""Values that suddenly take a larger share of a date's rows than they used to."""

from __future__ import annotations

import numpy as np

from fsq.profile.rows import Mask, Matrix, Rows

_HISTORY = 14  # dates before, which say how common a value is
_MIN_SHARE = 0.02  # of a date's values; rarer ones are no spike


def find_spikes(rows: Rows) -> tuple[Mask, Matrix]:
    """The value of each date and feature whose share rose most, over the dates before.

    Returns:
        The records that hold that value, records × features, and the rise of its share, dates ×
        features; NaN where there are no values.
    """
    dates, width = len(rows.dates), len(rows.names)
    hits = np.zeros(rows.values.shape, dtype=np.bool_)
    rise = np.full((dates, width), np.nan)
    for f in range(width):
        known = np.flatnonzero(~np.isnan(rows.values[:, f]))
        if not known.size:
            continue
        distinct, code = np.unique(rows.values[known, f], return_inverse=True)
        day = rows.date_index[known]
        total = np.bincount(day, minlength=dates)
        pair, counts = np.unique(day * len(distinct) + code, return_counts=True)
        share = counts / total[pair // len(distinct)]
        common = np.unique((pair % len(distinct))[share >= _MIN_SHARE])
        if not common.size:
            rise[:, f] = np.where(total > 0, 0.0, np.nan)
            continue
        table = np.zeros((dates, len(common)))
        place = np.full(len(distinct), -1)
        place[common] = np.arange(len(common))
        kept = place[pair % len(distinct)] >= 0
        table[pair[kept] // len(distinct), place[pair[kept] % len(distinct)]] = share[kept]
        gain = table - _take_trailing_medians(table)
        best = gain.argmax(axis=1)
        rise[:, f] = np.where(total > 0, gain[np.arange(dates), best], np.nan)
        hits[known, f] = place[code] == best[day]
    return hits, rise


def _take_trailing_medians(table: Matrix) -> Matrix:
    out = np.zeros_like(table)
    for at in range(len(table)):
        before = table[max(0, at - _HISTORY) : at]
        if len(before):
            out[at] = np.median(before, axis=0)
    return out
