"""A measure of one feature on a date and its usual range, in units that people read."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date

import numpy as np

from fsq.profile.evidence import ONE_SIDED
from fsq.profile.judgement import Judgement
from fsq.profile.model import Profile
from fsq.profile.rows import Mask, Matrix

_SHOWN_DATES = 14
# What each metric measures, in words, and whether it is a share of the values.
_SHARES = {
    "absent": "share of defaults",
    "zero": "share of zeros",
    "spike": "rise in the share of one value",
    "still": "share unchanged since the previous record",
    "returned": "share back at an earlier value",
    "table_absent": "share with no value from the whole table",
    "group_absent": "share in groups without a value",
    "group_same": "share in groups with a single value",
    "group_still": "share in groups that did not move",
    "copied": "share in copies of the previous record",
    "disagree": "share that disagrees with its group",
    "contradict": "share that contradicts another value",
    "leap": "share that leapt since the previous record",
    "jump": "share in records that leapt as a whole",
    "outlier": "share far from what the other features predict",
}
_AMOUNTS = {
    "mean": "mean",
    "spread": "standard deviation",
    "residual_mean": "mean distance from what the other features predict, in usual distances",
    "residual_spread": "spread around what the other features predict, in usual distances",
    "step_mean": "mean step since the previous record, in usual steps",
    "step_size": "mean size of a step since the previous record, in usual steps",
    "extreme": "largest distance from what the other features predict, in limits",
    "leak": "slope on the label",
}
_WORDS = _SHARES | _AMOUNTS
_LOGARITHMS = ("spread", "residual_spread", "extreme")


@dataclass(frozen=True)
class Band:
    """A measure of one feature on a date, and its usual range.

    Attributes:
        metric: its name.
        feature: position of the feature.
        usual: what the date is compared with.
        low: a lower measure is an alarm; None where less is no fault.
        high: a higher measure is an alarm.
        value: the measure of the date.
        dates: the last dates that have a measure, this one included.
        values: their measures.
        clean_dates: how many other clean dates the profile knows.
        as_far: how many of them lie at least as far from what they are compared with.
    """

    metric: str
    feature: int
    usual: float
    low: float | None
    high: float
    value: float
    dates: tuple[date, ...]
    values: tuple[float, ...]
    clean_dates: int
    as_far: int

    @property
    def words(self) -> str:
        """What is measured."""
        return _WORDS[self.metric]

    @property
    def is_share(self) -> bool:
        """Whether it is a share, from 0 to 1."""
        return self.metric in _SHARES


def measure_band(judged: Judgement, metric: str, f: int, at: int) -> Band | None:
    """The band of a feature's measure on a date; None where it cannot be judged."""
    limits, column = judged.profile.limits, [f]
    value = judged.evidence.measures[metric][at, f]
    usual, distance = judged.usual[metric][at, f], judged.distances[metric][at, f]
    if np.isnan(distance):
        return None
    counts = judged.evidence.counts[metric][at : at + 1, column]
    width = float(limits.measure_widths(counts, metric, np.array([[usual]]), column)[0, 0])
    reach = limits.alarm[metric] * width
    day = judged.rows.dates[at]
    clean_dates, as_far = _count_as_far(judged.profile, metric, f, float(distance), day)
    dates, values = _trace(judged, metric, f, at)
    low = None if metric in ONE_SIDED else _to_shown(metric, usual - reach)
    return Band(
        metric,
        f,
        _to_shown(metric, usual),
        low,
        _to_shown(metric, usual + reach),
        _to_shown(metric, value),
        dates,
        tuple(_to_shown(metric, v) for v in values),
        clean_dates,
        as_far,
    )


def _count_as_far(
    profile: Profile, metric: str, f: int, distance: float, besides: date
) -> tuple[int, int]:
    """How many clean dates a profile knows besides one, and how many of them lie as far."""
    clean: Mask = profile.clean.copy()
    at = bisect_left(profile.dates, besides)
    if at < len(clean) and profile.dates[at] == besides:
        clean[at] = False
    z = profile.measure_distances(metric, f, clean)[clean]
    size: Matrix = z if metric in ONE_SIDED else np.abs(z)
    far = np.nan_to_num(size, nan=0.0) >= abs(distance)
    return int(clean.sum()), int(far.sum())


def _trace(
    judged: Judgement, metric: str, f: int, at: int
) -> tuple[tuple[date, ...], tuple[float, ...]]:
    """The last dates that have a measure, in the rows or the profile, and their measures."""
    profile, day = judged.profile, judged.rows.dates[at]
    known, here = profile.measures[metric][:, f], judged.evidence.measures[metric][: at + 1, f]
    remembered = [i for i in judged.remembered if profile.dates[i] <= day]
    found = [(profile.dates[i], float(known[i])) for i in remembered if not np.isnan(known[i])]
    latest = np.flatnonzero(~np.isnan(here))[-_SHOWN_DATES:].tolist()
    found += [(judged.rows.dates[i], float(here[i])) for i in latest]
    dates, values = zip(*sorted(found)[-_SHOWN_DATES:], strict=True)
    return dates, values


def _to_shown(metric: str, measure: float) -> float:
    """A measure as people read it: neither a logarithm nor a share beyond its bounds."""
    if metric in _SHARES:
        return min(max(float(measure), 0.0), 1.0)
    if metric in _LOGARITHMS:
        return float(np.exp(measure))
    return float(np.expm1(measure)) if metric == "step_size" else float(measure)
