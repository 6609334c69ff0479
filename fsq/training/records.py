"""The records that a training set keeps; values are read as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.training.columns import FeatureColumns
from fsq.training.result import Mask

# Records × features that a frame holds at once, when the set is written.
SLICE_CELLS = 66_000_000


@dataclass(frozen=True)
class KeptRecords:
    """The kept records, in order of date and keys.

    Attributes:
        leading: their keys and carried columns.
        label: the label, or no column.
        features: names of the features.
        values: of all records.
        kept: which of them are kept.
    """

    leading: pl.DataFrame
    label: pl.DataFrame
    features: tuple[str, ...]
    values: FeatureColumns = field(repr=False)
    kept: Mask = field(repr=False)

    @property
    def height(self) -> int:
        """How many there are."""
        return self.leading.height

    @property
    def columns(self) -> list[str]:
        """Names, in their order."""
        return [*self.leading.columns, *self.features, *self.label.columns]

    @property
    def others(self) -> pl.DataFrame:
        """The columns that are no features."""
        return self.leading.hstack(self.label)

    @cached_property
    def _positions(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.kept)

    def get_feature(self, name: str, chosen: slice = slice(None)) -> pl.Series:
        """A feature's values; NULL where one is absent or masked."""
        values = self.values.get(self.features.index(name))
        return pl.Series(name, values[self._positions[chosen]], nan_to_null=True)

    def make_frame(self, chosen: slice = slice(None)) -> pl.DataFrame:
        """Some of them, or all, as a frame."""
        features = [self.get_feature(name, chosen) for name in self.features]
        return self.leading[chosen].hstack([*features, *self.label[chosen]])

    def iterate_frames(self) -> Iterator[pl.DataFrame]:
        """All of them, as frames that fit into memory; there is one at least, maybe empty."""
        size = max(1, SLICE_CELLS // max(1, len(self.features)))
        for start in range(0, max(self.height, 1), size):
            yield self.make_frame(slice(start, start + size))
