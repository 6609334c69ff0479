"""A profile: what normally holds in a store, learned from its clean dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from fsq.profile.evidence import METRICS, RARE, measure
from fsq.profile.limits import Limits, learn_limits
from fsq.profile.regression import assign_folds
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.sentences import describe
from fsq.profile.structure import Structure, learn_structure
from fsq.utils.display import Column, Display

MIN_DATES = 10  # with fewer clean dates nothing is learned
_BUDGET = 0.02  # false alarms per date


@dataclass(frozen=True, repr=False)
class Profile:
    """What was learned of the rows of one contract.

    Attributes:
        contract: name of the contract.
        version_hash: of the contract.
        names: of the features.
        structure: what holds between values.
        limits: how far dates lie apart, and from where on that is an alarm.
        dates: those that were measured, in order.
        clean: which of them were learned from.
        measures: per metric, dates × features.
        counts: per metric, the number of values behind each measure.
        pinned: whether it stays as it is until you learn another one.
    """

    contract: str
    version_hash: str
    names: tuple[str, ...]
    structure: Structure
    limits: Limits
    dates: tuple[date, ...]
    clean: Mask
    measures: Mapping[str, Matrix]
    counts: Mapping[str, Matrix]
    pinned: bool = False
    _distances: dict[tuple[str, int], Matrix] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def clean_dates(self) -> tuple[date, ...]:
        """The dates that it was learned from."""
        return tuple(d for d, ok in zip(self.dates, self.clean, strict=True) if ok)

    def describe(self) -> list[str]:
        """What normally holds, one sentence each, the strictest first."""
        return describe(self.names, self.structure)

    def compare(self, other: Profile) -> list[str]:
        """What holds in one of the two: lines that begin with ``-`` (this one) or ``+``."""
        before, after = self.describe(), other.describe()
        gone = [f"- {s}" for s in before if s not in set(after)]
        return gone + [f"+ {s}" for s in after if s not in set(before)]

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {s}" for s in self.describe())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sentences = [(sentence,) for sentence in self.describe()]
        return Display(self.headline, (Column("what normally holds"),), sentences).to_html()

    @property
    def headline(self) -> str:
        """What it was learned from, in one line."""
        dates = self.clean_dates
        span = f", {dates[0]} to {dates[-1]}" if dates else ""
        pinned = ", pinned" if self.pinned else ""
        count = f"{len(dates):,} clean dates of {len(self.dates):,}"
        return f"Profile of {self.contract}: {count}{span}{pinned}"

    def measure_distances(self, metric: str, f: int, clean: Mask) -> Matrix:
        """How far a feature lies, on each of its dates, from the clean ones it is compared with.

        Args:
            metric: what is measured.
            f: position of the feature.
            clean: dates that count: those that were learned from, or fewer.
        """
        # Only what is compared with the dates just before depends on which of them count.
        common = metric in RARE or bool((clean == self.clean).all())
        if common and (metric, f) in self._distances:
            return self._distances[metric, f]
        measures, counts = self.measures[metric][:, [f]], self.counts[metric][:, [f]]
        center = self.limits.find_centers(measures, metric, clean[:, None], [f])
        found = self.limits.scale_distances(measures, counts, metric, center, [f])[:, 0]
        if common:
            self._distances[metric, f] = found
        return found

    def assign_folds(self, rows: Rows) -> Codes:
        """The fold without which each record is judged; -1 for dates not learned from."""
        folds = dict(zip(self.dates, assign_folds(len(self.dates)), strict=True))
        learned = {d: int(folds[d]) for d in self.clean_dates}
        per_date = np.array([learned.get(d, -1) for d in rows.dates.to_list()], dtype=np.int64)
        return per_date[rows.date_index] if len(per_date) else rows.date_index

    def recalibrate(self, clean: Mask, calm: Mask, budget: float = _BUDGET) -> Profile:
        """The same structure, with limits of other dates; see ``learn``."""
        if clean.sum() < MIN_DATES:
            return self
        limits = learn_limits(self.measures, self.counts, _prefer_calm(clean, calm), budget)
        return replace(self, clean=clean, limits=limits)


def learn(
    rows: Rows,
    clean: Mask,
    calm: Mask,
    tables: Sequence[Sequence[int]],
    contract: str,
    version_hash: str,
    budget: float = _BUDGET,
) -> Profile | None:
    """Learn from the clean dates of the rows; None if they are too few.

    Args:
        rows: of any dates, with all that is to be remembered.
        clean: dates without known faults, which the structure is learned from.
        calm: those of them that are no season's start and follow no break: limits come from them.
        tables: positions of the features of each upstream table.
        contract: name of the contract.
        version_hash: of the contract.
        budget: false alarms per date.
    """
    if clean.sum() < MIN_DATES:
        return None
    structure = learn_structure(rows, clean, tables)
    folds = np.where(clean, assign_folds(len(rows.dates)), -1)[rows.date_index]
    evidence = measure(rows, structure, folds)
    limits = learn_limits(evidence.measures, evidence.counts, _prefer_calm(clean, calm), budget)
    return Profile(
        contract,
        version_hash,
        rows.names,
        structure,
        limits,
        tuple(rows.dates.to_list()),
        clean,
        {m: evidence.measures[m] for m in METRICS},
        {m: evidence.counts[m] for m in METRICS},
    )


def _prefer_calm(clean: Mask, calm: Mask) -> Mask:
    """The clean dates that are calm, or all clean ones if those are too few."""
    both = clean & calm
    return both if both.sum() >= MIN_DATES else clean
