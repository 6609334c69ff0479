"""Level 1: the rules of one feature, from the signs that its line shows.

They run once per pattern of signs, on the lines of one record each.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fsq.contract import Contract
from fsq.intake.columnar import Array
from fsq.scoring.constants import constants

# A rule for words speaks in Enum codes; they become strings once, when all rules have run.
_STATUS = pl.Enum(["defaulted", "clamped", "warning", "valid"])
_TIER = pl.Enum(["poor", "bronze", "silver", "gold"])
TYPES = pl.Enum(["phase4", "phase3", "calculated", "default"])
_ALERT = pl.Enum(
    ["default_used", "range_violation", "stale_data_48h", "thin_sample", "silent_default"]
)


# Fields that are words.
TEXT_FIELDS = ("source_type", "validation_status", "feature_quality_tier", "triggered_alert")
# Booleans of a line, as bits: many lines take them from a few patterns in one go.
FLAGS = ("is_default", "is_training_quality", "value_range_valid", "missing")


def apply_feature_rules(signs: dict[str, Array], contract: Contract) -> pl.DataFrame:
    """The fields of level 1 that signs decide.

    Args:
        signs: source words and signs, as ``Signs.lines`` gives them.
        contract: whose rules apply.

    Returns:
        One line per given line: its signs, the contract's words on it, and what follows; words
        are Enum codes except for the reason of a fallback.
    """
    width = len(contract.features)
    fixed = constants(contract, len(signs["source"]) // width)
    named = fixed.select("feature_name", "feature_index", "clamps", "reason")
    lines = named.with_columns(pl.Series(n, v) for n, v in signs.items())
    made = _with_rules(lines.lazy().with_columns(_meant(contract)), contract)
    bits = [pl.col(f).fill_null(False).cast(pl.UInt8) * (1 << i) for i, f in enumerate(FLAGS)]
    return made.with_columns(pl.sum_horizontal(bits).cast(pl.UInt8).alias("flags")).collect()


def _meant(contract: Contract) -> list[pl.Expr]:
    """What the contract says of a source word."""
    raw, words, types = pl.col("source"), contract.sources, TYPES.categories.to_list()
    kinds = {w: types.index(s.type) for w, s in words.items()}
    return [
        raw.cat.to(pl.Enum(list(words))).alias("source"),
        by_label(raw, {w: s.base for w, s in words.items()}).alias("word_base"),
        by_label(raw, {w: s.reliability for w, s in words.items()}).alias("reliability"),
        by_label(raw, kinds).cast(pl.UInt8).cat.to(TYPES).alias("canonical"),
    ]


def _with_rules(lines: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """The rules; each stage uses only what an earlier one made, so a stage runs side by side."""
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
        lines.with_columns(
            ((pl.col("canonical") == "default") | missing).alias("is_default"),
            pl.when(missing & (pl.col("canonical") != "default"))
            .then(contract.sources["missing"].base)
            .otherwise(pl.col("word_base"))
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
            .then(pl.lit("default", TYPES))
            .otherwise("canonical")
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


def by_label(raw: pl.Expr, values: Mapping[str, float]) -> pl.Expr:
    """A number per source word; ``raw`` are positions among exactly these words.

    >>> words = pl.Series([1, 0], dtype=pl.UInt8)
    >>> pl.select(by_label(pl.lit(words), {"a": 1.0, "b": 2.0})).to_series().to_list()
    [2.0, 1.0]
    """
    return pl.lit(pl.Series(list(values.values()), dtype=pl.Float64)).gather(raw)


def _tier() -> pl.Expr:
    kind = pl.col("canonical")
    return (
        pl.when(pl.col("is_default") | pl.col("old") | pl.col("violation"))
        .then(pl.lit("poor", _TIER))
        .when(kind == "calculated")
        .then(pl.lit("bronze", _TIER))
        .when((kind == "phase3") | pl.col("stale") | pl.col("thin"))
        .then(pl.lit("silver", _TIER))
        .otherwise(pl.lit("gold", _TIER))
    )


def _certainty() -> pl.Expr:
    """The confidence of a line whose sample fills its window."""
    base = pl.col("base")
    share = pl.when(base > 0).then(pl.col("quality_score") / base).otherwise(0.0)
    return pl.when("is_default").then(0.0).otherwise(100 * pl.col("reliability") * share)
