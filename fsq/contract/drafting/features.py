"""The lines of one feature in a draft."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fsq.contract.drafting.grouping import DraftWindow, Place
from fsq.contract.drafting.ranges import draft_range, round_down
from fsq.contract.drafting.statistics import FeatureStatistics, quantile
from fsq.contract.text import Line

_OPTIONAL_SHARE = 0.2  # so often without a value, a feature is optional;
_OPTIONAL_DAY = 0.4  # or so often on one date in fifty
_FILLING = 14  # dates at the start of the data, on which windows may be empty
_SPIKE = 0.01  # share of one value from which it may be a default,
_SPIKE_RATIO = 3  # if it is so many times as common as the next
_SUSPICIOUS_RATIO = 20  # so many times as common: no real value
_VARIED = 50  # distinct values of a feature that is measured, not counted
_MOST_COMMON = 0.4  # with more rows at one value on ordinary dates, spread says nothing
_STUCK = 0.95  # share of rows at one value that is reported, unless it is normal
_ORDINARY = 0.02  # share of dates that floors leave out as extraordinary
_FLOOR = 0.5  # of what the least of the ordinary dates have
_LEAST_DAYS = 3  # dates from which floors are read
_THIN = 5  # the contract's own threshold of a thin sample


@dataclass(frozen=True, slots=True)
class Where:
    """What is known of a feature besides its values."""

    place: Place
    extremes: tuple[float, float]
    window: DraftWindow | None = None


def draft_feature(s: FeatureStatistics, where: Where, days: Mapping[int, str]) -> list[Line]:
    """The lines of a feature.

    Args:
        s: what the data says of it.
        where: its upstream table, category and window.
        days: the dates as text, by their position in the daily statistics.
    """
    lines = [
        Line("name", s.name, f"{s.values:,} values, {s.distinct:,} of them distinct"),
        Line("category", where.place.category, "as its table; each has a quality of its own"),
        Line("upstream_table", where.place.table, where.place.reason),
    ]
    if where.window is not None:
        lines.append(Line("window", where.window.name, where.window.reason))
    found = draft_range(s, where.extremes)
    lines += [
        Line("min", found.low, found.reason),
        Line("max", found.high, found.warning or "does the unit allow more?"),
    ]
    if where.window is not None and where.window.size is not None and where.window.size < _THIN:
        what = f"the window holds {where.window.size}"
        lines.append(Line("thin_sample", where.window.size, what))
    lines += _draft_default(s)
    lines += _draft_optional(s)
    lines += _draft_floors(s, days)
    return lines


def _draft_default(s: FeatureStatistics) -> Iterator[Line]:
    """A value that is far more common than any other may be what upstream writes when it fails."""
    if s.distinct < 3 or s.mode_count < 10:
        return
    share = s.mode_count / s.values
    if share < _SPIKE or s.mode_count < _SPIKE_RATIO * s.second_count:
        return
    rest = s.second_count / s.values
    what = f"{share:.1%} of the values, the next most common {rest:.2%}: a default?"
    yield Line("expected", s.mode, what)
    measured = s.distinct >= _VARIED and not s.whole and s.low < s.mode < s.high and s.mode != 0
    if measured and s.mode_count >= _SUSPICIOUS_RATIO * s.second_count and share < 0.2:
        yield Line("suspicious_default", True, "hardly a measured value; false if it is one")


def is_optional(s: FeatureStatistics) -> bool:
    """Whether a feature is so often without a value that this must be normal."""
    return s.default_share >= _OPTIONAL_SHARE or _measure_absence(s) >= _OPTIONAL_DAY


def _measure_absence(s: FeatureStatistics) -> float:
    """Share of rows without a value that one date in fifty exceeds; 0 with too few dates."""
    begin = min(_FILLING, len(s.daily.default) // 10)  # windows are still filling
    daily = s.daily.default[begin:]
    return quantile(daily, 1 - _ORDINARY) if len(daily) >= 1 / _ORDINARY else 0.0


def _draft_optional(s: FeatureStatistics) -> Iterator[Line]:
    if is_optional(s):
        what = f"no value in {s.default_share:.1%} of the rows"
        often = f", but on some dates in {_measure_absence(s):.0%}"
        question = ": is that normal?"
        yield Line(
            "optional", True, what + (question if s.default_share >= _OPTIONAL_SHARE else often)
        )


def _draft_floors(s: FeatureStatistics, days: Mapping[int, str]) -> Iterator[Line]:
    """Half the spread that ordinary dates have at least; none where one value prevails."""
    known = int((~np.isnan(s.daily.std)).sum())
    if quantile(s.daily.most_common, 1 - _ORDINARY) >= _MOST_COMMON:
        uniform = int((s.daily.most_common >= _STUCK).sum())
        if uniform >= 2 and s.distinct > 2:
            what = f"one value has nearly all rows on {uniform} of {known} dates: that is normal"
            yield Line("min_distinct", 1, what)
        return
    if known < _LEAST_DAYS:
        return
    std, distinct = quantile(s.daily.std, _ORDINARY), quantile(s.daily.distinct, _ORDINARY)
    if 0 < std < math.inf:
        floor = _round(std * _FLOOR)
        below = [days[i] for i in range(len(s.daily.std)) if s.daily.std[i] < floor]
        odd = f"; {len(below)} under the floor, as {below[0]}" if below else ""
        what = f"half of what 98 % of {known} dates reach, {std:.3g}{odd}"
        yield Line("min_std", floor, what)
        least = math.floor(distinct * _FLOOR)
        if least >= 3:
            what = f"half of what 98 % of the dates reach, {distinct:,.0f} distinct values"
            yield Line("min_distinct", min(least, 1_000_000), what)


def _round(value: float) -> float:
    """A number rounded down to two digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round_down(value, step) if step > 0 else value
