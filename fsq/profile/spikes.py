"""Values that suddenly take a larger share of a date's rows than they used to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsq.profile.rows import Codes, Mask, Matrix, Rows

_HISTORY = 14  # dates before, which say how common a value is
_DATES_AT_ONCE = 64
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
        common = _find_common(rows, f)
        if common is None:
            continue
        gain, best = _find_largest_gains(common, dates)
        rise[:, f] = np.where(common.total > 0, gain, np.nan)
        hits[common.known, f] = common.place == best[rows.date_index[common.known]]
    return hits, rise


@dataclass(frozen=True)
class _Common:
    """The values of a feature that are common on some date.

    Attributes:
        known: positions of the records that have a value.
        place: of each of their values among the common ones; -1 for the others.
        count: how many common values there are.
        day: of each date and common value that occurs on it, in order.
        value: the common value.
        share: of that date's values.
        total: values of each date.
    """

    known: Codes
    place: Codes
    count: int
    day: Codes
    value: Codes
    share: Matrix
    total: Codes


def _find_common(rows: Rows, f: int) -> _Common | None:
    """The common values of a feature; None if it has no values."""
    dates = len(rows.dates)
    known = np.flatnonzero(~np.isnan(rows.values[:, f]))
    if not known.size:
        return None
    distinct, code = np.unique(rows.values[known, f], return_inverse=True)
    day = rows.date_index[known]
    total = np.bincount(day, minlength=dates)
    pair, counts = np.unique(day * len(distinct) + code, return_counts=True)
    share = counts / total[pair // len(distinct)]
    common = np.unique((pair % len(distinct))[share >= _MIN_SHARE])
    place = np.full(len(distinct), -1)
    place[common] = np.arange(len(common))
    kept = place[pair % len(distinct)] >= 0
    return _Common(
        known,
        place[code],
        len(common),
        pair[kept] // len(distinct),
        place[pair[kept] % len(distinct)],
        share[kept],
        total,
    )


def _find_largest_gains(common: _Common, dates: int) -> tuple[Matrix, Codes]:
    """Per date, the largest rise of a common value's share over its usual one, and which it is.

    A few dates at a time, and only the values that occur near them: a table of all dates and
    values would have billions of cells where each date has its own values.
    """
    gain, best = np.zeros(dates), np.full(dates, -2)  # no value has this place
    if not common.count:
        return gain, best
    for start in range(0, dates, _DATES_AT_ONCE):
        end, first = min(start + _DATES_AT_ONCE, dates), max(start - _HISTORY, 0)
        low, high = np.searchsorted(common.day, (first, end))
        near = np.unique(common.value[low:high])
        column = np.searchsorted(near, common.value[low:high])
        table = np.zeros((end - first, len(near)))
        table[common.day[low:high] - first, column] = common.share[low:high]
        if len(near) < common.count:  # the others are not there, nor were they: one stands for all
            absent = _find_first_absent(near)
            at = np.searchsorted(near, absent)
            near, table = np.insert(near, at, absent), np.insert(table, at, 0.0, axis=1)
        gains = (table - _take_trailing_medians(table, whole=first == 0))[start - first :]
        place = gains.argmax(axis=1)
        gain[start:end] = gains[np.arange(end - start), place]
        best[start:end] = near[place]
    return gain, best


def _find_first_absent(present: Codes) -> int:
    """The least number from 0 on that is not among these, which are in order.

    >>> _find_first_absent(np.array([0, 1, 3]))
    2
    """
    gaps = np.flatnonzero(present != np.arange(len(present)))
    return int(gaps[0]) if gaps.size else len(present)


def _take_trailing_medians(table: Matrix, *, whole: bool) -> Matrix:
    """The median of the dates before each, 0 without any.

    Args:
        table: shares, dates × values; most are 0.
        whole: whether no date comes before the first; else the first ones are only history.
    """
    out = np.zeros_like(table)
    if whole:
        for at in range(1, min(_HISTORY, len(table))):
            out[at] = np.median(table[:at], axis=0)
    if len(table) <= _HISTORY:
        return out
    windows = np.lib.stride_tricks.sliding_window_view(table[:-1], _HISTORY, axis=0)
    counts = np.cumsum(np.vstack([np.zeros(table.shape[1], np.int64), table[:-1] > 0]), axis=0)
    # The median of a window that is mostly 0 is 0, too.
    telling = (counts[_HISTORY:] - counts[:-_HISTORY]) >= _HISTORY // 2
    out[_HISTORY:][telling] = np.median(windows[telling], axis=1)
    return out
