"""A scored table summed up: one row per date, and one per date and feature."""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.schema import CATEGORIES

_TIERS = ("gold", "silver", "bronze", "poor", "critical")
_LEVELS = ("green", "yellow", "red")
# What the sums read; a store is asked for no more.
FLAT = (
    "game_date", "feature_quality_score", "quality_tier", "quality_alert_level",
    "is_production_ready", "is_training_ready", "default_feature_count", "has_vegas_line",
    "predecessor_processors_completed", "missing_processors", "upstream_data_freshness_hours",
    *(f"{c}_quality_pct" for c in CATEGORIES),
)  # fmt: skip
READS = (*FLAT, "feature_quality_detail")


def record_days(scored: pl.LazyFrame) -> pl.DataFrame:
    """One row per date, in order of date.

    Args:
        scored: scored rows; ``game_id`` is used where it is there.

    Returns:
        ``game_date``; ``rows``; ``games`` (NULL without ``game_id``); ``quality`` and the five
        ``_quality_pct`` (means, 0 to 100); rows per tier and per alert level;
        ``production_ready``, ``training_ready``, ``vegas_rows`` (rows); ``default_features``
        (sum); ``freshness_hours`` (median, NULL if unknown); ``ran`` and ``missing``: names of
        processors, empty lists if nothing is known.
    """
    text, many = pl.String(), pl.col("missing_processors").str.split(",")
    games = pl.col("game_id").n_unique() if "game_id" in scored.collect_schema() else None
    return (
        scored.group_by("game_date")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            (pl.lit(None, pl.Int64) if games is None else games.cast(pl.Int64)).alias("games"),
            pl.col("feature_quality_score").mean().alias("quality"),
            *(pl.col(f"{c}_quality_pct").mean() for c in CATEGORIES),
            *((pl.col("quality_tier") == t).sum().cast(pl.Int64).alias(t) for t in _TIERS),
            *((pl.col("quality_alert_level") == s).sum().cast(pl.Int64).alias(s) for s in _LEVELS),
            pl.col("is_production_ready").sum().cast(pl.Int64).alias("production_ready"),
            pl.col("is_training_ready").sum().cast(pl.Int64).alias("training_ready"),
            pl.col("has_vegas_line").sum().cast(pl.Int64).alias("vegas_rows"),
            pl.col("default_feature_count").sum().alias("default_features"),
            pl.col("upstream_data_freshness_hours").median().alias("freshness_hours"),
            pl.col("predecessor_processors_completed").explode().drop_nulls().unique().sort()
            .cast(text).alias("ran"),
            many.explode().drop_nulls().unique().sort().cast(text).alias("missing"),
        )
        .sort("game_date")
        .collect()
    )  # fmt: skip


def feature_lines(scored: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    """One row per record and feature, with the fields that the sums need, in record order."""
    detail = pl.col("feature_quality_detail")
    lines = (
        scored.select("game_date", detail)
        .explode("feature_quality_detail", empty_as_null=False, keep_nulls=False)
        .select("game_date", *(detail.struct.field(f) for f in _FIELDS))
    )
    return lines.filter(pl.col("feature_index") < len(contract.features)).collect()


_FIELDS = (
    "feature_index", "feature_value", "expected_value", "value_range_valid", "source_type",
    "quality_score", "feature_quality_tier", "is_default", "last_updated", "triggered_alert",
)  # fmt: skip


def feature_days(lines: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """One row per date and feature, in order of date and index.

    Args:
        lines: what ``feature_lines`` gives.
        contract: names the features.

    Returns:
        ``game_date``, the feature's index, name, category and upstream table; ``rows``;
        ``quality_pct`` (mean score, a default counts 0); rows that are ``default_rows``,
        ``expected_rows`` (not default, but exactly the expected value), ``violation_rows``,
        ``stale_rows`` (over the contract's very stale hours); ``values`` (not NULL, not
        default), their ``distinct`` count, ``std`` and ``top_share`` (the commonest value's);
        rows per source type and per feature tier.
    """
    default, value = pl.col("is_default"), pl.col("feature_value")
    real = value.filter(~default)
    names = pl.DataFrame(
        {
            "feature_index": pl.Series([f.index for f in contract.features], dtype=pl.Int64),
            "feature_name": contract.names,
            "feature_category": [f.category for f in contract.features],
            "upstream_table": [f.upstream_table for f in contract.features],
        }
    )
    alert, kinds = pl.col("triggered_alert"), ("phase4", "phase3", "calculated")
    days = (
        lines.lazy()
        .group_by("game_date", "feature_index")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.when(default).then(0.0).otherwise("quality_score").mean().alias("quality_pct"),
            default.sum().cast(pl.Int64).alias("default_rows"),
            (~default & (value == pl.col("expected_value"))).sum().cast(pl.Int64)
            .alias("expected_rows"),
            (~pl.col("value_range_valid")).sum().cast(pl.Int64).alias("violation_rows"),
            (alert == "stale_data_48h").sum().cast(pl.Int64).alias("stale_rows"),
            real.count().cast(pl.Int64).alias("values"),
            real.drop_nulls().n_unique().cast(pl.Int64).alias("distinct"),
            real.std().alias("std"),
            real.drop_nulls().unique_counts().max().cast(pl.Int64).fill_null(0).alias("top"),
            *((pl.col("source_type") == k).sum().cast(pl.Int64).alias(k) for k in kinds),
            *((pl.col("feature_quality_tier") == t).sum().cast(pl.Int64).alias(t)
              for t in _TIERS[:4]),
        )
        .with_columns(pl.when(pl.col("values") > 0).then(pl.col("top") / pl.col("values"))
                      .alias("top_share")).drop("top")
        .sort("game_date", "feature_index")
        .collect()
    )  # fmt: skip
    return names.join(days, on="feature_index", maintain_order="right").select(
        "game_date", *names.columns, pl.exclude("game_date", *names.columns)
    )
