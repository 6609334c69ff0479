"""Columns with one value per record: in memory or, if they are large, in a temporary file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.spilling import SpillFile
from fsq.utils.frames import take_rows

Positions: TypeAlias = npt.NDArray[np.integer]
# More than this is kept in a temporary file; the keys of a season take 10 MB.
_MOST_IN_MEMORY = 50 * 2**20
_PIECE_ROWS = 100_000  # records that are written, and read, at once


class Records:
    """A table that grows part by part, and is read column by column.

    Whole columns of texts are large. Where a result can be put together from pieces, take them
    from ``iterate``.

    Args:
        empty: no rows, with all columns.

    >>> records = Records.of(pl.DataFrame({"player": ["james", "curry"], "points": [30, 41]}))
    >>> records.height, records.columns, records["points"].max()
    (2, ['player', 'points'], 41)
    """

    def __init__(self, empty: pl.DataFrame) -> None:
        self.schema, self.height = empty.schema, 0
        self._pieces: list[pl.DataFrame | _Spilled] = []
        self._waiting: list[pl.DataFrame] = [empty]
        self._held, self._file = 0, SpillFile()

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Records:
        """The records of a frame."""
        out = cls(frame.clear())
        out.append(frame)
        return out

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.schema)

    def narrow(self, names: Sequence[str]) -> Records:
        """These columns of the same records; nothing is copied or read."""
        out = Records(self._waiting[0].clear().select(names))
        out.height, out._file = self.height, self._file
        out._pieces = [
            p.narrow(names) if isinstance(p, _Spilled) else p.select(names) for p in self._pieces
        ]
        out._waiting = [w.select(names) for w in self._waiting]
        return out

    def append(self, part: pl.DataFrame) -> None:
        """Add some more records, with the same columns.

        Raises:
            StoreError: the temporary file cannot be written.
        """
        self.height += part.height
        self._waiting.append(part)
        if sum(p.height for p in self._waiting) >= _PIECE_ROWS:
            self._keep_waiting()

    def _keep_waiting(self) -> None:
        piece = self._join_waiting()
        self._waiting = [piece.clear()]
        size = piece.estimated_size()
        if self._held + size <= _MOST_IN_MEMORY:
            self._held += int(size)
            self._pieces.append(piece)
        else:
            self._pieces.append(_Spilled.write(piece, self._file))

    def _join_waiting(self) -> pl.DataFrame:
        """The records that wait to become a piece, put together once for all who look them up."""
        if len(self._waiting) > 1:
            self._waiting = [pl.concat(self._waiting, rechunk=True)]
        return self._waiting[0]

    def iterate(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """These columns, piece by piece; there is one piece at least, maybe empty."""
        for piece in self._pieces:
            yield _choose(piece, names)
        yield _choose(self._join_waiting(), names)

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        """These columns of all records."""
        return pl.concat(self.iterate(names))

    def __getitem__(self, name: str) -> pl.Series:
        return self.select([name]).to_series()

    def map(self, name: str, convert: Callable[[pl.Series], pl.Series]) -> pl.Series:
        """What becomes of a column; for conversions that treat each value alone."""
        return pl.concat(convert(piece.to_series()) for piece in self.iterate([name]))

    def take(self, positions: Positions, names: Sequence[str]) -> pl.DataFrame:
        """These columns of the records at some positions, in their order."""
        return self._convert_at(positions, names, lambda piece: piece)

    def hash(self, positions: Positions, name: str) -> npt.NDArray[np.uint64]:
        """A hash of the value of each record at some positions, in their order."""
        found = self._convert_at(positions, [name], lambda piece: piece.select(pl.col(name).hash()))
        return found.to_series().to_numpy()

    def hash_all(self, name: str) -> npt.NDArray[np.uint64]:
        """The same of all records."""
        return self.map(name, lambda values: values.hash()).to_numpy()

    def _convert_at(
        self,
        positions: Positions,
        names: Sequence[str],
        convert: Callable[[pl.DataFrame], pl.DataFrame],
    ) -> pl.DataFrame:
        rising = bool((positions[1:] >= positions[:-1]).all())
        order = None if rising else np.argsort(positions, kind="stable")
        ordered = (positions if order is None else positions[order]).astype(np.int64)
        found, start = [], 0
        for piece in (*self._pieces, self._join_waiting()):
            first, last = np.searchsorted(ordered, [start, start + piece.height])
            if last > first or start + piece.height == self.height:
                found.append(convert(take_rows(_choose(piece, names), ordered[first:last] - start)))
            start += piece.height
        taken = found[0] if len(found) == 1 else pl.concat(found)
        if order is None:
            return taken
        back = np.empty(len(order), dtype=np.uint32)
        back[order] = np.arange(len(order), dtype=np.uint32)
        return taken[back]


def _choose(piece: pl.DataFrame | _Spilled, names: Sequence[str]) -> pl.DataFrame:
    """Some columns, without planning a query: a check of one date asks a hundred times."""
    return piece[list(names)] if isinstance(piece, pl.DataFrame) else piece.select(names)


class _Spilled:
    """Some records in a file, column by column."""

    def __init__(self, height: int, file: SpillFile, places: dict[str, tuple[int, int]]) -> None:
        self.height, self._file, self._places = height, file, places

    @classmethod
    def write(cls, piece: pl.DataFrame, file: SpillFile) -> _Spilled:
        return cls(piece.height, file, {c.name: cls._write_column(c, file) for c in piece})

    def narrow(self, names: Sequence[str]) -> _Spilled:
        return _Spilled(self.height, self._file, {n: self._places[n] for n in names})

    @staticmethod
    def _write_column(column: pl.Series, file: SpillFile) -> tuple[int, int]:
        buffer = BytesIO()
        # Texts as views would take along whatever else their buffers hold.
        oldest = pl.CompatLevel.oldest()
        column.to_frame().write_ipc(buffer, compression="lz4", compat_level=oldest)
        data = buffer.getvalue()
        return file.write(data), len(data)

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        pieces = (self._file.read(*self._places[n]) for n in names)
        return pl.DataFrame([pl.read_ipc(BytesIO(p)).to_series() for p in pieces])
