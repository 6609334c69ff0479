"""Level 1: the rules of one feature, applied to its source label and indicators.

They run once per signature, on the feature rows of one record each.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fsq.contract import Contract
from fsq.intake.batch_query import Array
from fsq.schema.vocabulary import DEFAULT, FEATURE_TIERS
from fsq.scoring.constants import CALCULATION_FAILED, repeat_constants, stale_alerts

# Rules give texts as Enum codes; these become strings once, when all rules have run.
_STATUS = pl.Enum(["defaulted", "clamped", "warning", "valid"])
_TIER = pl.Enum(FEATURE_TIERS)
_LAST_ALERTS = ("thin_sample", "silent_default")

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
    rows = constants.select(
        "feature_name", "feature_index", "clamps", "reason", "stale_alert"
    ).with_columns(pl.Series(n, v) for n, v in inputs.items())
    scored = _apply_rules(rows.lazy().with_columns(_describe_source(contract)), contract)
    bits = [pl.col(f).fill_null(False).cast(pl.UInt8) * (1 << i) for i, f in enumerate(FLAGS)]
    return scored.with_columns(pl.sum_horizontal(bits).cast(pl.UInt8).alias("flags")).collect()


def _describe_source(contract: Contract) -> list[pl.Expr]:
    """What the contract says of a source label."""
    code, sources = pl.col("source"), contract.sources
    names, tiers = source_types(contract), [t.tier for t in contract.source_types]
    types = {label: names.index(s.type) for label, s in sources.items()}
    best = [*map(FEATURE_TIERS.index, tiers), FEATURE_TIERS.index("poor")]
    return [
        code.cat.to(pl.Enum(list(sources))).alias("source"),
        look_up(code, {label: s.base for label, s in sources.items()}).alias("label_base"),
        look_up(code, {label: s.reliability for label, s in sources.items()}).alias("reliability"),
        look_up(code, types).cast(pl.UInt8).cat.to(pl.Enum(names)).alias("stated_type"),
        look_up(code, {label: best[t] for label, t in types.items()}).alias("best_tier"),
    ]


def _apply_rules(rows: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """The rules, in stages: each uses only what an earlier one made, so its rules run together."""
    rules, types = contract.feature_rules, pl.Enum(source_types(contract))
    alert = pl.Enum(["default_used", "range_violation", *stale_alerts(contract), *_LAST_ALERTS])
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
            ((pl.col("stated_type") == DEFAULT) | missing).alias("is_default"),
            pl.when(missing & (pl.col("stated_type") != DEFAULT))
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
            .then(pl.lit(DEFAULT, types))
            .otherwise("stated_type")
            .alias("source_type"),
            (~default & pl.col("suspect")).alias("silent_default"),
            (~in_range).fill_null(False).alias("violation"),
        )
        .with_columns(
            _tier().alias("feature_quality_tier"),
            _certainty().alias("certainty"),
            pl.when(default)
            .then(pl.when("failed").then(pl.lit(CALCULATION_FAILED)).otherwise("reason"))
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
            .then(pl.lit("default_used", alert))
            .when("violation")
            .then(pl.lit("range_violation", alert))
            .when(old)
            .then(pl.col("stale_alert").cast(alert))
            .when(thin)
            .then(pl.lit("thin_sample", alert))
            .when("silent_default")
            .then(pl.lit("silent_default", alert))
            .alias("triggered_alert"),
        )
    )


def source_types(contract: Contract) -> list[str]:
    """The contract's source types, best first, and ``default``."""
    return [*contract.source_type_names, DEFAULT]


def look_up(code: pl.Expr, values: Mapping[str, float]) -> pl.Expr:
    """The number of each source label; ``code`` is the label's position in ``values``.

    >>> codes = pl.Series([1, 0], dtype=pl.UInt8)
    >>> pl.select(look_up(pl.lit(codes), {"a": 1.0, "b": 2.0})).to_series().to_list()
    [2.0, 1.0]
    """
    return pl.lit(pl.Series(list(values.values()), dtype=pl.Float64)).gather(code)


def _tier() -> pl.Expr:
    """Poor, or the worse of the source type's best tier and silver, if stale or thin."""
    poor = pl.col("is_default") | pl.col("old") | pl.col("violation")
    limited = pl.when(pl.col("stale") | pl.col("thin")).then(1).otherwise(0)
    tier = pl.when(poor).then(3).otherwise(pl.max_horizontal("best_tier", limited))
    return tier.cast(pl.UInt8).cat.to(_TIER)


def _certainty() -> pl.Expr:
    """The confidence of a feature whose sample fills its window."""
    base = pl.col("base")
    share = pl.when(base > 0).then(pl.col("quality_score") / base).otherwise(0.0)
    return pl.when("is_default").then(0.0).otherwise(100 * pl.col("reliability") * share)
