"""When the upstream records and the rows of some dates were made, as hours since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from fsq.diagnosis.cells import Array
from fsq.diagnosis.context import Context
from fsq.diagnosis.long_detail import FIRST, NEVER, OLDEST, UNKNOWN, UPDATED, Part
from fsq.diagnosis.records import Records
from fsq.profile.rows import Mask, Matrix

_HOUR = 3.6e9  # microseconds
ROW_AGE, SCORED_AT = "feature_store_age_hours", "quality_computed_at"
_AS_OF, _COMPUTED = "as_of", "computed"


@dataclass(frozen=True)
class Moments:
    """Hours since 1970, one per record; NaN where unknown.

    Attributes:
        ctx: the dates.
        tables: names of the upstream tables.
        rows: of each record: for which moment it was scored, and when it was computed.
    """

    ctx: Context = field(repr=False)
    tables: tuple[str, ...]
    rows: Records = field(repr=False)

    def get_stamps(self, table: int) -> Matrix:
        """When the latest of each record's values from a table was updated."""
        latest = self.ctx.long.marks[_name_latest(self.tables[table])].to_numpy()
        return np.where(latest == UNKNOWN, np.nan, latest / _HOUR)

    @property
    def as_of(self) -> Matrix:
        """The moment for which each record was scored."""
        return self.rows[_AS_OF].to_numpy()

    @property
    def computed(self) -> Matrix:
        """When each row was computed."""
        return self.rows[_COMPUTED].to_numpy()

    @property
    def midnight(self) -> Matrix:
        """When the date of each record begins in the table's zone."""
        return _find_midnights(self.ctx)


def keep_latest(part: Part) -> dict[str, Array]:
    """What ``read_moments`` needs of a part: each record's latest moment of every table."""
    stamps = part.get_integers(UPDATED)
    return {
        _name_latest(table): stamps[:, [f.index for f in features]].max(axis=1)
        for table, features in part.contract.group_by_table().items()
    }


def _name_latest(table: str) -> str:
    return f"latest stamp: {table}"


def read_moments(ctx: Context) -> Moments | None:
    """Read them; None if no record of any date has a stamp."""
    first = ctx.long.marks[FIRST].to_numpy()
    oldest = np.where(first == NEVER, np.nan, first / _HOUR)
    if np.isnan(oldest).all():
        return None
    as_of = _find_as_of(ctx, oldest)
    rows = pl.DataFrame({_AS_OF: as_of, _COMPUTED: _find_computed(ctx, as_of)})
    return Moments(ctx, (*ctx.tables,), Records.of(rows))


def _find_as_of(ctx: Context, oldest: Matrix) -> Matrix:
    """The age of the oldest stamp tells it, unless that lies later; then the contract does."""
    stated = get_hours(ctx, "as_of")
    own = ctx.contract.table.time
    default = _find_midnights(ctx, 1) if own is None else get_hours(ctx, own)
    default = np.where(np.isnan(stated), default, stated)
    if OLDEST not in ctx.long.records.columns:
        return default
    age = ctx.get_carried(OLDEST).cast(pl.Float64).fill_null(0.0).to_numpy()
    return np.where(age > 0, oldest + age, default)


def _find_computed(ctx: Context, as_of: Matrix) -> Matrix:
    """The column says it, or the row's age, which is never below zero."""
    stated = get_hours(ctx, "computed_at")
    if ROW_AGE not in ctx.long.records.columns:
        return stated
    age = ctx.get_carried(ROW_AGE).cast(pl.Float64).fill_null(0.0).to_numpy()
    return np.where(np.isnan(stated) & (age > 0), as_of - age, stated)


def _find_midnights(ctx: Context, days: int = 0) -> Matrix:
    """When each record's date begins, or one so many days later."""
    return _list_midnights(ctx, days)[ctx.date_index]


def _list_midnights(ctx: Context, days: int = 0) -> Matrix:
    """When each date begins, or one so many days later; some days have 23 or 25 hours."""
    zone, later = ZoneInfo(ctx.contract.table.timezone), timedelta(days=days)
    starts = [datetime.combine(d + later, time(), zone).timestamp() / 3600 for d in ctx.dates]
    return np.array(starts)


def find_whole_dates(ctx: Context) -> Mask:
    """The dates of 24 hours that were over when the last of their rows was scored."""
    begin, end = _list_midnights(ctx), _list_midnights(ctx, 1)
    scored = np.full(len(begin), -np.inf)
    np.fmax.at(scored, ctx.date_index, get_hours(ctx, SCORED_AT))
    return np.asarray((end - begin == 24) & (scored >= end))


def get_hours(ctx: Context, column: str) -> Matrix:
    """A carried column of moments; NaN where there is none."""
    records = ctx.long.records
    kind = records.schema.get(column)
    if not isinstance(kind, pl.Datetime):
        return np.full(records.height, np.nan)
    moments = records[column].dt.cast_time_unit("us").to_physical()
    return np.asarray((moments.cast(pl.Float64) / _HOUR).to_numpy())
