"""The dates as matrices, and which of them a date is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.profile.rows import Codes, Mask, Matrix

_CELLS = 2_000_000  # values that are put in order at once


@dataclass
class History:
    """The dates read, and those among them that later ones are compared with.

    Args:
        contract: of the scoring.
        days: ``measure_dates`` of every date read, history included.
        features: ``measure_features`` of the same dates.
    """

    contract: Contract
    days: pl.DataFrame
    features: pl.DataFrame
    _matrices: dict[str, Matrix] = field(default_factory=dict, init=False, repr=False)
    _sums: dict[str, Matrix] = field(default_factory=dict, init=False, repr=False)
    _left_out: frozenset[date] = field(default=frozenset(), init=False, repr=False)
    # What is computed from the history, and again once that changes.
    _of_history: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def dates(self) -> list[date]:
        """Every date read, in order."""
        return self.days[self.contract.table.date].to_list()

    @cached_property
    def _kept(self) -> Codes:
        """Positions of the dates that are history of later ones."""
        return np.flatnonzero([day not in self._left_out for day in self.dates])

    @cached_property
    def _spans(self) -> tuple[Codes, Codes]:
        """Per date, where its history begins among ``_kept``, and where it ends."""
        rules, at = self.contract.diagnosis, np.arange(len(self.dates))
        # Each date as a number of days, less the dates before it that are left out.
        left_out = np.cumsum([0, *(d in self._left_out for d in self.dates)])[:-1]
        ages = np.array([d.toordinal() for d in self.dates], dtype=np.int64) - left_out
        first = np.minimum(np.searchsorted(ages, ages - rules.history_max_age_days), at)
        ends = np.searchsorted(self._kept, at)
        return np.maximum(np.searchsorted(self._kept, first), ends - rules.history_days), ends

    @cached_property
    def has_history(self) -> Mask:
        """Whether the dates that each date is compared with are enough."""
        starts, ends = self._spans
        return np.asarray(ends - starts >= self.contract.diagnosis.history_min_days)

    @cached_property
    def rows(self) -> Matrix:
        """Rows per date."""
        return self.days["rows"].to_numpy().astype(np.float64)

    def get_matrix(self, column: str) -> Matrix:
        """A column of ``measure_features`` as dates × features, not to be changed; NULL is NaN."""
        if column not in self._matrices:
            values = np.asarray(self.features[column].cast(pl.Float64).to_numpy())
            shape = (len(self.dates), len(self.contract.features))
            self._matrices[column] = values.reshape(shape)
        return self._matrices[column]

    def sum_before(self, column: str) -> Matrix:
        """The sums of such a column over all dates before each that are history, as it has."""
        if column not in self._sums:
            kept = np.array([day not in self._left_out for day in self.dates], dtype=np.bool_)
            counted = np.where(kept[:, None], self.get_matrix(column), 0.0)
            self._sums[column] = np.cumsum(counted, axis=0) - counted
        return self._sums[column]

    @property
    def left_out(self) -> frozenset[date]:
        """Dates that are no history of later ones."""
        return self._left_out

    def leave_out(self, dates: Iterable[date]) -> None:
        """Take these dates, and no others, out of the history of later ones."""
        left_out = frozenset(dates)
        if left_out == self._left_out:
            return
        self._left_out = left_out
        self._sums.clear()
        for name in ("_kept", "_spans", "has_history", *self._of_history):
            self.__dict__.pop(name, None)

    def follows_break(self, at: int) -> bool:
        """Whether so long a time without rows came before that everything has changed.

        It counts as long as no date after it is in the history.
        """
        history = self.list_history(at)
        first = int(history[-1]) if len(history) else max(at - 1, 0)
        gaps = np.diff([d.toordinal() for d in self.dates[first : at + 1]])
        return bool((gaps >= self.contract.diagnosis.break_days).any())

    def list_compared(self, at: int) -> Codes:
        """Positions of the dates that a date is compared with; none if they are too few."""
        history = self.find_history(at)
        every = np.arange(len(self.dates))
        return every[:0] if history is None else every[history]

    def find_history(self, at: int) -> Codes | None:
        """Positions of the dates that a date is compared with; None if they are too few."""
        return self.list_history(at) if self.has_history[at] else None

    def list_histories(self) -> Codes:
        """The same of every date, dates × as many as there are at most; -1 for none."""
        starts, ends = (bound[:, None] for bound in self._spans)
        places = starts + np.arange(self.contract.diagnosis.history_days)
        return np.where(places < ends, np.append(self._kept, -1)[np.minimum(places, ends)], -1)

    def list_history(self, at: int) -> Codes:
        """Positions of the last earlier dates of the same season that are not left out, in order.

        A date that is left out does not make those before it older: a fault that lasts is held
        against what was before it.
        """
        starts, ends = self._spans
        return self._kept[starts[at] : ends[at]]

    def compute_median_before(self, values: Matrix, at: int) -> Matrix | None:
        """The earlier dates' median of each column; None without enough history."""
        if not self.has_history[at]:
            return None
        return np.asarray(self.compute_medians_before(values, np.array([at]))[0])

    def compute_medians_before(self, values: Matrix, wanted: Codes | None = None) -> Matrix:
        """The same for several dates at once: dates × columns; NaN without enough history.

        Args:
            values: of every date: dates × columns.
            wanted: positions of the dates; None for all.
        """
        chosen = np.arange(len(self.dates)) if wanted is None else wanted
        out = np.full((len(chosen), values.shape[1]), np.nan)
        enough = np.flatnonzero(self.has_history[chosen])
        per_block = max(1, _CELLS // (self.contract.diagnosis.history_days * values.shape[1] or 1))
        for first in range(0, len(enough), per_block):
            some = enough[first : first + per_block]
            out[some] = self._take_medians(values, chosen[some])
        return out

    def _take_medians(self, values: Matrix, wanted: Codes) -> Matrix:
        """The lower median of each column over the histories of some dates; NaN without values."""
        earlier = self.take_before(values, wanted)
        earlier.sort(axis=1)
        starts, ends = (bound[wanted, None] for bound in self._spans)
        middle = (ends - starts - 1) // 2
        medians = np.take_along_axis(earlier, middle[:, :, None], axis=1)[:, 0]
        return np.where(np.isinf(medians), np.nan, medians)

    def take_before(self, values: Matrix, wanted: Codes) -> Matrix:
        """Values of the dates that some dates are compared with; infinite where there is none.

        Args:
            values: of every date: dates × columns.
            wanted: positions of dates that have enough history.

        Returns:
            The dates wanted × as many earlier dates as there are at most × columns.
        """
        starts, ends = (bound[wanted, None] for bound in self._spans)
        places = starts + np.arange(self.contract.diagnosis.history_days)
        inside = places < ends
        earlier = values[self._kept[np.where(inside, places, 0)]]
        earlier[np.isnan(earlier)] = np.inf
        earlier[~inside] = np.inf
        return earlier

    def count_before(self, met: Mask) -> Codes:
        """On how many of the dates that each date is compared with a condition is met.

        Args:
            met: dates × columns.
        """
        starts, ends = self._spans
        met_before = np.cumsum(
            np.vstack([np.zeros((1, met.shape[1]), np.bool_), met[self._kept]]), axis=0
        )
        found: Codes = met_before[ends] - met_before[starts]
        found[~self.has_history] = 0
        return found
