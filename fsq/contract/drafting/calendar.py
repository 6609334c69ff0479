"""Dates and moments of the data: the time zone, the group, the age of upstream records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fsq.contract.drafting.roles import Roles
from fsq.contract.drafting.statistics import DAY
from fsq.schema.dates import convert_zone

# Tried if moments in UTC do not fall on their dates; the first that fits is taken.
_ZONES = (
    "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo",
    "Asia/Shanghai", "Australia/Sydney", "America/Sao_Paulo", "America/Chicago",
    "America/Denver", "America/Los_Angeles",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone, and what it was read from."""

    name: str
    reason: str


def find_zone(rows: pl.LazyFrame, roles: Roles) -> Zone:
    """The zone of the dates: that of the timestamps, or one in which they fall on their dates."""
    if roles.time is None:
        return Zone("UTC", "no column says; where does a date end?")
    dtype = rows.collect_schema()[roles.time]
    zone = getattr(dtype, "time_zone", None) or "UTC"
    if roles.date is None or zone != "UTC":
        return Zone(zone, f"the type of {roles.time}")
    moment, day = pl.col(roles.time), pl.col(roles.date)
    fits = [
        (convert_zone(moment, dtype, z).dt.date() == day).all().alias(z) for z in ("UTC", *_ZONES)
    ]
    found = [z for z, fit in rows.select(fits).collect().row(0, named=True).items() if fit]
    if not found:
        return Zone("UTC", f"{roles.time} and {roles.date} agree in no zone that was tried; set it")
    others = f"; so they do in {', '.join(found[1:])}" if found[1:] else ""
    what = f"in this zone every {roles.time} falls on its {roles.date}{others}"
    return Zone(found[0], what if found[0] != "UTC" else f"{roles.time} falls on its {roles.date}")


def list_days(rows: pl.LazyFrame, roles: Roles, zone: str) -> pl.Series:
    """The date of each row."""
    if roles.date is not None:
        return rows.select(pl.col(roles.date).alias(DAY)).collect().to_series()
    assert roles.time is not None  # noqa: S101 - roles have one of the two
    moment = _to_zone(rows, roles.time, zone)
    return rows.select(moment.dt.date().alias(DAY)).collect().to_series()


def find_group(rows: pl.LazyFrame, roles: Roles, days: pl.Series) -> tuple[str, str] | None:
    """A carried column whose values each belong to one date, and to several rows of it.

    Returns:
        The column, and how it was recognised; None without one.
    """
    schema = rows.collect_schema()
    possible = [
        c
        for c in (*roles.carried, *roles.left_out)
        if schema[c] in (pl.String, pl.Categorical) or schema[c].is_integer()
        if c.isidentifier() and c.isascii()
    ]
    if not possible or days.n_unique() < 2:
        return None
    frame = rows.select(possible).collect().with_columns(days.alias(DAY))
    for column in possible:
        pairs = frame.select(column, DAY).drop_nulls()
        groups = pairs.n_unique()
        one_date = groups == pairs[column].n_unique()
        if pairs.height == frame.height and one_date and days.n_unique() < groups <= len(days) / 3:
            size = len(days) / groups
            return column, f"each value is on one date only, in {size:.3g} rows on average"
    return None


def measure_ages(
    rows: pl.LazyFrame, roles: Roles, days: pl.Series, zone: str, tables: Sequence[str]
) -> dict[str, float]:
    """The age in hours that 99 % of the rows stay under, for each table with a timestamp.

    Ages are taken at the row's own time, or at the end of its date.
    """
    schema = rows.collect_schema()
    stamps = [t for t in tables if isinstance(schema.get(f"{t}__last_updated"), pl.Datetime)]
    if not stamps:
        return {}
    if roles.time is not None:
        moments = rows.select(_to_zone(rows, roles.time, "UTC").alias(DAY)).collect().to_series()
    else:
        ends = (
            (days.dt.offset_by("1d"))
            .cast(pl.Datetime("us"))
            .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        )
        moments = ends.dt.convert_time_zone("UTC")
    stamped = rows.select(_to_zone(rows, f"{t}__last_updated", "UTC").alias(t) for t in stamps)
    frame = stamped.collect().with_columns(moments.alias(DAY))
    hours = frame.select(
        ((pl.col(DAY) - pl.col(t)).dt.total_milliseconds() / 3.6e6).quantile(0.99).alias(t)
        for t in stamps
    )
    return {t: max(0.0, h) for t, h in hours.row(0, named=True).items() if h is not None}


def _to_zone(rows: pl.LazyFrame, column: str, zone: str) -> pl.Expr:
    """A column of timestamps in a zone; those without a zone are UTC."""
    dtype = rows.collect_schema()[column]
    moment = pl.col(column).cast(pl.Datetime("us", getattr(dtype, "time_zone", None)))
    return convert_zone(moment, dtype, zone)
