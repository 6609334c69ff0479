"""The dates as matrices, and which of them a date is compared with."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.profile.rows import Codes, Matrix


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
    _left_out: frozenset[date] = field(default=frozenset(), init=False, repr=False)
    _histories: dict[int, Codes] = field(default_factory=dict, init=False, repr=False)
    # What is computed from the history, and again once that changes.
    _of_history: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def dates(self) -> list[date]:
        """Every date read, in order."""
        return self.days[self.contract.table.date].to_list()

    @cached_property
    def _kept(self) -> list[int]:
        """Positions of the dates that are history of later ones."""
        return [at for at, day in enumerate(self.dates) if day not in self._left_out]

    @cached_property
    def _ages(self) -> list[int]:
        """Each date as a number of days, less the dates before it that are left out."""
        left_out = np.cumsum([0, *(d in self._left_out for d in self.dates)])
        days = [d.toordinal() for d in self.dates]
        return [day - int(n) for day, n in zip(days, left_out[:-1], strict=True)]

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
        self._histories.clear()
        for name in ("_kept", "_ages"):
            self.__dict__.pop(name, None)
        for name in self._of_history:
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
        history = self.list_history(at)
        enough = len(history) >= self.contract.diagnosis.history_min_days
        return history if enough else None

    def list_history(self, at: int) -> Codes:
        """Positions of the last earlier dates of the same season that are not left out, in order.

        A date that is left out does not make those before it older: a fault that lasts is held
        against what was before it.
        """
        if at not in self._histories:
            rules = self.contract.diagnosis
            first = bisect_left(self._ages, self._ages[at] - rules.history_max_age_days, 0, at)
            end = bisect_left(self._kept, at)
            start = max(bisect_left(self._kept, first), end - rules.history_days)
            self._histories[at] = np.array(self._kept[start:end], dtype=np.int64)
        return self._histories[at]

    def compute_median_before(self, values: Matrix, at: int) -> Matrix | None:
        """The earlier dates' median of each column; None without enough history."""
        history = self.find_history(at)
        if history is None:
            return None
        earlier = np.where(np.isnan(values[history]), np.inf, values[history])
        middle = np.sort(earlier, axis=0)[(earlier.shape[0] - 1) // 2]
        return np.where(np.isinf(middle), np.nan, middle)
