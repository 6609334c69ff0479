"""Level 1: the rules of one feature, each computed once on the long, record-major columns.

``with_rules`` takes the canonical long columns beside the contract's constants. Each stage uses
only what an earlier stage made, so that Polars runs a stage's expressions side by side.
"""

from __future__ import annotations

import polars as pl

from fsq.contract import Contract
from fsq.schema import DETAIL_FIELDS

# A rule for words speaks in Enum codes; they become strings once, when they are nested.
_STATUS = pl.Enum(["defaulted", "clamped", "warning", "valid"])
_TIER = pl.Enum(["poor", "bronze", "silver", "gold"])
TYPES = pl.Enum(["phase4", "phase3", "calculated", "default"])
_ALERT = pl.Enum(
    ["default_used", "range_violation", "stale_data_48h", "thin_sample", "silent_default"]
)


def with_rules(long: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Add the fields of level 1 to long columns; ``as_of`` is already among them."""
    v, raw = pl.col("value"), pl.col("source")
    age, score = pl.col("age_hours"), pl.col("quality_score")
    default, in_range = pl.col("is_default"), pl.col("value_range_valid")
    thin = (pl.col("sample_size") < contract.feature_rules.thin_sample).fill_null(False)
    rules, words, types = contract.feature_rules, contract.sources, TYPES.categories.to_list()
    stale, old = (age > rules.stale_hours), (age > rules.very_stale_hours)
    return (
        long.with_columns(
            pl.when(v.is_finite()).then(v).alias("value"),
            (v.is_nan() | v.is_infinite()).fill_null(False).alias("failed"),
            by_word(raw, {w: s.base for w, s in words.items()}).alias("word_base"),
            by_word(raw, {w: s.reliability for w, s in words.items()}).alias("reliability"),
            by_word(raw, {w: types.index(s.type) for w, s in words.items()})
            .cast(pl.UInt8).cat.to(TYPES).alias("canonical"),
            ((pl.col("as_of") - pl.col("last_updated")).dt.total_microseconds() / 3.6e9)
            .clip(lower_bound=0).alias("age_hours"),
        )
        .with_columns(
            ((pl.col("canonical") == "default") | v.is_null()).alias("is_default"),
            pl.when(v.is_null() & (pl.col("canonical") != "default"))
            .then(contract.sources["missing"].base).otherwise(pl.col("word_base")).alias("base"),
            pl.when(v.is_not_null() & (pl.col("original_value") != v))
            .then(pl.col("original_value")).alias("upstream_original"),
            v.is_between("min", "max").alias("inside"),
            pl.when((stale & ~old).fill_null(False)).then(rules.stale_penalty)
            .when(old.fill_null(False)).then(rules.very_stale_penalty).otherwise(0.0)
            .alias("age_penalty"),
        )
        .with_columns(
            (pl.col("base") - pl.col("age_penalty")
             - pl.when(thin).then(rules.thin_penalty).otherwise(0.0)).clip(0, 100)
            .alias("quality_score"),
            (pl.col("inside") & pl.col("upstream_original").is_null()).alias("value_range_valid"),
            pl.coalesce(
                "upstream_original", pl.when(~pl.col("inside") & pl.col("clamps")).then(v)
            ).alias("original_value"),
            pl.when("clamps").then(v.clip("min", "max")).otherwise(v).alias("feature_value"),
            pl.when(default).then(pl.lit("default", TYPES)).otherwise("canonical")
            .alias("source_type"),
            (~default & pl.col("suspicious") & (v == pl.col("expected_value")).fill_null(False))
            .alias("silent_default"),
        )
        .with_columns(
            _tier(default, old, stale | thin, in_range).alias("feature_quality_tier"),
            _confidence(default, score).alias("confidence_pct"),
            pl.when(default).then(
                pl.coalesce(
                    "fallback_reason",
                    pl.when("failed").then(pl.lit("calculation_failed")),
                    "reason",
                )
            ).alias("fallback_reason"),
            pl.when(default).then(pl.lit("defaulted", _STATUS))
            .when(pl.col("original_value").is_not_null()).then(pl.lit("clamped", _STATUS))
            .when(~in_range | pl.col("silent_default")).then(pl.lit("warning", _STATUS))
            .otherwise(pl.lit("valid", _STATUS)).alias("validation_status"),
            ((score >= rules.training_min_score) & ~default & ~thin & in_range)
            .fill_null(False).alias("is_training_quality"),
            pl.when(default).then(pl.lit("default_used", _ALERT))
            .when(~in_range).then(pl.lit("range_violation", _ALERT))
            .when(old).then(pl.lit("stale_data_48h", _ALERT))
            .when(thin).then(pl.lit("thin_sample", _ALERT))
            .when("silent_default").then(pl.lit("silent_default", _ALERT)).alias("triggered_alert"),
        )
    )  # fmt: skip


def by_word(raw: pl.Expr, values: dict[str, float]) -> pl.Expr:
    """A number per source word; ``raw`` is an Enum of exactly these words in this order.

    >>> words = pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"]))
    >>> pl.select(by_word(pl.lit(words), {"a": 1.0, "b": 2.0})).to_series().to_list()
    [2.0, 1.0]
    """
    return pl.lit(pl.Series(list(values.values()), dtype=pl.Float64)).gather(raw.to_physical())


def _tier(default: pl.Expr, old: pl.Expr, weak: pl.Expr, in_range: pl.Expr) -> pl.Expr:
    kind = pl.col("canonical")
    poor = default | old.fill_null(False) | ~in_range.fill_null(True)
    return (
        pl.when(poor)
        .then(pl.lit("poor", _TIER))
        .when(kind == "calculated")
        .then(pl.lit("bronze", _TIER))
        .when((kind == "phase3") | weak.fill_null(False))
        .then(pl.lit("silver", _TIER))
        .otherwise(pl.lit("gold", _TIER))
    )


def _confidence(default: pl.Expr, score: pl.Expr) -> pl.Expr:
    adequacy = (pl.col("sample_size") / pl.col("window_size")).clip(0, 1).fill_null(1.0)
    share = pl.when(pl.col("base") > 0).then(score / pl.col("base")).otherwise(0.0)
    sure = 100 * pl.col("reliability") * share * adequacy
    return pl.when(default).then(0.0).otherwise(sure)


def _spelt(codes: pl.Expr, words: pl.Enum) -> pl.Expr:
    """Codes as strings; gathering from the few words is many times faster than a cast."""
    return pl.lit(words.categories).gather(codes.to_physical())


def nested(long: pl.DataFrame, width: int) -> pl.Series:
    """The 23 fields of the long columns as one list of structs per record, in field order."""
    made = {
        "upstream_data_hash": pl.col("data_hash"),
        "computation_duration_ms": pl.col("duration_ms"),
        "contributing_game_ids": pl.col("game_ids"),
    }
    words = {
        "source_type": TYPES,
        "validation_status": _STATUS,
        "feature_quality_tier": _TIER,
        "triggered_alert": _ALERT,
    }
    made |= {name: _spelt(pl.col(name), codes) for name, codes in words.items()}
    fields = long.select(made.get(f.name, pl.col(f.name)).alias(f.name) for f in DETAIL_FIELDS)
    records = long.height // width
    return fields.to_struct("feature_quality_detail").reshape((records, width)).arr.to_list()
