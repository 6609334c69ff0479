"""Where the records are that a finding names, in the words of the columns that came along."""

from __future__ import annotations

import polars as pl

from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Mask

_MOST_OF_NAMED = 0.95  # of the named records that one value holds
_MOST_OF_SLICE = 0.6  # of the value's records that are named
_MOST_VALUES = 0.5  # share of a date's records that a column's values may number


def describe_slice(ctx: Context, named: Mask, at: int) -> str | None:
    """The value of a column that holds the named records of a date; None if no value does.

    The column whose value has the fewest other records is chosen.
    """
    records = ctx.long.records.filter(pl.Series(ctx.date_index == at))
    hit = pl.Series("named", named[ctx.date_index == at])
    count = int(hit.sum())
    if count < 2 or count > 0.9 * records.height:
        return None
    best: tuple[float, str] | None = None
    for column in records:
        if column.dtype.is_nested() or column.dtype.is_float() or column.name in ctx.contract.names:
            continue
        if not 1 < column.n_unique() <= max(2, _MOST_VALUES * records.height):
            continue
        value, inside = (
            pl.DataFrame([column, hit]).filter("named")[column.name].value_counts(sort=True).row(0)
        )
        if value is None or inside < _MOST_OF_NAMED * count:
            continue
        total = int((column == value).sum())
        share = inside / total
        if share >= _MOST_OF_SLICE and (best is None or share > best[0]):
            every = "all" if inside == total else f"{inside:,} of"
            best = (share, f"{every} {total:,} with {column.name} {value}")
    return None if best is None else best[1]
