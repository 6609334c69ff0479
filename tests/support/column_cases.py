"""Columns whose type changes from one date to the next, and whether a store keeps the values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

import fsq
from tests.support.frames import wide

FIRST, THEN = date(2026, 1, 1), date(2026, 1, 2)
NOON = datetime(2026, 2, 6, 12, 0, 0, 1)
# What a column held first, what it holds then, and whether that is stored.
KEPT: dict[str, tuple[pl.Expr, pl.Expr]] = {
    "int as float": (pl.lit(7.5), pl.lit(7)),
    "whole float as int": (pl.lit(7), pl.lit(8.0)),
    "int32 as int64": (pl.lit(7, pl.Int64), pl.lit(8, pl.Int32)),
    "int64 as int32": (pl.lit(7, pl.Int32), pl.lit(8, pl.Int64)),
    "float32 as float64": (pl.lit(7.5), pl.lit(8.5, pl.Float32)),
    "float16 as float64": (pl.lit(7.5), pl.lit(8.5, pl.Float16)),
    "small unsigned": (pl.lit(7), pl.lit(8, pl.UInt64)),
    "small int128": (pl.lit(7), pl.lit(8, pl.Int128)),
    "null as float": (pl.lit(7.5), pl.lit(None)),
    "float after null": (pl.lit(None), pl.lit(7.5)),
    "category as text": (pl.lit("a"), pl.lit("b", pl.Categorical)),
    "whole ns as us": (pl.lit(NOON), pl.lit(NOON, pl.Datetime("ns"))),
    "ms as us": (pl.lit(NOON), pl.lit(NOON, pl.Datetime("ms"))),
    "zone as UTC": (pl.lit(NOON.replace(tzinfo=UTC)), pl.lit(NOON)),
    "ints in a list": (pl.lit([1]), pl.lit([2], pl.List(pl.Int32))),
    "nothing in a list": (pl.lit([1]), pl.lit([], pl.List(pl.Null))),
}
REFUSED: dict[str, tuple[pl.Expr, pl.Expr]] = {
    "float as int": (pl.lit(7), pl.lit(7.6)),
    "NaN as int": (pl.lit(7), pl.lit(float("nan"))),
    "large int as float": (pl.lit(7.5), pl.lit(2**53 + 1)),
    "large int as int32": (pl.lit(7, pl.Int32), pl.lit(2**40)),
    "double as float32": (pl.lit(7.5, pl.Float32), pl.lit(0.1)),
    "large unsigned": (pl.lit(7), pl.lit(2**64 - 1, pl.UInt64)),
    "moment as date": (pl.lit(FIRST), pl.lit(NOON)),
    "date as moment": (pl.lit(NOON), pl.lit(FIRST)),
    "int as flag": (pl.lit(value=True), pl.lit(2)),
    "flag as int": (pl.lit(2), pl.lit(value=True)),
    "text as int": (pl.lit(7), pl.lit("7")),
    "int as text": (pl.lit("7"), pl.lit(7)),
    "text as list": (pl.lit(["a"]), pl.lit("a")),
    "fraction of a microsecond": (pl.lit(NOON), pl.lit(1, pl.Int64).cast(pl.Datetime("ns"))),
    "an infinite moment": (pl.lit(NOON), pl.lit(2**63 - 1, pl.Int64).cast(pl.Datetime("us"))),
    "large ints in a list": (pl.lit([1], pl.List(pl.Int32)), pl.lit([2**40])),
    "another case": (pl.lit(1), pl.lit(2).alias("LINE")),
    "a field in another case": (pl.struct(a=pl.lit(1)), pl.struct(A=pl.lit(1))),
    "a field of a list in another case": (
        pl.concat_list(pl.struct(a=pl.lit(1))),
        pl.concat_list(pl.struct(A=pl.lit(1))),
    ),
}
# A decimal keeps its digits, which only some stores can hold.
DECIMALS: dict[str, tuple[pl.Expr, pl.Expr]] = {
    "fewer digits": (pl.lit(Decimal("1.50")), pl.lit(Decimal("2.5"))),
}
NEVER: dict[str, pl.Expr] = {
    "a large unsigned": pl.lit(2**64 - 1, pl.UInt64),
    "a large int128": pl.lit(2**100, pl.Int128),
    "a time": pl.lit(time(19, 30)),
    "a duration": pl.lit(timedelta(hours=30)),
    "an infinite moment": pl.lit(-(2**63) + 1, pl.Int64).cast(pl.Datetime("us")),
    "a far moment": pl.lit(2**62, pl.Int64).cast(pl.Datetime("ms")),
    "a far moment in a list": pl.lit([2**62], pl.List(pl.Int64)).cast(pl.List(pl.Datetime("ms"))),
    "a time in a list": pl.lit([time(19, 30)]),
    "a duration in a struct": pl.struct(rest=pl.lit(timedelta(hours=30))),
    "fields that differ in case": pl.struct(a=pl.lit(1), A=pl.lit(2)),
}


def rows(day: date, line: pl.Expr) -> pl.DataFrame:
    of_day = wide().filter(pl.col("game_date") == day).head(3)
    name = line.meta.output_name()
    return of_day.with_columns(line.alias("LINE" if name == "LINE" else "line"))


def write_rows(folder: Path, first: pl.Expr, then: pl.Expr) -> tuple[str, str]:
    """Two files of one date each, whose column ``line`` differs in type."""
    folder.mkdir()
    for name, day, line in (("1.arrow", FIRST, first), ("2.arrow", THEN, then)):
        rows(day, line).write_ipc(folder / name)
    return str(folder / "1.arrow"), str(folder / "2.arrow")


def held(store: str, day: date) -> list[Any]:
    """What a store holds in ``line`` on a date; moments are in UTC."""
    column = fsq.open_store(store).read(day, day).collect()["line"].to_list()
    return list(map(as_utc, column))


def wanted(day: date, line: pl.Expr) -> list[Any]:
    """What it should hold."""
    return list(map(as_utc, rows(day, line)["line"].to_list()))


def as_utc(value: Any) -> Any:
    """The same moment in UTC, which one without a zone is in already."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
