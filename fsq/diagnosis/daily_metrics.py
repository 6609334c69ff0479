"""Scored rows aggregated to days: one row per date, and one per date and feature.

Everything that looks at dates (findings, trends, reports) starts from these two tables, which
are hundreds of times smaller than the rows. Only the columns that they need are read.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from fsq.contract import Contract
from fsq.contract.v2 import CATEGORIES
from fsq.errors import InputError
from fsq.schema.vocabulary import FEATURE_TIERS, TIERS

_LEVELS = ("green", "yellow", "red")
_KEYS = ["game_date", "feature_index"]
# Fields of the detail that are read.
_FIELDS = (
    "feature_index", "feature_value", "expected_value", "value_range_valid", "source_type",
    "last_updated", "quality_score", "feature_quality_tier", "is_default", "sample_size",
    "is_training_quality", "upstream_table",
)  # fmt: skip


def measure_dates(scored: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    """Measure each date: one row per ``game_date``, in order.

    Args:
        scored: scored rows; the nested detail is not read.
        contract: of the scoring.

    Returns:
        ``game_date``; ``rows``; ``games`` (distinct ``game_id``, NULL without that column);
        ``quality`` (mean score) and ``<category>_quality_pct`` (means), 0 to 100; counts per tier
        (``gold`` … ``critical``), per alert level (``green``, ``yellow``, ``red``),
        ``production_ready``, ``training_ready``, ``default_features`` and ``vegas_rows``;
        ``missing_processors`` and ``completed_processors`` (distinct names) and
        ``pipeline_runs`` (distinct ids), lists that are empty if unknown;
        ``run_known_rows`` (rows that say what ran); ``freshness_hours`` and
        ``freshness_hours_max`` (median and largest, NULL if unknown).

    Raises:
        InputError: columns of a scored table are missing.
    """
    schema = scored.collect_schema()
    needed = ["game_date", "feature_quality_score", "quality_tier", "quality_alert_level"]
    _require(schema, needed + [f"{c}_quality_pct" for c in CATEGORIES])
    games = pl.col("game_id").drop_nulls().n_unique() if "game_id" in schema else pl.lit(None)

    def list_names(column: str) -> pl.Expr:
        return pl.col(column).drop_nulls().unique().sort()

    counted = {t: pl.col("quality_tier") == t for t in TIERS}
    counted |= {level: pl.col("quality_alert_level") == level for level in _LEVELS}
    counted |= {
        "production_ready": pl.col("is_production_ready"),
        "training_ready": pl.col("is_training_ready"),
        "vegas_rows": pl.col("has_vegas_line"),
        "run_known_rows": pl.col("upstream_processors_ran").is_not_null(),
    }
    days = scored.group_by("game_date").agg(
        pl.len().cast(pl.Int64).alias("rows"),
        games.cast(pl.Int64).alias("games"),
        pl.col("feature_quality_score").mean().alias("quality"),
        *(pl.col(f"{c}_quality_pct").mean() for c in CATEGORIES),
        *(met.sum().cast(pl.Int64).alias(name) for name, met in counted.items()),
        pl.col("default_feature_count").sum().alias("default_features"),
        list_names("missing_processors"),
        list_names("upstream_processors_ran").alias("completed_processors"),
        list_names("upstream_pipeline_run_id").alias("pipeline_runs"),
        pl.col("upstream_data_freshness_hours").median().alias("freshness_hours"),
        pl.col("upstream_data_freshness_hours").max().alias("freshness_hours_max"),
    )
    out = days.sort("game_date").collect()
    return out.with_columns(
        _split_names("missing_processors"), _split_names("completed_processors")
    )


def _split_names(column: str) -> pl.Expr:
    """Distinct names of lists of comma-joined names."""
    joined = pl.col(column).list.join(",")
    names = joined.str.split(",").list.unique(maintain_order=True)
    return pl.when(joined == "").then(pl.lit([], pl.List(pl.String))).otherwise(names).alias(column)


def measure_features(scored: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    """Measure each feature of each date: one row per ``game_date`` and feature, in order.

    Args:
        scored: scored rows with ``game_date`` and ``feature_quality_detail``.
        contract: of the scoring.

    Returns:
        ``game_date``, ``feature_index``, ``feature_name``, ``feature_category``,
        ``upstream_table`` (the contract's); counts ``rows``, ``default_rows``, ``values``
        (not NULL), ``trusted`` (not default), ``expected_rows`` (the expected value exactly, not
        default), ``violation_rows``, ``stale_rows``, ``very_stale_rows``, ``aged_rows`` (age
        known), ``empty_rows`` (default, and no game in the window), ``thin_rows``,
        ``training_rows``, per tier and per source type; ``quality_pct`` (mean score, a default
        counts 0); of the values that are not default ``distinct``, ``mean``, ``std`` and
        ``most_common_share`` (0 to 1), NULL where there are none; ``age_hours`` and
        ``sample_size`` (medians, NULL if unknown).

    Raises:
        InputError: columns are missing, or the rows were scored under another contract.
    """
    _require(scored.collect_schema(), ["game_date", "feature_quality_detail"])
    return aggregate_features(read_long_detail(scored, contract), contract)


def aggregate_features(long: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Aggregate the result of ``read_long_detail``; see ``measure_features``."""
    rules = contract.feature_rules
    value = pl.col("feature_value").filter(~pl.col("is_default"))
    equal = ~pl.col("is_default") & (pl.col("feature_value") == pl.col("expected_value"))
    age, source, tier = pl.col("age_hours"), pl.col("source_type"), pl.col("feature_quality_tier")
    counted = {
        "default_rows": pl.col("is_default"),
        "values": pl.col("feature_value").is_not_null(),
        "trusted": ~pl.col("is_default"),
        "expected_rows": equal.fill_null(False),
        "violation_rows": ~pl.col("value_range_valid"),
        "stale_rows": age > rules.stale_hours,
        "very_stale_rows": age > rules.very_stale_hours,
        "aged_rows": age.is_not_null(),
        "empty_rows": pl.col("is_default") & (pl.col("sample_size") == 0),
        "thin_rows": pl.col("sample_size") < rules.thin_sample,
        "training_rows": pl.col("is_training_quality"),
    }
    counted |= {t: tier == t for t in FEATURE_TIERS}
    counted |= {s: source == s for s in ("phase4", "phase3", "calculated")}
    days = (
        long.lazy()
        .group_by(_KEYS)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            *(met.sum().cast(pl.Int64).alias(name) for name, met in counted.items()),
            (pl.col("quality_score") * ~pl.col("is_default")).mean().alias("quality_pct"),
            value.mean().alias("mean"),
            value.std().alias("std"),
            age.median(),
            pl.col("sample_size").median(),
        )
    )
    # Counting each value once gives both the distinct ones and the most common.
    counts = (
        long.lazy()
        .filter(~pl.col("is_default"))
        .group_by(*_KEYS, "feature_value")
        .len()
        .group_by(_KEYS)
        .agg(pl.len().cast(pl.Int64).alias("distinct"), pl.col("len").max().alias("most"))
    )
    features = pl.LazyFrame(
        [(f.index, f.name, f.category, f.upstream_table) for f in contract.features],
        schema={
            "feature_index": pl.Int64,
            "feature_name": pl.String,
            "feature_category": pl.String,
            "upstream_table": pl.String,
        },
        orient="row",
    )
    out = (
        days.join(counts, on=_KEYS, how="left")
        .join(features, on="feature_index", how="left")
        .with_columns(
            pl.col("distinct").fill_null(0),
            (pl.col("most") / pl.col("trusted")).alias("most_common_share"),
        )
        .drop("most")
        .sort(_KEYS)
    )
    first = ["game_date", "feature_index", "feature_name", "feature_category", "upstream_table"]
    return out.select(*first, pl.exclude(first)).collect()


def read_long_detail(
    scored: pl.LazyFrame, contract: Contract, carry: Iterable[str] = ()
) -> pl.DataFrame:
    """Read one row per record and feature, record by record, with the fields to aggregate.

    The detail has no field for ages. The record's largest age belongs to its oldest timestamp;
    every other age is smaller by as much as its timestamp is later.

    Args:
        scored: scored rows with ``game_date`` and ``feature_quality_detail``.
        contract: of the scoring.
        carry: further columns to repeat beside the fields, where the rows have them.

    Raises:
        InputError: a record has other features than the contract.
    """
    width, schema = len(contract.features), scored.collect_schema()
    oldest = "upstream_data_freshness_hours"
    wanted = dict.fromkeys(["player_lookup", "game_date", oldest, *carry])
    carried = [c for c in wanted if c in schema]
    # A store's reader skips the fields that are not selected.
    detail = pl.col("feature_quality_detail")
    frame = scored.select(*carried, detail).collect()
    lengths = frame["feature_quality_detail"].list.len().fill_null(0)
    if frame.height and (lengths.min() != width or lengths.max() != width):
        found = sorted({int(n) for n in lengths.unique()})
        cure = f"name the contract that they were scored with; {contract.name} has {width}"
        raise InputError([f"records have {found} features; {cure}"], "the rows cannot be diagnosed")
    fields = frame["feature_quality_detail"].explode(empty_as_null=False).struct
    long = pl.DataFrame([fields.field(name) for name in _FIELDS])
    keys = frame.select(pl.col(carried).repeat_by(width).explode(empty_as_null=False))
    long = keys.hstack(long)
    if not frame.height:
        return long.with_columns(pl.lit(None, pl.Float64).alias("age_hours"))
    if oldest not in schema or long["last_updated"].null_count() == long.height:
        return long.with_columns(pl.lit(None, pl.Float64).alias("age_hours"))
    stamps = long["last_updated"].to_physical()
    first = stamps.reshape((frame.height, width)).arr.min().to_frame("first")
    repeated = first.select(pl.col("first").repeat_by(width).explode(empty_as_null=False))
    behind = (stamps - repeated["first"]) / 3.6e9
    return long.with_columns((pl.col(oldest) - behind).clip(lower_bound=0).alias("age_hours"))


def _require(schema: pl.Schema, columns: list[str]) -> None:
    missing = [c for c in columns if c not in schema]
    if missing:
        problems = [f"no column {c}; pass the result of fsq.score" for c in missing]
        raise InputError(problems, "the rows cannot be diagnosed")
