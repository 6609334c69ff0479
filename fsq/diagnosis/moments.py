"""When the upstream records and the rows of some dates were made, as hours since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from fsq.contract import Feature
from fsq.diagnosis.context import Context
from fsq.diagnosis.long_detail import OLDEST, UNKNOWN, UPDATED
from fsq.profile.rows import Matrix

_HOUR = 3.6e9  # microseconds
ROW_AGE = "feature_store_age_hours"


@dataclass(frozen=True)
class Moments:
    """Hours since 1970; NaN where unknown.

    Attributes:
        stamps: records × upstream tables: when the latest of its values was updated.
        as_of: per record: the moment for which it was scored.
        computed: per record: when the row was computed.
        midnight: per record: when its date begins in the table's zone.
        tables: names of the upstream tables, in the order of the columns of ``stamps``.
    """

    stamps: Matrix = field(repr=False)
    as_of: Matrix = field(repr=False)
    computed: Matrix = field(repr=False)
    midnight: Matrix = field(repr=False)
    tables: tuple[str, ...]


def read_moments(ctx: Context) -> Moments | None:
    """Read them; None if no record of any date has a stamp."""
    columns, oldest = [], np.full(ctx.long.records.height, np.nan)
    for features in ctx.tables.values():
        latest = np.full_like(oldest, np.nan)
        for f in features:
            hours = _read_stamps(ctx, f)
            latest, oldest = np.fmax(latest, hours), np.fmin(oldest, hours)
        columns.append(latest)
    if np.isnan(oldest).all():
        return None
    as_of, midnight = _find_as_of(ctx, oldest), _find_midnights(ctx)
    return Moments(
        np.stack(columns, 1), as_of, _find_computed(ctx, as_of), midnight, (*ctx.tables,)
    )


def _read_stamps(ctx: Context, feature: Feature) -> Matrix:
    """When each record's value of a feature was updated."""
    moments = ctx.long.cells.get_column(UPDATED, feature.index)
    return np.where(moments == UNKNOWN, np.nan, moments / _HOUR)


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
    """When each record's date begins, or one so many days later; some days have 23 or 25 hours."""
    zone, later = ZoneInfo(ctx.contract.table.timezone), timedelta(days=days)
    starts = [datetime.combine(d + later, time(), zone).timestamp() / 3600 for d in ctx.dates]
    return np.array(starts)[ctx.date_index]


def get_hours(ctx: Context, column: str) -> Matrix:
    """A carried column of moments; NaN where there is none."""
    records = ctx.long.records
    kind = records.schema.get(column)
    if not isinstance(kind, pl.Datetime):
        return np.full(records.height, np.nan)
    moments = records[column].dt.cast_time_unit("us").to_physical()
    return np.asarray((moments.cast(pl.Float64) / _HOUR).to_numpy())
