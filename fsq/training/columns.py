"""The values of a training set's features, one feature after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fsq.diagnosis.cells import Cells
from fsq.diagnosis.records import Positions

Column = npt.NDArray[np.float64]
VALUE = "value"
# Sums of products of products of such values are finite; sentinels such as DBL_MAX lie beyond.
_LARGEST = 1e70


def bound(values: Column, out: Column | None = None) -> Column:
    """The values, those too large to be multiplied at the end of what can be; NaN stays.

    Args:
        values: of a column.
        out: the array to write to, which may be that of the values; None for a new one.

    >>> bound(np.array([1.5, -1.7e308, np.nan])).tolist()
    [1.5, -1e+70, nan]
    """
    return np.clip(values, -_LARGEST, _LARGEST, out=out)


class FeatureColumns:
    """Values by feature, in the order of the records; a large set's are kept in a file.

    Args:
        cells: the values, under the name ``VALUE``, as the records were read.
        order: the positions of the records, in the order that is wanted.
        hidden: name of the cells that say which values do not count; None if all do.
        bounded: whether values are to be multiplied, so that none may be too large.

    >>> cells = Cells(2)
    >>> cells.append({VALUE: np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> FeatureColumns(cells, np.array([1, 0], dtype=np.uint32)).get(1).tolist()
    [4.0, 2.0]
    """

    def __init__(
        self,
        cells: Cells,
        order: npt.NDArray[np.uint32],
        hidden: str | None = None,
        *,
        bounded: bool = False,
    ) -> None:
        self._cells, self._order, self._hidden = cells, order, hidden
        self._is_bounded = bounded

    def get(self, feature: int, chosen: Positions | None = None) -> Column:
        """A feature's values, one per record; NaN where one is absent or does not count.

        Args:
            feature: its position.
            chosen: the records that are wanted; None for all.
        """
        order = self._order if chosen is None else self._order[chosen]
        values = self._cells.get_column(VALUE, feature)[order]
        if self._hidden is not None:
            values[self._cells.get_column(self._hidden, feature)[order]] = np.nan
        return bound(values, out=values) if self._is_bounded else values

    def cut(self, features: int, chosen: Positions, slices: Sequence[slice]) -> CutColumns:
        """The values of some records, slice by slice: each feature is read once for all slices."""
        return CutColumns((self.get(feature, chosen) for feature in range(features)), slices)


class CutColumns:
    """Values by feature, of which a slice of the records can be read alone.

    Args:
        columns: the values of each feature.
        slices: of the records.

    >>> CutColumns([np.array([1.0, 2.0, 3.0])], [slice(0, 2), slice(2, 3)]).get(0, 1).tolist()
    [3.0]
    """

    def __init__(self, columns: Iterable[Column], slices: Sequence[slice]) -> None:
        self._cells = Cells(1)
        for feature, values in enumerate(columns):
            for chosen in slices:
                self._cells.append({str(feature): values[chosen, np.newaxis]})

    def get(self, feature: int, at: int) -> Column:
        """A feature's values in a slice, given by its position."""
        return self._cells.get_part(str(feature), 0, at)
