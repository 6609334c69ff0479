"""Keys, label and carried columns of every record, in order of date and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.records import Positions, Records
from fsq.training.sorting import sort_records


class SortedRows:
    """Columns of records, read one after the other; a large set's are kept in a file.

    Args:
        records: as they were read.
        order: their positions, in the order that is wanted.
        replaced: columns that count instead of those of ``records``, in that order.

    >>> records = Records.of(pl.DataFrame({"player": ["james", "curry"]}))
    >>> SortedRows(records, np.array([1, 0], dtype=np.uint32))["player"].to_list()
    ['curry', 'james']
    """

    def __init__(
        self,
        records: Records,
        order: npt.NDArray[np.uint32],
        replaced: Mapping[str, pl.Series] | None = None,
    ) -> None:
        self._records, self._order, self._replaced = records, order, replaced or {}
        self.schema = pl.Schema(
            dict(records.schema) | {n: c.dtype for n, c in self._replaced.items()}
        )

    @property
    def height(self) -> int:
        """How many there are."""
        return len(self._order)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema)

    def __getitem__(self, name: str) -> pl.Series:
        return self.map(name, lambda values: values)

    def map(self, name: str, convert: Callable[[pl.Series], pl.Series]) -> pl.Series:
        """What becomes of a column; for conversions that treat each value alone."""
        if name in self._replaced:
            return convert(self._replaced[name])
        return self._records.map(name, convert).gather(self._order)

    def hash(self, name: str) -> pl.Series:
        """A number for each value of a column; NULL has none."""
        value = pl.col(name)
        known = pl.when(value.is_not_null()).then(value.hash())
        return self.map(name, lambda values: values.to_frame(name).select(known).to_series())

    def take(self, positions: Positions, names: Sequence[str]) -> pl.DataFrame:
        """Columns of the records at some positions, which are not replaced."""
        return self._records.take(self._order[positions], names)

    def sort(self, positions: Positions, names: Sequence[str]) -> Positions:
        """Some positions, in order of these columns, which are not replaced."""
        records = self._order[positions]
        back: Positions = np.empty(self._records.height, dtype=np.uint32)
        back[records] = positions
        return back[sort_records(self._records, names, records)]

    def replace(self, column: pl.Series) -> SortedRows:
        """The same with another column of this name."""
        return SortedRows(self._records, self._order, {**self._replaced, column.name: column})

    def number(self, names: Sequence[str]) -> npt.NDArray[np.int64]:
        """A number for each distinct combination of values, NULL among them."""
        out = np.zeros(self.height, dtype=np.int64)
        for name in names:
            out = combine(out, number_values(self.hash(name).fill_null(0).to_numpy()))
        return out


def number_values(values: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """The position of each value among the distinct ones in order.

    >>> number_values(np.array([7, 3, 7])).tolist()
    [1, 0, 1]
    """
    order = np.argsort(values).astype(np.uint32)
    ordered = values[order]
    new = np.concatenate([[False], ordered[1:] != ordered[:-1]])[: len(ordered)]
    out = np.empty(len(values), dtype=np.int64)
    out[order] = np.cumsum(new)
    return out


def combine(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A number for each distinct pair of numbers, which are those of distinct values.

    >>> combine(np.array([0, 0, 1]), np.array([5, 2, 2])).tolist()
    [1, 0, 2]
    """
    if not first.any():
        return number_values(second)
    return number_values(first * (int(second.max(initial=0)) + 1) + second)
