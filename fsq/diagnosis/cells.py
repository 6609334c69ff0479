"""What is kept of each record and feature: by feature, in memory or, if it is large, in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsq.diagnosis.spilling import SpillFile

Array = npt.NDArray[Any]
# More than this is kept in a temporary file; a season of 33 features takes 20 MB.
_MOST_IN_MEMORY = 200 * 2**20


@dataclass(frozen=True, slots=True)
class _Spilled:
    """A compressed column in the file."""

    start: int
    size: int
    records: int
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Repeated:
    """A column of one value."""

    value: np.generic
    records: int


_Column: TypeAlias = Array | _Spilled | _Repeated


class Cells:
    """Named arrays of records × features, added part by part, and read feature by feature.

    Args:
        width: number of features.
    """

    def __init__(self, width: int) -> None:
        self._width, self._held, self._file = width, 0, SpillFile()
        self._parts: dict[str, list[list[_Column]]] = {}
        self._types: dict[str, np.dtype[Any]] = {}
        self._codec = pa.Codec("lz4")

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def append(self, part: Mapping[str, Array]) -> None:
        """Add the same names for some more records; each array is records × features.

        Raises:
            StoreError: the temporary file cannot be written.
        """
        for name, matrix in part.items():
            columns = np.ascontiguousarray(matrix.T)
            self._types[name] = columns.dtype
            self._parts.setdefault(name, []).append([self._keep(c) for c in columns])

    def get_column(self, name: str, feature: int) -> Array:
        """One value per record."""
        parts = [self._load(part[feature]) for part in self._parts[name]]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros(0, self._types.get(name))

    def get_part(self, name: str, feature: int, part: int) -> Array:
        """The same of the records that were added at once, by the position of their part."""
        return self._load(self._parts[name][part][feature])

    def get_matrix(self, name: str) -> Array:
        """All of them: records × features."""
        columns = [self.get_column(name, f) for f in range(self._width)]
        return np.stack(columns, axis=1)

    def _keep(self, column: Array) -> _Column:
        if len(column) and (column == column[0]).all():
            return _Repeated(column[0], len(column))
        if self._held + column.nbytes <= _MOST_IN_MEMORY:
            self._held += column.nbytes
            return column.copy()  # a view would keep the columns of all features
        data = self._codec.compress(column.tobytes(), asbytes=True)
        return _Spilled(self._file.write(data), len(data), len(column), column.dtype)

    def _load(self, column: _Column) -> Array:
        if isinstance(column, np.ndarray):
            return column
        if isinstance(column, _Repeated):
            return np.full(column.records, column.value)
        size = column.records * column.dtype.itemsize
        data = self._codec.decompress(self._file.read(column.start, column.size), size)
        return np.frombuffer(data, dtype=column.dtype)
