"""Values that suddenly take a larger share of a date's rows than they used to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsq.profile.rows import Codes, Mask, Matrix, Rows

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
    common = {f: found for f in range(width) if (found := _find_common(rows, f)) is not None}
    if not common:
        return hits, rise
    # The tables side by side: a median of many columns takes as long as that of one.
    tables = np.hstack([c.shares for c in common.values()])
    gains = tables - _take_trailing_medians(tables)
    ends = np.cumsum([c.shares.shape[1] for c in common.values()])
    for (f, c), end in zip(common.items(), ends, strict=True):
        gain = gains[:, end - c.shares.shape[1] : end]
        if not gain.shape[1]:
            rise[:, f] = np.where(c.total > 0, 0.0, np.nan)
            continue
        best = gain.argmax(axis=1)
        rise[:, f] = np.where(c.total > 0, gain[np.arange(dates), best], np.nan)
        hits[c.known, f] = c.place == best[rows.date_index[c.known]]
    return hits, rise


@dataclass(frozen=True)
class _Common:
    """The values of a feature that are common on some date.

    Attributes:
        known: positions of the records that have a value.
        place: of each of their values among the common ones; -1 for the others.
        shares: of each date's values: dates × common values.
        total: values of each date.
    """

    known: Codes
    place: Codes
    shares: Matrix
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
    shares = np.zeros((dates, len(common)))
    shares[pair[kept] // len(distinct), place[pair[kept] % len(distinct)]] = share[kept]
    return _Common(known, place[code], shares, total)


def _take_trailing_medians(table: Matrix) -> Matrix:
    out = np.zeros_like(table)
    for at in range(1, min(_HISTORY, len(table))):
        out[at] = np.median(table[:at], axis=0)
    if len(table) > _HISTORY:
        windows = np.lib.stride_tricks.sliding_window_view(table[:-1], _HISTORY, axis=0)
        out[_HISTORY:] = np.median(windows, axis=2)
    return out
