"""The data sets that the charts name: one entry per date, or per week or month of many dates."""

from __future__ import annotations

from typing import Any

import polars as pl

from fsq.diagnosis import Diagnosis
from fsq.reporting import facts
from fsq.reporting.charts import list_categories
from fsq.reporting.styles import format_name
from fsq.utils.palette import ALERTS, TIERS, colour_sources

DataSets = dict[str, dict[str, list[Any]]]
_MAX_POINTS = 400  # more are no picture
_LEAST_LOST = 5.0  # points below 100 from which on a cell of the heat map shows
_PERIODS = {"date": "1d", "week": "1w", "month": "1mo", "quarter": "1q"}


def choose_period(dates: pl.Series) -> str:
    """What a point of a chart stands for: a date, or a week, month or quarter of many dates.

    >>> from datetime import date
    >>> choose_period(pl.Series([date(2026, 2, 6)]))
    'date'
    """
    for name, every in _PERIODS.items():
        if dates.dt.truncate(every).n_unique() <= _MAX_POINTS:
            return name
    return name


def make_data_sets(
    dx: Diagnosis, days: pl.DataFrame, waterfall: pl.DataFrame | None = None
) -> DataSets:
    """Make the data sets that the charts name, as JSON types: a list per column.

    Args:
        dx: the diagnosis of the dates.
        days: their trend.
        waterfall: as that of a training set; None without one.
    """
    contract, day = dx.contract, dx.contract.table.date
    period = choose_period(dx.days[day])
    begin = pl.col(day).dt.truncate(_PERIODS[period])
    iso = begin.cast(pl.String).alias("date")
    features, measured = dx.features.with_columns(begin), dx.days.with_columns(begin)
    quality = (
        days.group_by(iso, maintain_order=True)
        .agg(
            pl.col("quality_pct").min().alias("this date"),
            pl.col("quality_pct_trailing").median().alias("trailing median"),
        )
        .unpivot(index="date", variable_name="line", value_name="points")
    )
    names = list_categories(contract)
    categories = (
        dx.days.group_by(iso, maintain_order=True)
        .agg(pl.col(f"{c}_quality_pct").min().alias(format_name(c)) for c in names)
        .unpivot(index="date", variable_name="category", value_name="quality")
    )
    sources = list(colour_sources(contract.source_type_names))
    frames = {
        "dates": dx.days.select(iso.unique().sort()),
        "cells": _make_cells(dx, iso),
        "marks": _make_marks(dx, _PERIODS[period]),
        "quality": quality.drop_nulls(),
        "categories": categories.drop_nulls(),
        "tiers": _count_records(measured.group_by(iso).agg(pl.col(TIERS).sum()), "tier"),
        "alerts": _count_records(measured.group_by(iso).agg(pl.col(ALERTS).sum()), "alert"),
        "sources": _add_rank(facts.count_sources(features, contract), "source", sources),
        "ages": facts.measure_table_ages(features, contract),
    }
    sets = {name: _to_lists(frame) for name, frame in frames.items()}
    return sets if waterfall is None else sets | {"waterfall": make_waterfall_set(waterfall)}


def make_waterfall_set(waterfall: pl.DataFrame) -> dict[str, list[Any]]:
    """The data set of a training set's waterfall."""
    before = pl.col("left") + pl.col("dropped")
    falls = waterfall.select(pl.col("asks").alias("gate"), "dropped", "left", before=before)
    return _to_lists(falls)


def to_rows(data: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """A data set as Vega takes it.

    >>> to_rows({"gate": ["all", "tier"], "left": [9, 7]})
    [{'gate': 'all', 'left': 9}, {'gate': 'tier', 'left': 7}]
    """
    return [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]


def _to_lists(frame: pl.DataFrame) -> dict[str, list[Any]]:
    floats = pl.col(pl.Float64).round(2).fill_nan(None)
    plain = frame.with_columns(floats, pl.col(pl.Date).cast(pl.String))
    return plain.to_dict(as_series=False)


def _make_cells(dx: Diagnosis, iso: pl.Expr) -> pl.DataFrame:
    """The features and dates on which something was lost; the worst date of a period.

    An optional feature may be absent: of it, only what is worse than usual shows.
    """
    optional = [f.name for f in dx.contract.features if f.optional]
    share = 100 * pl.col("default_rows") / pl.col("rows")
    measured = dx.features.with_columns(share=share)
    usual = pl.col("quality_pct", "share").median().over("feature_name")
    normal = pl.when(pl.col("feature_name").is_in(optional)).then(usual)
    usuals = measured.select(normal).select(
        pl.col("quality_pct").fill_null(100.0), pl.col("share").fill_null(0.0)
    )
    cells = measured.select(
        iso,
        pl.col("rows"),
        feature="feature_name",
        quality="quality_pct",
        lost=usuals["quality_pct"] - pl.col("quality_pct"),
        default=pl.col("share") - usuals["share"],
    )
    worst = cells.group_by("date", "feature").agg(
        pl.col("quality").min(), pl.col("lost", "default").max().clip(0), pl.col("rows").sum()
    )
    shown = (pl.col("lost") >= _LEAST_LOST) | (pl.col("default") >= _LEAST_LOST)
    return worst.filter(shown).sort("date", "feature")


def _make_marks(dx: Diagnosis, every: str) -> pl.DataFrame:
    """The dates and features that red and yellow findings name, with the worst one."""
    schema = {"date": pl.Date, "feature": pl.String, "severity": pl.String, "finding": pl.String}
    marks = [
        (day, name, finding.severity, finding.title)
        for finding in dx.findings
        if finding.severity != "info"
        for day in finding.dates
        for name in finding.features
    ]
    frame = pl.DataFrame(marks, schema=schema, orient="row")
    begin = pl.col("date").dt.truncate(every)
    return frame.with_columns(begin).unique(["date", "feature"], keep="first", maintain_order=True)


def _count_records(days: pl.DataFrame, name: str) -> pl.DataFrame:
    order = days.columns[1:]
    long = days.sort("date").unpivot(index="date", variable_name=name, value_name="records")
    return _add_rank(long, name, order).filter(pl.col("records") > 0)


def _add_rank(long: pl.DataFrame, name: str, order: list[str]) -> pl.DataFrame:
    """Add each part's rank in its stack."""
    rank = pl.col(name).replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    return long.with_columns(rank.alias("rank"))
