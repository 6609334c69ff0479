"""Ranges: natural ones for shares, percentages and counts; others from quantiles, outward."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass

import numpy as np

from fsq.contract.drafting.statistics import FeatureStatistics

_SHARE = re.compile(r"(^|_)(rate|share|ratio|pct|percent|prob|probability|fraction|frac)(_|$)")
_PERCENT = re.compile(r"(^|_)(pct|percent|percentage|humidity)(_|$)")
_CALENDAR = {  # the last token of a name, or the last but one
    "hour": (0, 23, "an hour of the day"),
    "month": (1, 12, "a month"),
    "weekday": (0, 7, "a day of the week"),
    "dow": (0, 7, "a day of the week"),
}
_MARGIN = 0.25  # of the width between the 1 % and 99 % quantiles, beyond the data on either side
_ENOUGH_DATES = 90  # where values follow the date: the margin is the width, more with fewer dates
_MOST_MARGIN = 3.0
_MANY = 300  # distinct values, of which 1 % of the rows seldom have the same one
_FAR = 3.0  # times that width: so far outside, a value may be wrong


@dataclass(frozen=True, slots=True)
class Range:
    """A range, and what it was read from."""

    low: float
    high: float
    reason: str
    warning: str = ""


def draft_range(s: FeatureStatistics, extremes: tuple[float, float]) -> Range:
    """The range of a feature; every value of the data lies inside.

    Args:
        s: statistics of its values, without defaults.
        extremes: the smallest and largest value, including those labelled as defaults.
    """
    found, (low, high) = _find_range(s), extremes
    if found.low <= low and high <= found.high:
        return found
    odd = low if low < found.low else high
    warning = f"{odd:g} is labelled as a default: better NULL, so that the range can be narrower"
    return Range(min(low, found.low), max(high, found.high), found.reason, warning)


def _find_range(s: FeatureStatistics) -> Range:
    if s.low >= 0 and s.high <= 1:
        if s.whole:
            return Range(0, 1, "0 or 1 in every row")
        if _SHARE.search(s.name):
            return Range(0, 1, f"a share: {s.low:g} to {s.high:g}")
    if s.low >= 0 and s.high <= 100 and _PERCENT.search(s.name):
        return Range(0, 100, f"a percentage: {s.low:g} to {s.high:g}")
    for token in s.name.split("_")[-2:]:
        low, high, what = _CALENDAR.get(token, (1, 0, ""))
        if s.whole and low <= s.low and s.high <= high:
            return Range(low, high, f"{what}: {s.low:g} to {s.high:g}")
    return _from_quantiles(s)


def _from_quantiles(s: FeatureStatistics) -> Range:
    _, q01, _, q99, _ = s.quantiles
    width = (q99 / 2 - q01 / 2) * 2  # halves, since the difference of two floats may overflow
    width = width if math.isfinite(width) else sys.float_info.max
    dates = int(np.count_nonzero(~np.isnan(s.daily.mean)))
    dated = min(_MOST_MARGIN, max(1.0, _ENOUGH_DATES / max(1, dates)))
    share = dated if s.follows_date else _MARGIN
    margin = share * width or max(abs(s.low), abs(s.high)) * _MARGIN or 1.0
    low, high = s.low - margin, s.high + margin
    if not s.whole and s.distinct >= _MANY:  # many values at the very edge were clipped there
        low, high = (s.low if q01 == s.low else low), (s.high if q99 == s.high else high)
    low = max(low, 0.0) if s.low >= 0 else low
    high = min(high, 0.0) if s.high <= 0 else high
    step = 10.0 ** math.floor(math.log10(max(margin, sys.float_info.min)))
    what = "counts" if s.whole and s.low >= 0 else "values"
    reason = f"{what} from {s.low:g} to {s.high:g}, 98 % of them {q01:g} to {q99:g}"
    low = low if low == s.low else round_down(low, step)
    high = high if high == s.high else round_up(high, step)
    return Range(low, high, reason, _find_outlier(s, width))


def _find_outlier(s: FeatureStatistics, width: float) -> str:
    low, _, _, _, high = s.quantiles
    if width > 0 and s.high - high > _FAR * width:
        return f"{s.high:g} is far above the 99.9 % quantile, {high:g}: is it real?"
    if width > 0 and low - s.low > _FAR * width:
        return f"{s.low:g} is far below the 0.1 % quantile, {low:g}: is it real?"
    return "it follows the date: what about other seasons?" if s.follows_date else ""


def round_down(value: float, step: float) -> float:
    """The largest multiple of a step that is not above a value.

    >>> round_down(-17.2, 10), round_down(0.37, 0.1)
    (-20.0, 0.3)
    """
    return 0.0 - round_up(-value, step)


def round_up(value: float, step: float) -> float:
    """The smallest multiple of a step that is not below a value; the value, if steps are too fine.

    >>> round_up(17.2, 10), round_up(0.31, 0.1)
    (20.0, 0.4)
    """
    most = sys.float_info.max
    if abs(value) >= most / 2 or abs(value) >= step * 1e12:
        return max(-most, min(most, value))
    count = math.ceil(value / step)
    rounded = float(f"{count * step:.12g}")
    return rounded if rounded >= value else float(f"{(count + 1) * step:.12g}")
