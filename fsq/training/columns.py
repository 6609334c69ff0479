"""The values of a training set's features, one feature after the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fsq.diagnosis.cells import Cells

Column = npt.NDArray[np.float64]
VALUE = "value"
# Sums of products of products of such values are finite; sentinels such as DBL_MAX lie beyond.
_LARGEST = 1e70


def bound(values: Column) -> Column:
    """The values, those too large to be multiplied at the end of what can be; NaN stays.

    >>> bound(np.array([1.5, -1.7e308, np.nan])).tolist()
    [1.5, -1e+70, nan]
    """
    return np.clip(values, -_LARGEST, _LARGEST)


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

    def get(self, feature: int) -> Column:
        """A feature's values, one per record; NaN where one is absent or does not count."""
        values = self._cells.get_column(VALUE, feature)
        if self._hidden is not None:
            values = np.where(self._cells.get_column(self._hidden, feature), np.nan, values)
        ordered = np.asarray(values[self._order], dtype=np.float64)
        return bound(ordered) if self._is_bounded else ordered
