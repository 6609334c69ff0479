"""Where the records are that a finding names, in the words of the columns that came along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Slice
from fsq.profile.rows import Codes, Mask

_MOST_OF_NAMED = 0.95  # of the named records that one value holds
_MOST_OF_SLICE = 0.6  # of the value's records that are named
_MOST_VALUES = 0.5  # share of a date's records that a column's values may number


@dataclass(frozen=True)
class Slicer:
    """Finds slices of one date, whatever records are named.

    Attributes:
        ctx: the dates.
        at: position of the date.
    """

    ctx: Context
    at: int

    @cached_property
    def here(self) -> Codes:
        """Positions of the records of the date."""
        return self.ctx.find_records(self.at)

    @cached_property
    def columns(self) -> pl.DataFrame:
        """The columns whose values hold several records each."""
        every = self.ctx.remember("plain columns", lambda: self.ctx.plain_columns)
        records = every[self.here.astype(np.uint32)]
        most = max(2, _MOST_VALUES * records.height)
        contract = self.ctx.contract
        names = {*contract.names, *contract.output.legacy}  # what no reader takes for a place
        return pl.DataFrame(
            [
                c
                for c in records
                if not (c.dtype.is_nested() or c.dtype.is_float() or c.name in names)
                and 1 < c.n_unique() <= most
            ]
        )

    def find(self, named: Mask) -> Slice | None:
        """The slice that holds the named records; None if no slice does.

        The one that has the fewest other records is chosen.
        """
        hit = pl.Series(named[self.here])
        count = int(hit.sum())
        if count < 2 or count > 0.9 * len(hit):
            return None
        best: Slice | None = None
        for column in self.columns:
            value, inside = column.filter(hit).value_counts(sort=True).row(0)
            if value is None or inside < _MOST_OF_NAMED * count:
                continue
            found = Slice(column.name, value, inside, int((column == value).sum()))
            share = found.named / found.rows
            if share >= _MOST_OF_SLICE and (best is None or share > best.named / best.rows):
                best = found
        return best
