"""Levels 2 and 3: categories and records, reduced from the same long columns.

A record's features are one line of a matrix (records × features), so that every sum over
features is one matrix product with a matrix of memberships. Scores and counts are small
integers in the shipped contracts: the sums are exact, and bounds such as 85 are met exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract, Gate
from fsq.schema import CATEGORIES

Matrix = npt.NDArray[np.float64]

# Long columns that this level reads; the engine asks level 1 for no others on flat output.
READS = (
    "quality_score", "is_default", "source_type", "source", "value_range_valid", "age_hours",
    "silent_default", "is_training_quality",
)  # fmt: skip


@lru_cache(maxsize=8)
def _members(contract: Contract) -> dict[str, Matrix]:
    def mask(chosen: list[bool]) -> Matrix:
        return np.array(chosen, dtype=np.float64)

    features = contract.features
    out = {c: mask([f.category == c for f in features]) for c in CATEGORIES}
    out["all"] = mask([True] * len(features))
    out["required"] = mask([not f.optional for f in features])
    out["optional"] = mask([f.optional for f in features])
    out["critical"] = mask([f.critical for f in features])
    out["weight"] = np.array([f.weight for f in features])
    for flag, wanted in contract.flags:
        out[flag] = mask([f.name in wanted for f in features])
    for model, wanted in contract.models.items():
        out[f"model:{model}"] = mask([f.name in wanted for f in features])
    return out


def reduced(long: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Sums and counts per record, from which every column of levels 2 and 3 is an expression."""
    width = len(contract.features)
    matrices = _matrices(long, contract, width)
    members = _members(contract)
    default, score, trains = (matrices[m] for m in ("is_default", "quality_score", "trains"))
    weight = np.where(default * members["optional"] > 0, 0.0, members["weight"])
    total = weight.sum(axis=1)
    weighted = (score * weight).sum(axis=1)
    out: dict[str, Matrix] = {
        "feature_quality_score": np.divide(
            weighted, total, out=np.zeros_like(total), where=total > 0
        )
    }
    size = np.array([max(1.0, members[c].sum()) for c in CATEGORIES])
    trusted = (score * (1.0 - default)) @ np.stack([members[c] for c in CATEGORIES], axis=1) / size
    out |= {f"{c}_quality_pct": line for c, line in zip(CATEGORIES, _lines(trusted), strict=True)}
    counted = [*CATEGORIES, "all", "required", "critical", "optional"]
    counted += [k for k, _ in contract.flags] + [m for m in members if m.startswith("model:")]
    sums = default @ np.stack([members[m] for m in counted], axis=1)
    out |= {f"defaults:{m}": line for m, line in zip(counted, _lines(sums), strict=True)}
    out["training:critical"] = trains @ members["critical"]
    good = (score >= contract.feature_rules.training_min_score) & (default == 0)
    out["good:critical"] = good.astype(np.float64) @ members["critical"]
    out |= {name: matrices[name].sum(axis=1) for name in _SUMMED} | {"training": trains.sum(axis=1)}
    oldest = matrices["age"].max(axis=1, initial=-1.0)
    return pl.DataFrame(out).with_columns(
        pl.Series("upstream_data_freshness_hours", np.where(oldest < 0, np.nan, oldest)).fill_nan(
            None
        )
    )


def _lines(matrix: Matrix) -> Matrix:
    """The matrix's columns as lines in memory, which Polars takes without a walk over strides."""
    return np.ascontiguousarray(matrix.T)


_SUMMED = ("type:phase4", "type:phase3", "type:calculated", "raw:phase4", "raw:phase3",
           "violations", "silent")  # fmt: skip


def _matrices(long: pl.DataFrame, contract: Contract, width: int) -> dict[str, Matrix]:
    """The long columns as matrices of numbers; an unknown age is -1, no age is below 0."""

    def raw(word: str) -> pl.Expr:
        return (pl.col("source") == word) if word in contract.sources else pl.lit(False)

    made = long.select(
        pl.col("quality_score"),
        pl.col("is_default").cast(pl.Float64),
        trains=pl.col("is_training_quality").cast(pl.Float64),
        age=pl.col("age_hours").fill_null(-1.0),
        violations=(~pl.col("value_range_valid")).fill_null(False).cast(pl.Float32),
        silent=pl.col("silent_default").cast(pl.Float32),
        **{f"type:{w}": (pl.col("source_type") == w).cast(pl.Float32)
           for w in ("phase4", "phase3", "calculated")},
        **{f"raw:{w}": raw(w).cast(pl.Float32) for w in ("phase4", "phase3")},
    )  # fmt: skip
    shape = (long.height // width, width)
    return {column.name: column.to_numpy().reshape(shape) for column in made}


@lru_cache(maxsize=8)
def columns(contract: Contract) -> dict[str, pl.Expr]:
    """Each numeric, flag and word column of levels 2 and 3, from what ``reduced`` gives."""
    size = {c: len(contract.in_category(c)) for c in CATEGORIES}
    out: dict[str, pl.Expr] = {f"{c}_quality_pct": _pct(c) for c in CATEGORIES}
    for flag, wanted in contract.flags:
        complete = set(wanted) <= set(contract.names)
        out[flag] = (pl.col(f"defaults:{flag}") == 0) & complete
    out |= {f"{c}_default_count": _int(f"defaults:{c}") for c in CATEGORIES}
    score, tier = _score(contract), _tier(contract)
    out["feature_quality_score"], out["quality_tier"] = score, tier
    out["quality_alert_level"] = _level(contract, tier)
    watched: list[str] = [c.name for c in contract.categories if not c.optional and size[c.name]]
    out["quality_alerts"] = _alerts(contract, watched, size)
    out["default_feature_count"] = _int("defaults:all")
    for word in ("phase4", "phase3", "calculated"):
        out[f"{word}_feature_count"] = _int(f"type:{word}")
    critical = sum(f.critical for f in contract.features)
    out["is_training_ready"] = _passes(contract.training_ready, contract)
    out["training_quality_feature_count"] = _int("training")
    out["critical_features_training_quality"] = pl.col("training:critical") == critical
    out["critical_feature_count"] = _int("good:critical")
    optionals = sum(f.optional for f in contract.features)
    out["optional_feature_count"] = (optionals - pl.col("defaults:optional")).cast(pl.Int64)
    out["breakout_model_compatible"] = pl.concat_list(
        [
            pl.when((pl.col(f"defaults:model:{m}") == 0) & (set(wanted) <= set(contract.names)))
            .then(pl.lit(m))
            for m, wanted in contract.models.items()
        ]
        or [pl.lit(None, pl.String)]
    ).list.drop_nulls()  # fmt: skip
    out["is_production_ready"] = _passes(contract.production_ready, contract)
    out["upstream_data_freshness_hours"] = pl.col("upstream_data_freshness_hours")
    out |= _legacy(contract)
    return out


def _pct(category: str) -> pl.Expr:
    return pl.col(f"{category}_quality_pct")


def _int(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int64)


def _score(contract: Contract) -> pl.Expr:
    score = pl.col("feature_quality_score")
    for cap in contract.score_caps:
        hit = pl.col("defaults:required") >= cap.min_required_defaults
        score = pl.when(hit).then(pl.min_horizontal(score, pl.lit(cap.max_score))).otherwise(score)
    return score


def _tier(contract: Contract) -> pl.Expr:
    score, bounds = _score(contract), contract.tiers
    return (
        pl.when(score > bounds.gold_above)
        .then(pl.lit("gold"))
        .when(score >= bounds.silver_from)
        .then(pl.lit("silver"))
        .when(score >= bounds.bronze_from)
        .then(pl.lit("bronze"))
        .when(score >= bounds.poor_from)
        .then(pl.lit("poor"))
        .otherwise(pl.lit("critical"))
    )


def _level(contract: Contract, tier: pl.Expr) -> pl.Expr:
    rules, lacking = contract.alerts, pl.col("defaults:required")
    gate = _pct(rules.gate_category)
    red = (tier == "critical") | (gate < rules.red_category_below)
    yellow = (tier == "poor") | (gate < rules.yellow_category_below)
    return (
        pl.when(red | (lacking > rules.red_required_defaults_above))
        .then(pl.lit("red"))
        .when(yellow | (lacking > rules.yellow_required_defaults_above))
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("green"))
    )


def _alerts(contract: Contract, watched: list[str], size: dict[str, int]) -> pl.Expr:
    rules = contract.alerts
    required = sum(not f.optional for f in contract.features)
    share = pl.col("defaults:required") / max(1, required)
    high, raised = (f"high_default_rate_{r:.0%}".replace("%", "pct")
                    for r in (rules.default_rate_high, rules.default_rate_raised))  # fmt: skip
    rules_met = {f"all_{c}_features_defaulted": pl.col(f"defaults:{c}") == size[c] for c in watched}
    rules_met |= {
        "critical_features_missing": pl.col("defaults:critical") > 0,
        high: share > rules.default_rate_high,
        raised: (share > rules.default_rate_raised) & (share <= rules.default_rate_high),
        "range_violations": pl.col("violations") > 0,
        f"stale_data_{contract.feature_rules.very_stale_hours:g}h": (
            pl.col("upstream_data_freshness_hours") > contract.feature_rules.very_stale_hours
        ),
        "silent_defaults": pl.col("silent") >= rules.silent_defaults_from,
    }
    return _listed(rules_met)


def _listed(words: dict[str, pl.Expr]) -> pl.Expr:
    """The words whose condition is met, in order, as a list per record.

    The conditions are the bits of a number, and each number has one list: made once, gathered.
    """
    bits = [met.fill_null(False).cast(pl.UInt32) * (1 << i) for i, met in enumerate(words.values())]
    lists = [
        [word for i, word in enumerate(words) if number >> i & 1]
        for number in range(1 << len(words))
    ]
    return pl.lit(pl.Series(lists, dtype=pl.List(pl.String))).gather(pl.sum_horizontal(bits))


def _passes(gate: Gate, contract: Contract) -> pl.Expr:
    """Whether a record passes; a gate that cannot be evaluated is FALSE."""
    met = _tier(contract).is_in(list(gate.tiers)) & (_score(contract) >= gate.min_score)
    for category, least in gate.category_min.items():
        met &= _pct(category) >= least
    if gate.no_critical_default:
        met &= pl.col("defaults:critical") == 0
    return met.fill_null(False)


def _legacy(contract: Contract) -> dict[str, pl.Expr]:
    rules, size = contract.legacy, len(contract.features)
    phase4, phase3 = pl.col("raw:phase4") / size, pl.col("raw:phase3") / size
    primary = (
        pl.when(phase4 >= rules.phase4_share)
        .then(pl.lit("phase4"))
        .when(phase4 >= rules.partial_share)
        .then(pl.lit("phase4_partial"))
        .when(phase3 >= rules.phase3_share)
        .then(pl.lit("phase3"))
        .otherwise(pl.lit("mixed"))
    )
    unavailable = _pct(contract.alerts.gate_category) < rules.matchup_unavailable_below
    status = pl.when(unavailable).then(pl.lit("MATCHUP_UNAVAILABLE")).otherwise(pl.lit("COMPLETE"))
    return {"primary_data_source": primary, "matchup_data_status": status}
