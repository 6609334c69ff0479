"""Values that suddenly take a larger share of a date's rows than they used to."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        day: of each date and common value that occurs on it, by value and date.
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

    def choose(self, first: int, end: int) -> _Common:
        """Those of some dates."""
        kept = (self.day >= first) & (self.day < end)
        return replace(self, day=self.day[kept], value=self.value[kept], share=self.share[kept])


def _find_common(rows: Rows, f: int) -> _Common | None:
    """The common values of a feature; None if it has no values."""
    values, every = rows.values[:, f], rows.by_date
    known = every[~np.isnan(values[every])]
    if not known.size:
        return None
    dates = len(rows.dates)
    total = np.bincount(rows.date_index[known], minlength=dates)
    distinct = np.unique(values[known])
    # Numbers are put in order ten times as fast as their positions.
    code = np.searchsorted(distinct, values[known])
    cells, count = np.unique(code * dates + rows.date_index[known], return_counts=True)
    value, day = np.divmod(cells, dates)
    share = count / total[day]
    is_common = np.zeros(len(distinct), dtype=np.bool_)
    is_common[value[share >= _MIN_SHARE]] = True
    place = np.where(is_common, np.cumsum(is_common) - 1, -1)
    kept = is_common[value]
    most = int(is_common.sum())
    return _Common(known, place[code], most, day[kept], place[value[kept]], share[kept], total)


def _find_largest_gains(common: _Common, dates: int) -> tuple[Matrix, Codes]:
    """Per date, the largest rise of a common value's share over its usual one, and which it is.

    Among equal ones it is the first value. One that is not there has no rise, so it is looked for
    only on dates on which no value that is there rises.
    """
    gain, best = np.zeros(dates), np.full(dates, -2)  # no value has this place
    if not common.count:
        return gain, best
    rise = common.share - _take_usual_shares(common)
    highest = np.full(dates, -np.inf)
    np.maximum.at(highest, common.day, rise)
    top = np.flatnonzero(rise == highest[common.day])[::-1]
    gain[common.day[top]], best[common.day[top]] = rise[top], common.value[top]
    still = np.flatnonzero((highest <= 0) & (common.total > 0))
    for at in np.unique(still // _DATES_AT_ONCE):
        start, end = at * _DATES_AT_ONCE, min((at + 1) * _DATES_AT_ONCE, dates)
        gain[start:end], best[start:end] = _compare_all(common, start, end)
    return gain, best


def _take_usual_shares(common: _Common) -> Matrix:
    """The median share on the dates before, for each date and value that occurs on it."""
    out = np.zeros(len(common.share))
    length = np.minimum(common.day, _HISTORY)  # of the dates before
    back = np.arange(1, _HISTORY + 1)
    # The median of a window that is mostly 0 is 0, too: so many dates before must have the value.
    least = np.maximum(length // 2, 1)
    place = np.arange(len(out)) - least
    earliest = np.maximum(place, 0)
    near = common.day - common.day[earliest] <= length
    telling = (length > 0) & (place >= 0) & (common.value[earliest] == common.value) & near
    for size in np.unique(length[telling]):
        here = np.flatnonzero(telling & (length == size))
        place = here[:, None] - back[:size]
        before = np.maximum(place, 0)
        inside = (place >= 0) & (common.value[before] == common.value[here][:, None])
        inside &= common.day[here][:, None] - common.day[before] <= size
        out[here] = _take_medians(np.where(inside, common.share[before], 0.0), axis=1)
    return out


def _compare_all(common: _Common, start: int, end: int) -> tuple[Matrix, Codes]:
    """The same of a few dates in a row, compared with values that are not there, too.

    Only the values that occur near them count: a table of all dates and values would have billions
    of cells where each date has its own values.
    """
    first = max(start - _HISTORY, 0)
    here = common.choose(first, end)
    near, column = np.unique(here.value, return_inverse=True)
    table = np.zeros((end - first, len(near)))
    table[here.day - first, column] = here.share
    if len(near) < common.count:  # the others are not there, nor were they: one stands for all
        absent = _find_first_absent(near)
        at = np.searchsorted(near, absent)
        near, table = np.insert(near, at, absent), np.insert(table, at, 0.0, axis=1)
    gains = (table - _take_trailing_medians(table, whole=first == 0))[start - first :]
    place = gains.argmax(axis=1)
    return gains[np.arange(end - start), place], near[place]


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
            out[at] = _take_medians(table[:at], axis=0)
    if len(table) <= _HISTORY:
        return out
    windows = np.lib.stride_tricks.sliding_window_view(table[:-1], _HISTORY, axis=0)
    counts = np.cumsum(np.vstack([np.zeros(table.shape[1], np.int64), table[:-1] > 0]), axis=0)
    # The median of a window that is mostly 0 is 0, too.
    telling = (counts[_HISTORY:] - counts[:-_HISTORY]) >= _HISTORY // 2
    out[_HISTORY:][telling] = _take_medians(windows[telling], axis=1)
    return out


def _take_medians(shares: Matrix, *, axis: int) -> Matrix:
    """The medians along an axis of known values: of few, NumPy's looks at NaN first for longer."""
    ordered, count = np.sort(shares, axis=axis), shares.shape[axis]
    low, high = (ordered.take(at, axis=axis) for at in ((count - 1) // 2, count // 2))
    return np.asarray((low + high) / 2)
