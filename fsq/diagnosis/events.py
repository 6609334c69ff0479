"""Events by their ids, and when they took place: what windows may list, and what they may not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract
from fsq.utils.text_codes import TextCodes

_ONE_DATE = 0.9  # share of the groups that must lie on one date
# A number with leading zeros, or as a float: what files and other programs make of an id.
_NUMBER = r"^0*(\d+?)(?:\.0)?$"


@dataclass(frozen=True)
class Events:
    """Events of the rows, and when each took place first.

    Attributes:
        ids: their ids, distinct and in any order.
        first: of each the first date, or moment if the table has one, as a number.
        column: what holds the dates, or moments, of records.
    """

    ids: pl.Series
    first: npt.NDArray[np.int64]
    column: str

    @cached_property
    def _codes(self) -> TextCodes:
        return TextCodes(self.ids)

    @cached_property
    def _numbers(self) -> TextCodes:
        return TextCodes(_spell_numbers(self.ids))

    def find(self, ids: pl.Series) -> npt.NDArray[np.int64]:
        """The position of each id among the events; -1 for an unknown one, and for NULL.

        Where none is known, numbers that are written in another way count as the same.
        """
        texts = ids.cast(pl.String)
        found = self._codes.find(texts)
        return found if (found >= 0).any() else self._numbers.find(_spell_numbers(texts))

    def take_moments(self, records: pl.DataFrame) -> npt.NDArray[np.int64]:
        """When each record is, as comparable with ``first``."""
        return records[self.column].to_physical().cast(pl.Int64).to_numpy()


def read_events(rows: pl.LazyFrame, contract: Contract) -> Events | None:
    """Each event of the rows; None if the rows do not name events.

    A group that usually lasts for several dates is no event: then there are none. An event that is
    listed under two moments took place at the first.
    """
    group, table = contract.table.group, contract.table
    columns = rows.collect_schema()
    if group is None or group not in columns:
        return None
    column = table.time if table.time is not None and table.time in columns else table.date
    known = rows.select(
        event=pl.col(group).cast(pl.String), day=pl.col(table.date), moment=pl.col(column)
    )
    grouped = known.drop_nulls("event").group_by("event")
    found = (
        grouped.agg(pl.col("moment").min(), one=pl.col("day").min() == pl.col("day").max())
        .collect(engine="streaming")
        .sort("event")
    )
    if found["one"].sum() < max(1, _ONE_DATE * found.height):
        found = found.clear()
    first = found["moment"].to_physical().cast(pl.Int64).to_numpy()
    return Events(found["event"], first, column)


def _spell_numbers(ids: pl.Series) -> pl.Series:
    """Numbers without leading zeros and without a fraction; other texts as they are.

    >>> _spell_numbers(pl.Series(["0022300561", "22300561.0", "000", "BOS-01"])).to_list()
    ['22300561', '22300561', '0', 'BOS-01']
    """
    return ids.str.replace(_NUMBER, "$1")
