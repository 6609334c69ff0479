"""The values of a training set's features, one feature after the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fsq.diagnosis.cells import Cells

Column = npt.NDArray[np.float64]
VALUE = "value"


class FeatureColumns:
    """Values by feature, in the order of the records; a large set's are kept in a file.

    Args:
        cells: the values, under the name ``VALUE``, as the records were read.
        order: the positions of the records, in the order that is wanted.
        hidden: name of the cells that say which values do not count; None if all do.

    >>> cells = Cells(2)
    >>> cells.append({VALUE: np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> FeatureColumns(cells, np.array([1, 0], dtype=np.uint32)).get(1).tolist()
    [4.0, 2.0]
    """

    def __init__(
        self, cells: Cells, order: npt.NDArray[np.uint32], hidden: str | None = None
    ) -> None:
        self._cells, self._order, self._hidden = cells, order, hidden

    def get(self, feature: int) -> Column:
        """A feature's values, one per record; NaN where one is absent or does not count."""
        values = self._cells.get_column(VALUE, feature)
        if self._hidden is not None:
            values = np.where(self._cells.get_column(self._hidden, feature), np.nan, values)
        return np.asarray(values[self._order], dtype=np.float64)
