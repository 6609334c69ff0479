"""The records that a training set keeps; values are read as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.training.columns import Column, FeatureColumns
from fsq.training.result import Mask
from fsq.training.rows import SortedRows

# Records × features of as many records as are put in order at once, when the set is written.
SLICE_CELLS = 33_000_000


@dataclass(frozen=True)
class KeptRecords:
    """The kept records, in order of date and keys.

    Attributes:
        rows: keys, label and carried columns of all records.
        leading: names of the keys and of the carried columns.
        label: name of the label, or None.
        features: names of the features.
        values: of all records.
        kept: which of them are kept.
    """

    rows: SortedRows
    leading: tuple[str, ...]
    label: str | None
    features: tuple[str, ...]
    values: FeatureColumns = field(repr=False)
    kept: Mask = field(repr=False)

    @property
    def height(self) -> int:
        """How many there are."""
        return len(self._positions)

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the columns that are no features."""
        return (*self.leading, *(() if self.label is None else (self.label,)))

    @property
    def columns(self) -> list[str]:
        """Names, in their order."""
        return [*self.leading, *self.features, *self.others[len(self.leading) :]]

    @cached_property
    def _positions(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.kept)

    def get_feature(self, name: str, chosen: slice = slice(None)) -> pl.Series:
        """A feature's values; NULL where one is absent or masked."""
        return pl.Series(name, self.get_numbers(name, chosen), nan_to_null=True)

    def get_numbers(self, name: str, chosen: slice = slice(None)) -> Column:
        """The same as numbers; NaN where one is absent or masked."""
        return self.values.get(self.features.index(name), self._positions[chosen])

    def get_other(self, name: str) -> pl.Series:
        """A column that is no feature."""
        return self.rows[name].gather(self._positions)

    def make_frame(self, chosen: slice = slice(None)) -> pl.DataFrame:
        """Some of them, or all, as a frame."""
        others = self.rows.take(self._positions[chosen], self.others)
        return self._join(others, [self.get_feature(name, chosen) for name in self.features])

    def _join(self, others: pl.DataFrame, features: list[pl.Series]) -> pl.DataFrame:
        return others.select(self.leading).hstack(features).hstack(others.drop(self.leading))

    def iterate_frames(self, size: int) -> Iterator[pl.DataFrame]:
        """All of them, as frames of so many at most; there is one at least, maybe empty."""
        if self.height <= size:
            yield self.make_frame()
            return
        slices = list(self._iterate_slices())
        cuts = [
            slice(at, min(at + size, s.stop)) for s in slices for at in range(s.start, s.stop, size)
        ]
        values, done = self.values.cut(len(self.features), self._positions, cuts), 0
        for others in self.iterate_others(self.others):
            for part in others.iter_slices(size):
                features = [
                    pl.Series(name, values.get(at, done), nan_to_null=True)
                    for at, name in enumerate(self.features)
                ]
                yield self._join(part, features)
                done += 1

    def iterate_others(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """The same of columns that are no features."""
        for chosen in self._iterate_slices():
            yield self.rows.take(self._positions[chosen], names)

    def _iterate_slices(self) -> Iterator[slice]:
        size = max(1, SLICE_CELLS // max(1, len(self.features)))
        height = max(self.height, 1)
        return (slice(at, min(at + size, height)) for at in range(0, height, size))
