"""The naive Polars rival's feature rules: expressions for one feature, in stages."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fsq.contract import Contract, Feature

MICROS = pl.Datetime("us", "UTC")
HOUR = 3_600_000_000


def coalesce(have: set[str], names: Sequence[str | None], dtype: pl.DataType) -> pl.Expr:
    """The first non-null value of those columns that exist, or NULL."""
    columns = [pl.col(n).cast(dtype) for n in names if n in have]
    return pl.coalesce(columns) if columns else pl.lit(None, dtype)


def make_feature_stages(f: Feature, contract: Contract, have: set[str]) -> list[list[pl.Expr]]:
    """Make the expressions of one feature (level 1), in stages."""
    rules, i = contract.feature_rules, f.index

    def at(name: str) -> pl.Expr:
        return pl.col(f"{i}:{name}")

    def by_source(what: str, dtype: pl.DataType) -> pl.Expr:
        values = {w: getattr(s, what) for w, s in contract.sources.items()}
        return at("source").replace_strict(values, return_dtype=dtype)

    given = pl.col(f.name).cast(pl.Float64)
    finite = pl.when(given.is_finite()).then(given)
    size = contract.windows[f.window].size if f.window else None
    original = coalesce(have, [f"{f.name}__original_value"], pl.Float64())
    shared = f.upstream_table
    window = f.window or "-"
    stages = [
        {
            "v": finite,
            "failed": given.is_not_null() & finite.is_null(),
            "source": pl.col(f"{f.name}__source").cast(pl.String).fill_null("missing"),
            "upstream_original": original,
            "last_updated": coalesce(
                have, [f"{f.name}__last_updated", f"{shared}__last_updated"], MICROS
            ),
            "upstream_data_hash": coalesce(
                have, [f"{f.name}__data_hash", f"{shared}__data_hash"], pl.String()
            ),
            "sample_size": coalesce(
                have, [f"{f.name}__sample_size", f"{window}__sample_size"], pl.Int64()
            ),
            "contributing_game_ids": coalesce(
                have, [f"{f.name}__game_ids", f"{window}__game_ids"], pl.List(pl.String)
            )
            .fill_null([])
            .list.drop_nulls(),
            "upstream_table": coalesce(have, [f"{f.name}__upstream_table"], pl.String()).fill_null(
                shared
            ),
            "given_reason": coalesce(have, [f"{f.name}__fallback_reason"], pl.String()),
            "computation_duration_ms": coalesce(have, [f"{f.name}__duration_ms"], pl.Int64()),
            "feature_index": pl.lit(i, pl.Int64),
            "feature_name": pl.lit(f.name),
            "feature_category": pl.lit(f.category),
            "expected_value": pl.lit(f.expected, pl.Float64),
            "feature_definition_version": pl.lit(f.definition_version),
        },
        {
            "declared_type": by_source("type", pl.String()),
            "age": ((pl.col("as_of") - at("last_updated")).dt.total_microseconds() / HOUR).clip(
                lower_bound=0
            ),
            "within": at("v").is_between(f.min, f.max),
            "changed": (at("upstream_original") != at("v")).fill_null(False),
            "thin": (at("sample_size") < rules.thin_sample).fill_null(False),
        },
        {
            "is_default": (at("declared_type") == "default") | at("v").is_null(),
            "base": pl.when(at("v").is_null() & (at("declared_type") != "default"))
            .then(contract.sources["missing"].base)
            .otherwise(by_source("base", pl.Float64())),
            "value_range_valid": at("within") & ~at("changed"),
            "old": (at("age") > rules.very_stale_hours).fill_null(False),
            "stale": (at("age") > rules.stale_hours).fill_null(False),
            "feature_value": at("v").clip(f.min, f.max) if f.on_violation == "clamp" else at("v"),
            "original_value": pl.when(at("changed"))
            .then(at("upstream_original"))
            .when(~at("within") & (f.on_violation == "clamp"))
            .then(at("v")),
        },
        {
            "source_type": pl.when(at("is_default"))
            .then(pl.lit("default"))
            .otherwise(at("declared_type")),
            "quality_score": (
                at("base")
                - pl.when(at("old"))
                .then(rules.very_stale_penalty)
                .when(at("stale"))
                .then(rules.stale_penalty)
                .otherwise(0.0)
                - pl.when(at("thin")).then(rules.thin_penalty).otherwise(0.0)
            ).clip(0, 100),
            "violation": (~at("value_range_valid")).fill_null(False),
            "silent": (
                ~at("is_default")
                & pl.lit(f.suspicious_default)
                & (at("v") == pl.lit(f.expected, pl.Float64))
            ).fill_null(False),
            "fallback_reason": pl.when(at("is_default")).then(
                at("given_reason").fill_null(
                    pl.when(at("failed"))
                    .then(pl.lit("calculation_failed"))
                    .otherwise(pl.lit(f.fallback_reason))
                )
            ),
        },
        {
            "feature_quality_tier": pl.when(at("is_default") | at("old") | at("violation"))
            .then(pl.lit("poor"))
            .when(at("declared_type") == "calculated")
            .then(pl.lit("bronze"))
            .when((at("declared_type") == "phase3") | at("stale") | at("thin"))
            .then(pl.lit("silver"))
            .otherwise(pl.lit("gold")),
            "confidence_pct": pl.when(at("is_default"))
            .then(0.0)
            .otherwise(
                100
                * by_source("reliability", pl.Float64())
                * (at("quality_score") / at("base"))
                * ((at("sample_size") / size).clip(0, 1).fill_null(1.0) if size else 1.0)
            ),
            "validation_status": pl.when(at("is_default"))
            .then(pl.lit("defaulted"))
            .when(at("original_value").is_not_null())
            .then(pl.lit("clamped"))
            .when(at("violation") | at("silent"))
            .then(pl.lit("warning"))
            .otherwise(pl.lit("valid")),
            "is_training_quality": (
                (at("quality_score") >= rules.training_min_score)
                & ~at("is_default")
                & ~at("thin")
                & at("value_range_valid")
            ).fill_null(False),
            "triggered_alert": pl.when(at("is_default"))
            .then(pl.lit("default_used"))
            .when(at("violation"))
            .then(pl.lit("range_violation"))
            .when(at("old"))
            .then(pl.lit("stale_data_48h"))
            .when(at("thin"))
            .then(pl.lit("thin_sample"))
            .when(at("silent"))
            .then(pl.lit("silent_default")),
        },
    ]
    return [[e.alias(f"{i}:{name}") for name, e in stage.items()] for stage in stages]
