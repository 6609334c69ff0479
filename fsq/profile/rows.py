"""Rows as the profile reads them: values as a matrix, dates and carried columns as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.utils.frames import take_rows

Matrix: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int64]


HOUR = "{} by the hour"  # what a grouping by the hour of a moment is called
_LARGEST = 1e50  # the products of larger numbers would overflow


@dataclass(frozen=True)
class Rows:
    """Records of some dates, in any order.

    Attributes:
        names: of the features.
        dates: every date, in order.
        date_index: position of each record's date among ``dates``.
        values: records × features; NaN where a value is absent or a default.
        is_default: records × features.
        carried: the keys and the columns that were carried along, one row per record.
        keys: names of the columns that identify an entity.
        group: the column that names a record's event, if there is one.
        time: the column with the moment of an event, if there is one.
        faulty: dates × features whose values no later record is compared with; None for none.
    """

    names: tuple[str, ...]
    dates: pl.Series
    date_index: Codes
    values: Matrix
    is_default: Mask
    carried: pl.DataFrame
    keys: tuple[str, ...]
    group: str | None = None
    time: str | None = None
    faulty: Mask | None = None
    _groups: dict[tuple[str, ...], Codes] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _previous: dict[str, Codes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def count(self) -> Matrix:
        """Records per date."""
        return np.bincount(self.date_index, minlength=len(self.dates)).astype(np.float64)

    @cached_property
    def codes(self) -> dict[str, Codes]:
        """Codes of the columns by which records can be grouped; -1 where NULL."""
        out = {}
        for column in self.carried:
            if column.dtype.is_nested() or column.dtype.is_float():
                continue
            if column.null_count() == len(column):
                continue
            out[column.name] = encode(column)
        if self.time in out and self.carried[self.time].dtype.is_temporal():
            out[HOUR.format(self.time)] = encode(self.carried[self.time].dt.truncate("1h"))
        return out

    @cached_property
    def entity(self) -> Codes:
        """A code per entity."""
        present = [k for k in self.keys if k in self.codes]
        if not present:
            return np.arange(len(self.date_index), dtype=np.int64)
        return combine([self.codes[k] for k in present])

    def code_group(self, columns: tuple[str, ...]) -> Codes:
        """A code per date and group, not to be changed; -1 where a column is NULL."""
        if columns not in self._groups:
            codes = [self.date_index, *(self.codes[c] for c in columns)]
            self._groups[columns] = combine(codes)
        return self._groups[columns]

    def find_records(self, at: int) -> Codes:
        """Positions of a date's records, in their order."""
        first, end = self._bounds[at : at + 2]
        return np.arange(first, end) if self._by_date is None else self._by_date[first:end]

    def find_earlier(self, at: int) -> Codes:
        """Positions of the records of earlier dates."""
        end = self._bounds[at]
        return np.arange(end) if self._by_date is None else self._by_date[:end]

    def choose(self, chosen: Codes) -> Rows:
        """The records at some positions, of the same dates."""
        out = replace(
            self,
            date_index=self.date_index[chosen],
            values=self.values[chosen],
            is_default=self.is_default[chosen],
            carried=take_rows(self.carried, chosen),
        )
        # They need no new codes: these tell them apart, too.
        vars(out)["codes"] = {name: codes[chosen] for name, codes in self.codes.items()}
        return out

    def with_faulty(self, faulty: Mask) -> Rows:
        """The same records, of which others are faulty."""
        out = replace(self, faulty=faulty)
        # What the records show stays as it is; of what is kept, nothing depends on faults.
        kept = {k: v for k, v in vars(self).items() if k != "faulty"}
        vars(out).update(kept)
        return out

    def find_previous(self, carrier: str, codes: Codes) -> Codes:
        """Position of the previous record of the same code; -1 where there is none.

        Args:
            carrier: what the codes are called; it always names the same ones.
            codes: one per record.
        """
        if carrier not in self._previous:
            self._previous[carrier] = find_previous(codes, self.order)
        return self._previous[carrier]

    def take(
        self, positions: Codes, later: Codes, features: Codes, *, from_faulty: bool = False
    ) -> Matrix:
        """Values to compare later records with; NaN where an earlier date is faulty.

        A date is not judged by whether it was faulty: its own records are compared in any case.

        Args:
            positions: of the records that came before.
            later: positions of those to compare with them.
            features: positions of the features to compare.
            from_faulty: whether values of faulty dates count as any other.
        """
        values = self.values[np.ix_(positions, features)]
        if self.faulty is not None and not from_faulty:
            day = self.date_index[positions]
            earlier = (day < self.date_index[later])[:, None]
            values[self.faulty[np.ix_(day, features)] & earlier] = np.nan
        return values

    @cached_property
    def order(self) -> Codes:
        """A number per record that rises with date and moment; equal where both are."""
        if self.time is None or self.time not in self.carried.columns:
            return self.date_index
        moment = encode(self.carried[self.time]) + 1
        return self.date_index * (int(moment.max(initial=0)) + 1) + moment

    def sum_per_date(self, amounts: Matrix | Mask) -> Matrix:
        """Sums of a matrix, records × columns, as dates × columns."""
        return self.reduce_per_date(np.add, amounts, 0.0)

    def reduce_per_date(self, reduce: np.ufunc, amounts: Matrix | Mask, empty: float) -> Matrix:
        """Sums, or the least or largest values, per date: dates × columns.

        Args:
            reduce: ``np.add``, ``np.minimum`` or ``np.maximum``.
            amounts: records × columns.
            empty: what a date without records has.
        """
        out = np.full((len(self.dates), amounts.shape[1]), empty)
        if not self.date_index.size:
            return out
        starts, present = self._runs, self.date_index[self._runs]
        if len(present) > np.count_nonzero(self.count):  # records of a date lie apart
            amounts, present = amounts[self._by_date], np.flatnonzero(self.count)
            starts = self._bounds[present]
        out[present] = reduce.reduceat(amounts, starts, axis=0, dtype=np.float64)
        return out

    @cached_property
    def _runs(self) -> Codes:
        """Where records of another date begin: files may hold later dates first."""
        return np.flatnonzero(np.r_[True, np.diff(self.date_index) != 0])

    @property
    def by_date(self) -> Codes:
        """Positions of the records, date by date."""
        return np.arange(len(self.date_index)) if self._by_date is None else self._by_date

    @cached_property
    def _bounds(self) -> Codes:
        """Where each date begins among the records date by date, and where the last one ends."""
        return np.concatenate([[0], np.cumsum(self.count)]).astype(np.int64)

    @cached_property
    def _by_date(self) -> Codes | None:
        """Positions of the records, date by date; None if that is their order."""
        if (np.diff(self.date_index) >= 0).all():
            return None
        return np.argsort(self.date_index, kind="stable")


def read_number(column: pl.Series) -> Matrix:
    """A column of numbers or flags; NaN where it is NULL or infinite.

    >>> read_number(pl.Series([True, None])).tolist()
    [1.0, nan]
    """
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return bound(np.where(np.isinf(values), np.nan, values))


def bound(values: Matrix) -> Matrix:
    """Values no larger than what can be squared and summed; NaN stays.

    >>> bound(np.array([1.5, -1e300]))
    array([ 1.5e+00, -1.0e+50])
    """
    return np.clip(values, -_LARGEST, _LARGEST)


def encode(column: pl.Series) -> Codes:
    """Small numbers for the values of a column, in their order; -1 for NULL.

    >>> encode(pl.Series(["ORD", None, "JFK", "ORD"])).tolist()
    [1, -1, 0, 1]
    """
    if column.dtype == pl.String:  # few texts repeat, and only those are put in order
        texts = column.drop_nulls().unique().sort()
        column = column.cast(pl.Enum(texts)).to_physical()
        return column.cast(pl.Int64).fill_null(-1).to_numpy()
    ranks = column.rank("dense").cast(pl.Int64) - 1
    return ranks.fill_null(-1).to_numpy().astype(np.int64)


def combine(columns: Sequence[Codes]) -> Codes:
    """One code per combination of codes; -1 where one of them is."""
    out, absent = columns[0].copy(), columns[0] < 0
    for column in columns[1:]:
        absent |= column < 0
        out = out * (int(column.max(initial=0)) + 2) + column + 1
        out = np.unique(out, return_inverse=True)[1].astype(np.int64).reshape(-1)
    out[absent] = -1
    return out


def find_previous(codes: Codes, order: Codes) -> Codes:
    """Position of a record of the same code with a lower order, the nearest; -1 without one.

    >>> find_previous(np.array([7, 8, 7, 7]), np.array([0, 1, 2, 2]))
    array([-1, -1,  0,  0])
    """
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    ranked = np.lexsort((order, codes))
    code, place = codes[ranked], order[ranked]
    starts = np.flatnonzero(np.r_[True, (code[1:] != code[:-1]) | (place[1:] != place[:-1])])
    sizes = np.diff(np.r_[starts, len(code)])
    before = np.full(len(starts), -1, dtype=np.int64)
    same = (code[starts[1:]] == code[starts[:-1]]) & (code[starts[1:]] >= 0)
    before[1:][same] = ranked[starts[1:] - 1][same]
    out = np.empty(len(codes), dtype=np.int64)
    out[ranked] = np.repeat(before, sizes)
    return out
