"""Dates as people have them: texts, timestamps, or only the moment of a record."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from fsq.contract.table import Table
from fsq.errors import InputError, short
from fsq.intake.source_labels import is_text

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def prepare_rows(rows: Frame, table: Table) -> Frame:
    """Give rows a column of dates, from ISO texts, midnights or the record's own time.

    Args:
        rows: rows in any form; those that have a proper date column are returned as they are.
        table: which column is the date, which the time, and the zone of a date.

    Raises:
        InputError: a text is no ISO date, or a timestamp is no midnight; the message says which.

    >>> table = Table(keys=("carrier",), date="flight_date")
    >>> prepare_rows(pl.DataFrame({"flight_date": ["2013-02-09"]}), table)["flight_date"].dtype
    Date
    """
    schema = rows.collect_schema()
    dtype, name = schema.get(table.date), table.date
    if dtype is None:
        if table.time is None or not isinstance(schema.get(table.time), pl.Datetime):
            return rows  # validation names what is missing
        moment = _in_zone(pl.col(table.time), schema[table.time], table)
        return rows.with_columns(moment.dt.date().alias(name))
    if is_text(dtype):
        text = pl.col(name).cast(pl.String)
        day = text.str.strptime(pl.Date, "%Y-%m-%d", strict=False, exact=True)
        problem, cure = "is no ISO date", "write dates as 2026-02-06"
    elif isinstance(dtype, pl.Datetime):
        moment = pl.col(name)
        if dtype.time_zone:
            moment = moment.dt.convert_time_zone(table.timezone)
        midnight = moment.dt.time() == pl.time(0, 0)
        day = pl.when(midnight).then(moment.dt.date())
        problem = "is no midnight"
        cure = f'cast it to a date, or name it as the time: [table] time = "{name}"'
    else:
        return rows
    wrong = rows.lazy().filter(day.is_null() & pl.col(name).is_not_null()).select(name)
    if examples := wrong.head(1).collect().to_series().to_list():
        raise InputError([f"{name}: {short(str(examples[0]))!r} {problem}; {cure}"])
    return rows.with_columns(day.alias(name))


def _in_zone(moment: pl.Expr, dtype: pl.DataType, table: Table) -> pl.Expr:
    """A timestamp in the table's zone; one without a zone is UTC."""
    if isinstance(dtype, pl.Datetime) and not dtype.time_zone:
        moment = moment.dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(table.timezone)
