"""Which features are at fault, where one wrong feature makes others look wrong too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsq.profile import Judgement
from fsq.profile.limits import take_deviation, take_middle
from fsq.profile.rows import Mask, Matrix

_FROM_OTHERS = ("residual_mean", "residual_spread", "outlier", "extreme")
_OF_TABLE = "jump"
_MAX_SUSPECTS = 6
_MAX_CANDIDATES = 4


@dataclass(frozen=True)
class Blame:
    """A feature that is at fault on a date.

    Attributes:
        feature: its position.
        metrics: how strong each of its alarms is, the strongest first.
        named: the records that show it; None if only the date as a whole does.
    """

    feature: int
    metrics: dict[str, float]
    named: Mask | None

    @property
    def strength(self) -> float:
        """Of its strongest alarm."""
        return next(iter(self.metrics.values()))


def find_blame(
    judged: Judgement, strength: dict[str, Matrix], at: int, explained: Sequence[int] = ()
) -> list[Blame]:
    """The features at fault on a date, each with its alarms, less those explained already.

    A feature whose own values are normal, but that the others no longer explain, is at fault only
    if that is still so without those at fault.
    """
    alarms = {m: s[at] for m, s in strength.items() if (s[at] > 1).any()}
    if not alarms:
        return []
    own = _find_own(judged, alarms)
    suspects = _find_suspects(judged, alarms, at, sorted({*own, *explained}))
    out = []
    for f in sorted(set(suspects) - set(explained)):
        metrics = {m: float(s[f]) for m, s in alarms.items() if s[f] > 1}
        if metrics:
            ranked = dict(sorted(metrics.items(), key=lambda item: -item[1]))
            out.append(Blame(int(f), ranked, _find_named(judged, ranked, int(f), at)))
    return out


def _find_own(judged: Judgement, alarms: dict[str, Matrix]) -> list[int]:
    """Features whose own values are wrong, whatever the others say.

    A record jumps with its whole table: a feature of it that shows more than that is at fault.
    """
    clear = {
        int(f)
        for m, s in alarms.items()
        if m not in _FROM_OTHERS and m != _OF_TABLE
        for f in np.flatnonzero(s > 1)
    }
    jumping = (
        {int(f) for f in np.flatnonzero(alarms[_OF_TABLE] > 1)} if _OF_TABLE in alarms else set()
    )
    for features in judged.profile.structure.tables:
        if clear & set(features):
            jumping -= set(features)
    return sorted(clear | jumping)


def _find_named(judged: Judgement, metrics: dict[str, float], f: int, at: int) -> Mask | None:
    """The records of a date that show the alarms of a feature."""
    here = judged.rows.find_records(at)
    hits = [judged.evidence.hits[m][here, f] for m in metrics if m in judged.evidence.hits]
    if not hits or not (found := np.any(hits, axis=0)).any():
        return None
    named: Mask = np.zeros(len(judged.rows.date_index), dtype=np.bool_)
    named[here[found]] = True
    return named


def _find_suspects(
    judged: Judgement, alarms: dict[str, Matrix], at: int, own: list[int]
) -> list[int]:
    others = {m: s for m, s in alarms.items() if m in _FROM_OTHERS}
    if not others or judged.profile.structure.regressions is None:
        return own
    suspects = list(own)
    (left,) = _measure_left(judged, at, [suspects], others)
    while left.max(initial=0.0) > 1 and len(suspects) < len(own) + _MAX_SUSPECTS:
        # One fault hits one table: a feature beside a suspect is the likelier one.
        beside = [
            f for fs in judged.profile.structure.tables if set(fs) & set(suspects) for f in fs
        ]
        ranked = sorted(np.flatnonzero(left > 1), key=lambda c: (c not in beside, -left[c]))
        candidates = [int(c) for c in ranked[:_MAX_CANDIDATES]]
        tried = _measure_left(judged, at, [[*suspects, c] for c in candidates], others)
        best = min(range(len(tried)), key=lambda i: np.maximum(tried[i] - 1, 0.0).sum())
        suspects.append(candidates[best])
        left = tried[best]
    return suspects


def _measure_left(
    judged: Judgement, at: int, suspects: list[list[int]], others: dict[str, Matrix]
) -> list[Matrix]:
    """How strong the alarms of the other features are when suspects explain nothing.

    Args:
        judged: how far each date lies from what is normal.
        at: position of the date.
        suspects: each time some features; where there are none, alarms stay as they are.
        others: how strong each feature's alarms are, per metric.
    """
    strongest: Matrix = np.max(list(others.values()), axis=0)
    # What is no alarm now does not become one.
    features = np.flatnonzero(strongest > 1).tolist()
    if not all(suspects) or not features:
        return [strongest.copy() for _ in suspects]
    measured = judged.measure_without(suspects, features)
    return [
        _weigh_left(judged, at, chosen, features, measures, others)
        for chosen, measures in zip(suspects, measured, strict=True)
    ]


def _weigh_left(
    judged: Judgement,
    at: int,
    suspects: list[int],
    features: list[int],
    measures: dict[str, Matrix],
    others: dict[str, Matrix],
) -> Matrix:
    limits, out = judged.profile.limits, np.zeros(judged.rows.values.shape[1])
    for metric, alarm in others.items():
        now, past = measures[metric][at], measures[metric][:at]
        # Less is explained without the suspects: the dates before say what is usual then.
        center, spread = take_middle(past), take_deviation(past)
        scale = np.maximum(limits.scales[metric][features], spread)
        z = np.abs(now - center) / scale / limits.alarm[metric]
        left = np.minimum(np.nan_to_num(z), alarm[features])
        out[features] = np.maximum(out[features], left)
    out[suspects] = 0.0
    return out
