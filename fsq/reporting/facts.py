"""The small tables of the page."""

from __future__ import annotations

from typing import Any

import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.feature_metrics import name_source_counts
from fsq.reporting.charts import list_categories
from fsq.reporting.styles import format_name
from fsq.utils.palette import colour_sources

WORST_FEATURES = 10


def find_worst_features(features: pl.DataFrame) -> pl.DataFrame:
    """Find the features with the lowest mean quality over all rows, optional ones included."""
    weight = pl.col("rows")
    return (
        features.group_by("feature_index", "feature_name", "feature_category", "upstream_table")
        .agg(
            ((pl.col("quality_pct") * weight).sum() / weight.sum()).alias("quality"),
            (100 * pl.col("default_rows").sum() / weight.sum()).alias("default_pct"),
            (pl.col("default_rows") >= 0.5 * weight).sum().alias("bad_dates"),
            pl.col("violation_rows").sum(),
            pl.col("stale_rows").sum(),
            pl.col("thin_rows").sum(),
        )
        .sort("quality", "feature_index")
        .head(WORST_FEATURES)
    )


def count_sources(features: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Count values per ``date`` and source type, with ``default`` as a source type."""
    counts = name_source_counts(contract) | {"default": "default_rows"}
    return (
        features.select(pl.col(contract.table.date).alias("date"), **counts)
        .group_by("date")
        .sum()
        .unpivot(index="date", variable_name="source", value_name="values")
        .sort("date", "source")
    )


def measure_table_ages(features: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Take, per ``date`` and upstream table, the largest median age of its features, in hours."""
    known = features.filter(pl.col("age_hours").is_not_null())
    return (
        known.group_by(pl.col(contract.table.date).alias("date"), "upstream_table")
        .agg(pl.col("age_hours").max())
        .sort("date", "upstream_table")
    )


def average_categories(days: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Each category's mean quality over all rows, and its lowest on a date."""
    names = list_categories(contract)
    rows, quality = days["rows"].sum(), [pl.col(f"{c}_quality_pct") for c in names]
    means = days.select((q * pl.col("rows")).sum() / rows for q in quality).row(0)
    lows = days.select(q.min() for q in quality).row(0)
    return [
        {"name": format_name(c), "mean": m, "lowest": low}
        for c, m, low in zip(names, means, lows, strict=True)
    ]


def compute_shares(features: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """The share of values per source type that occurs, best first, and of defaults."""
    mix = count_sources(features, contract).group_by("source").agg(pl.col("values").sum())
    counts = dict(mix.iter_rows())
    total = sum(counts.values())
    return [
        {"source": s, "values": counts[s], "share": 100 * counts[s] / total}
        for s in colour_sources(contract.source_type_names)
        if counts.get(s)
    ]


def summarize_ages(features: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Per upstream table, the median and the largest of its ages per date, in hours."""
    ages = (
        measure_table_ages(features, contract)
        .group_by("upstream_table")
        .agg(
            pl.col("age_hours").median().alias("median"), pl.col("age_hours").max().alias("largest")
        )
    )
    return ages.sort("upstream_table").to_dicts()
