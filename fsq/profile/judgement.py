"""How far dates lie from what a profile knows, and how strong each alarm is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fsq.profile.evidence import (
    METRICS,
    OF_RECORDS,
    OF_TABLES,
    ONE_SIDED,
    UNSETTLED,
    measure,
    measure_residuals,
)
from fsq.profile.measures import Evidence
from fsq.profile.model import Profile
from fsq.profile.moves import Moves, find_moves
from fsq.profile.regression import find_lacking
from fsq.profile.rows import Codes, Mask, Matrix, Rows

_AFTER_BREAK = 0.5  # what evidence counts there
_LEVELS = ("mean", "spread", "zero")  # tell whether a break has moved a feature


@dataclass(frozen=True)
class Judgement:
    """How far the dates to check lie from what is normal.

    Attributes:
        profile: what is normal.
        rows: those of the dates to check, and of dates before them.
        evidence: of the rows.
        distances: per metric, dates of the rows × features, in scales; NaN where unknown.
        usual: per metric, what each measure is compared with.
    """

    profile: Profile
    rows: Rows
    evidence: Evidence
    distances: Mapping[str, Matrix]
    usual: Mapping[str, Matrix]

    @cached_property
    def remembered(self) -> list[int]:
        """Positions of the profile's dates that are none of the rows'."""
        return _list_remembered(self.profile, self.rows)

    @property
    def moves(self) -> Moves:
        """How the records follow those before them."""
        return self.evidence.moves or find_moves(self.rows, self.profile.structure.carriers)

    def measure_without(
        self, suspects: Sequence[Sequence[int]], features: Sequence[int]
    ) -> list[dict[str, Matrix]]:
        """What residuals show of each date where suspects explain nothing; see ``evidence``.

        A fault that lasts has the same suspects on all its dates, so that is kept.

        Args:
            suspects: each time some features.
            features: those whose residuals are asked for.

        Returns:
            For each of the suspects, per metric: dates × the features asked for.
        """
        known, keys = self.evidence.without, [tuple(s) for s in suspects]
        lacking = [k for k in keys if any((*k, f) not in known for f in features)]
        for key, measures in zip(lacking, self._measure_without(lacking, features), strict=True):
            for column, f in enumerate(features):
                known[*key, f] = {m: v[:, column] for m, v in measures.items()}
        metrics = ("residual_mean", "residual_spread", "outlier", "extreme")
        return [
            {m: np.column_stack([known[*k, f][m] for f in features]) for m in metrics} for k in keys
        ]

    def _measure_without(
        self, suspects: Sequence[tuple[int, ...]], features: Sequence[int]
    ) -> list[dict[str, Matrix]]:
        learned, rows, of = self.profile.structure.regressions, self.rows, list(features)
        if learned is None:
            raise ValueError("nothing explains the features of this profile")
        if not suspects:
            return []
        groupings = [g.choose(of) for g in self.profile.structure.groupings]
        beyond = learned.find_beyond(rows.values, find_lacking(rows))
        return [
            measure_residuals(
                rows,
                residual,
                learned.outlier[of],
                learned.find_extrapolated(beyond, left_out, of),
                groupings,
            )
            for left_out, residual in zip(
                suspects, learned.predict_without(rows.values, suspects, of), strict=True
            )
        ]

    def measure_strength(
        self, calm: Mask, following: Mask | None = None, wanted: Codes | None = None
    ) -> dict[str, Matrix]:
        """How strong each alarm is, per metric: dates × features; an alarm is above 1.

        Args:
            calm: dates of the rows that can be compared with those before. Of the others only
                what needs no comparison is judged.
            following: dates whose records go on where those before them were. Where they are not
                calm, records are compared all the same, by features whose level has not moved:
                a week without games empties a window of seven days, but changes no average. Such
                evidence weighs half: after a week everybody may be at full rest.
            wanted: positions of the dates that are asked for, in order; None for all.
        """
        at = np.arange(len(calm)) if wanted is None else wanted
        every = {m: self._scale_strength(m, at) for m in self.distances}
        settled = np.broadcast_to(calm[at, None], (len(at), len(self.profile.names)))
        weights = dict.fromkeys(every, settled.astype(np.float64))
        weights |= dict.fromkeys(UNSETTLED, np.ones(settled.shape))
        if following is not None:
            moved = np.any([every[m] > 1 for m in _LEVELS], axis=0)
            weights |= dict.fromkeys(OF_RECORDS, _weigh(settled, following[at], moved))
            for features in map(list, self.profile.structure.tables):
                moved[:, features] = moved[:, features].any(axis=1, keepdims=True)
            weights |= dict.fromkeys(OF_TABLES, _weigh(settled, following[at], moved))
        return {m: weights[m] * s for m, s in every.items()}

    def _scale_strength(self, metric: str, at: Codes) -> Matrix:
        z = self.distances[metric][at]
        size = np.nan_to_num(z if metric in ONE_SIDED else np.abs(z), nan=0.0)
        return np.asarray(np.maximum(size / self.profile.limits.alarm[metric], 0.0))


def _list_remembered(profile: Profile, rows: Rows) -> list[int]:
    here = set(rows.dates.to_list())
    return [i for i, d in enumerate(profile.dates) if d not in here]


def _weigh(settled: Mask, following: Mask, moved: Mask) -> Matrix:
    """How much evidence counts: dates × features."""
    return np.asarray(np.where(settled, 1.0, _AFTER_BREAK * (following[:, None] & ~moved)))


def measure_dates(profile: Profile, rows: Rows) -> Evidence:
    """What the rows show, under the structure of a profile."""
    return measure(rows, profile.structure, profile.assign_folds(rows))


def judge(
    profile: Profile,
    rows: Rows,
    not_history: Mask,
    evidence: Evidence | None = None,
    wanted: Codes | None = None,
    known: Judgement | None = None,
) -> Judgement:
    """Compare the dates of some rows with the clean dates that the profile or the rows hold.

    Args:
        profile: what is normal.
        rows: of the dates to check, and of those before them.
        not_history: what later dates are not compared with: dates × features.
        evidence: ``measure_dates`` of the rows, if it is known.
        wanted: positions of the dates to judge, in order; None for all. The others' distances from
            the dates before them stay NaN, or what is known.
        known: of the same rows: what it says of the dates to judge is replaced in place.
    """
    evidence = measure_dates(profile, rows) if evidence is None else evidence
    here, remembered = rows.dates.to_list(), _list_remembered(profile, rows)
    every = np.array([*(profile.dates[i] for i in remembered), *here], dtype="datetime64[D]")
    order = np.argsort(every, kind="stable")
    judged = np.arange(len(here)) if wanted is None else wanted
    place = np.argsort(order)[len(remembered) :][judged]
    past = np.broadcast_to(profile.clean[remembered][:, None], (len(remembered), len(rows.names)))
    clean = np.r_[past, ~not_history][order]
    distances = {} if known is None else dict(known.distances)
    usual = {} if known is None else dict(known.usual)
    for metric in METRICS:
        measures, counts = evidence.measures[metric], evidence.counts[metric]
        values = np.concatenate([profile.measures[metric][remembered], measures])[order]
        center = profile.limits.find_centers(values, metric, clean, at=place)
        for whole in (distances, usual):
            whole.setdefault(metric, np.full(measures.shape, np.nan))
        usual[metric][judged] = center
        distances[metric][judged] = profile.limits.scale_distances(
            measures[judged], counts[judged], metric, center
        )
    return Judgement(profile, rows, evidence, distances, usual)
