"""Hypothesis strategies: the same rows as other programs would have written them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from tests.support.oracle_model import OracleContract

_WIDE = pa.decimal256(76, 38)
_UNITS: list[Literal["ms", "us", "ns"]] = ["ms", "us", "ns"]
_SPELLINGS = [str.upper, str.title, lambda name: name.replace("_", "."), lambda name: f" {name}"]


@st.composite
def rewritten(draw: st.DrawFn, rows: pl.DataFrame, contract: OracleContract) -> pl.DataFrame:
    """The rows with other names, dates, moments and keys that mean the same."""
    rows = draw(_with_fractions(draw(_with_texts_for_moments(rows))))
    rows = draw(_with_other_dates(rows, contract.date))
    keys = [k for k in contract.keys if rows.schema[k].is_integer() and draw(st.booleans())]
    scale = draw(st.sampled_from([0, 3]))
    rows = rows.with_columns(pl.col(k).cast(pl.Decimal(38, scale)) for k in keys)
    some = st.lists(st.sampled_from(rows.columns), max_size=6, unique=True)
    named = rows.columns if draw(st.booleans()) else draw(some)
    spell = draw(st.sampled_from(_SPELLINGS))
    return rows.rename({name: spell(name) for name in named})


@st.composite
def _with_texts_for_moments(draw: st.DrawFn, rows: pl.DataFrame) -> pl.DataFrame:
    """Moments as ISO texts, as NDJSON has to write them."""
    texts = []
    for name, dtype in rows.schema.items():
        if isinstance(dtype, pl.Datetime) and draw(st.booleans()):
            moment = pl.col(name)
            if dtype.time_zone is not None:
                moment = moment.dt.convert_time_zone("UTC")
            form = draw(st.sampled_from(["%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S%.f UTC"]))
            texts.append(moment.dt.to_string(form))
    return rows.with_columns(texts)


@st.composite
def _with_fractions(draw: st.DrawFn, rows: pl.DataFrame) -> pl.DataFrame:
    """Moments in nanoseconds, of which up to 999 are no whole microsecond."""
    finer = []
    for name, dtype in rows.schema.items():
        if isinstance(dtype, pl.Datetime) and draw(st.booleans()):
            nanos = pl.col(name).dt.cast_time_unit("ns")
            finer.append(nanos.dt.offset_by(f"{draw(st.sampled_from([0, 1, 999]))}ns"))
    return rows.with_columns(finer)


@st.composite
def _with_other_dates(draw: st.DrawFn, rows: pl.DataFrame, date: str) -> pl.DataFrame:
    """Dates as texts, or as midnights of any unit."""
    as_moment = pl.col(date).cast(pl.Datetime(draw(st.sampled_from(_UNITS))))
    ways = [pl.col(date), pl.col(date).cast(pl.String), as_moment]
    return rows.with_columns(draw(st.sampled_from(ways)))


def with_wide_decimals(rows: pl.DataFrame) -> pa.Table:
    """An Arrow table in which each decimal has 76 digits, as BigQuery's BIGNUMERIC."""
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    for i, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(i, field.name, table[i].cast(_WIDE))
    return table


@st.composite
def folders(
    draw: st.DrawFn, rows: pl.DataFrame, contract: OracleContract, place: Path
) -> pl.DataFrame:
    """Write a file for each date, whose types drift; the rows in the order of the files."""
    hive = draw(st.sampled_from(["{name}={day}", "{name}={day:%Y%m%d}", "{day}"]))
    name, written = contract.date, []
    for day, part in sorted(
        rows.group_by(name, maintain_order=True), key=lambda pair: str(pair[0])
    ):
        written.append(part)
        folder = place / hive.format(name=name, day=day[0])
        folder.mkdir(parents=True)
        (folder / "_SUCCESS").touch()
        said = "=" in folder.name and draw(st.booleans())
        kept = part.drop(name) if said else part
        draw(_drifted(kept)).write_parquet(folder / "part-0.parquet")
    return pl.concat(written)


@st.composite
def _drifted(draw: st.DrawFn, rows: pl.DataFrame) -> pl.DataFrame:
    """Narrower types where a date's values allow them, and none where it has no value."""
    changed = []
    for name, dtype in rows.schema.items():
        values = rows[name]
        if not draw(st.booleans()):
            continue
        if values.null_count() == rows.height and not dtype.is_nested():
            changed.append(pl.lit(None).alias(name))
        elif dtype.is_float() and values.drop_nulls().is_finite().all():
            whole = (values.drop_nulls() % 1 == 0).all()
            changed.append(pl.col(name).cast(pl.Int32 if whole else pl.Decimal(20, 6)))
        elif isinstance(dtype, pl.Datetime):
            changed.append(pl.col(name).dt.cast_time_unit("ns"))
        elif isinstance(dtype, pl.String):
            changed.append(pl.col(name).cast(pl.Categorical))
    return rows.with_columns(changed).select(draw(st.permutations(rows.columns)))
