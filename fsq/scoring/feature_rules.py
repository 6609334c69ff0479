"""Level 1: the rules of one feature, applied to its source label and indicators.

They run once per signature, on the feature rows of one record each.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fsq.contract import Contract
from fsq.intake.columnar import Array
from fsq.schema.vocabulary import FEATURE_TIERS, SOURCE_TYPES
from fsq.scoring.constants import repeat_constants

# Rules give texts as Enum codes; these become strings once, when all rules have run.
_STATUS = pl.Enum(["defaulted", "clamped", "warning", "valid"])
_TIER = pl.Enum(FEATURE_TIERS)
_SOURCE_TYPE = pl.Enum(SOURCE_TYPES)
_ALERT = pl.Enum(
    ["default_used", "range_violation", "stale_data_48h", "thin_sample", "silent_default"]
)

# Booleans as bits, so that one gather per feature row fetches them all.
FLAGS = ("is_default", "is_training_quality", "value_range_valid", "missing")


def apply_feature_rules(inputs: dict[str, Array], contract: Contract) -> pl.DataFrame:
    """The fields of level 1 that follow from a signature.

    Args:
        inputs: source labels and indicators, as ``RuleInputs.feature_rows`` returns them.
        contract: the contract whose rules apply.

    Returns:
        One row per feature row: its inputs, what the contract says of its source label, and
        what follows. Texts are Enum codes, except for the reason of a fallback.
    """
    width = len(contract.features)
    constants = repeat_constants(contract, len(inputs["source"]) // width)
    rows = constants.select("feature_name", "feature_index", "clamps", "reason").with_columns(
        pl.Series(n, v) for n, v in inputs.items()
    )
    scored = _apply_rules(rows.lazy().with_columns(_describe_source(contract)), contract)
    bits = [pl.col(f).fill_null(False).cast(pl.UInt8) * (1 << i) for i, f in enumerate(FLAGS)]
    return scored.with_columns(pl.sum_horizontal(bits).cast(pl.UInt8).alias("flags")).collect()


def _describe_source(contract: Contract) -> list[pl.Expr]:
    """What the contract says of a source label."""
    code, sources = pl.col("source"), contract.sources
    types = {label: SOURCE_TYPES.index(s.type) for label, s in sources.items()}
    return [
        code.cat.to(pl.Enum(list(sources))).alias("source"),
        look_up(code, {label: s.base for label, s in sources.items()}).alias("label_base"),
        look_up(code, {label: s.reliability for label, s in sources.items()}).alias("reliability"),
        look_up(code, types).cast(pl.UInt8).cat.to(_SOURCE_TYPE).alias("stated_type"),
    ]


def _apply_rules(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """The rules, in stages: each uses only what an earlier one made, so its rules run together."""
    rules = contract.feature_rules
    default, in_range = pl.col("is_default"), pl.col("value_range_valid")
    score = pl.col("quality_score")
    missing, stale, old, thin = (pl.col(c) for c in ("missing", "stale", "old", "thin"))
    penalty = (
        pl.when(old)
        .then(rules.very_stale_penalty)
        .when(stale)
        .then(rules.stale_penalty)
        .otherwise(0.0)
    )
    return (
        rows.with_columns(
            ((pl.col("stated_type") == "default") | missing).alias("is_default"),
            pl.when(missing & (pl.col("stated_type") != "default"))
            .then(contract.sources["missing"].base)
            .otherwise(pl.col("label_base"))
            .alias("base"),
            pl.when(~missing)
            .then(pl.col("inside") & ~pl.col("changed"))
            .alias("value_range_valid"),
            (pl.col("changed") | (pl.col("clamps") & ~pl.col("inside") & ~missing)).alias(
                "clamped"
            ),
        )
        .with_columns(
            (pl.col("base") - penalty - pl.when(thin).then(rules.thin_penalty).otherwise(0.0))
            .clip(0, 100)
            .alias("quality_score"),
            pl.when(default)
            .then(pl.lit("default", _SOURCE_TYPE))
            .otherwise("stated_type")
            .alias("source_type"),
            (~default & pl.col("suspect")).alias("silent_default"),
            (~in_range).fill_null(False).alias("violation"),
        )
        .with_columns(
            _tier().alias("feature_quality_tier"),
            _certainty().alias("certainty"),
            pl.when(default)
            .then(pl.when("failed").then(pl.lit("calculation_failed")).otherwise("reason"))
            .alias("fallback_reason"),
            pl.when(default)
            .then(pl.lit("defaulted", _STATUS))
            .when("clamped")
            .then(pl.lit("clamped", _STATUS))
            .when(pl.col("violation") | pl.col("silent_default"))
            .then(pl.lit("warning", _STATUS))
            .otherwise(pl.lit("valid", _STATUS))
            .alias("validation_status"),
            ((score >= rules.training_min_score) & ~default & ~thin & in_range)
            .fill_null(False)
            .alias("is_training_quality"),
            pl.when(default)
            .then(pl.lit("default_used", _ALERT))
            .when("violation")
            .then(pl.lit("range_violation", _ALERT))
            .when(old)
            .then(pl.lit("stale_data_48h", _ALERT))
            .when(thin)
            .then(pl.lit("thin_sample", _ALERT))
            .when("silent_default")
            .then(pl.lit("silent_default", _ALERT))
            .alias("triggered_alert"),
        )
    )


def look_up(code: pl.Expr, values: Mapping[str, float]) -> pl.Expr:
    """The number of each source label; ``code`` is the label's position in ``values``.

    >>> codes = pl.Series([1, 0], dtype=pl.UInt8)
    >>> pl.select(look_up(pl.lit(codes), {"a": 1.0, "b": 2.0})).to_series().to_list()
    [2.0, 1.0]
    """
    return pl.lit(pl.Series(list(values.values()), dtype=pl.Float64)).gather(code)


def _tier() -> pl.Expr:
    source = pl.col("stated_type")
    return (
        pl.when(pl.col("is_default") | pl.col("old") | pl.col("violation"))
        .then(pl.lit("poor", _TIER))
        .when(source == "calculated")
        .then(pl.lit("bronze", _TIER))
        .when((source == "phase3") | pl.col("stale") | pl.col("thin"))
        .then(pl.lit("silver", _TIER))
        .otherwise(pl.lit("gold", _TIER))
    )


def _certainty() -> pl.Expr:
    """The confidence of a feature whose sample fills its window."""
    base = pl.col("base")
    share = pl.when(base > 0).then(pl.col("quality_score") / base).otherwise(0.0)
    return pl.when("is_default").then(0.0).otherwise(100 * pl.col("reliability") * share)
