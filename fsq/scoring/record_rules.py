"""Levels 2 and 3: categories and records, aggregated from the feature rows of each signature.

Each long column becomes a matrix with one row per feature, so that a sum over features adds whole
rows. Scores and counts are small integers in the shipped contracts: the sums are exact, and a
score that meets a bound such as 85 meets it exactly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, Gate
from fsq.contract.sections import Legacy
from fsq.scoring.constants import stale_alert, stale_alerts
from fsq.utils.timing import stage


@lru_cache(maxsize=8)
def _members(contract: Contract) -> dict[str, list[int]]:
    """Indices of the features of each role, category, flag, model and stale alert."""
    features = contract.features
    out = {f"category:{c}": contract.in_category(c) for c in contract.category_names}
    out["all"] = [f.index for f in features]
    out["required"] = [f.index for f in features if not f.optional]
    out["optional"] = [f.index for f in features if f.optional]
    out["critical"] = [f.index for f in features if f.critical]
    for name, flag in {**contract.flags, **contract.model_flags}.items():
        out[f"flag:{name}"] = [f.index for f in features if f.name in flag.features]
    for model, names in contract.models.items():
        out[f"model:{model}"] = [f.index for f in features if f.name in names]
    return out


@stage("level 2")
def aggregate_features(feature_rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Sums and counts per record; every column of levels 2 and 3 is an expression of these."""
    width, members = len(contract.features), _members(contract)

    def matrix(column: pl.Series | str) -> Any:
        """A long column as a matrix of shape (features, records)."""
        values = (feature_rows[column] if isinstance(column, str) else column).to_numpy()
        return np.ascontiguousarray(values.reshape(-1, width).T)

    def count(flags: Any) -> Any:
        return flags.sum(axis=0, dtype=np.int16)

    score, default, trainable = (
        matrix(c) for c in ("quality_score", "is_default", "is_training_quality")
    )
    source = matrix(feature_rows["source"].to_physical())
    codes = {label: i for i, label in enumerate(contract.sources)}
    types = matrix(feature_rows["source_type"].to_physical())
    defaults, counted = default.astype(np.int16), np.where(default, 0.0, score)
    critical = members["critical"]
    good = (score[critical] >= contract.feature_rules.training_min_score) & ~default[critical]
    out = {"feature_quality_score": _weighted_mean(score, default, contract)}
    for category in contract.category_names:
        chosen = members[f"category:{category}"]
        out[f"{category}_quality_pct"] = counted[chosen].sum(axis=0) / max(1, len(chosen))
    out |= {f"defaults:{m}": count(defaults[chosen]) for m, chosen in members.items()}
    out |= {f"type:{t}": count(types == i) for i, t in enumerate(contract.source_type_names)}
    if contract.legacy is not None:
        labels = {"primary": contract.legacy.primary, "secondary": contract.legacy.secondary}
        out |= {f"label:{k}": count(source == codes.get(s, -1)) for k, s in labels.items()}
    old = matrix("old")
    for alert in stale_alerts(contract):
        of_alert = [f.index for f in contract.features if stale_alert(contract, f) == alert]
        out[alert] = count(old[of_alert])
    out |= {
        "violations": count(matrix("violation")),
        "silent": count(matrix("silent_default")),
        "training": count(trainable),
        "training:critical": count(trainable[critical]),
        "good:critical": count(good),
    }
    return pl.DataFrame(out)


def _weighted_mean(score: Any, default: Any, contract: Contract) -> Any:
    """The weighted mean per record; an optional feature that is a default does not count."""
    weight = np.array([[f.weight] for f in contract.features])
    optional = [f.index for f in contract.features if f.optional]
    required = [f.index for f in contract.features if not f.optional]
    counts = ~default[optional]
    points = score * weight
    points[optional] *= counts
    total = weight[required].sum() + (weight[optional] * counts).sum(axis=0)
    out = np.zeros_like(total)
    return np.divide(points.sum(axis=0), total, out=out, where=total > 0)


@lru_cache(maxsize=8)
def make_record_columns(contract: Contract) -> dict[str, pl.Expr]:
    """Build the columns of levels 2 and 3, as expressions of ``aggregate_features``."""
    categories = contract.category_names
    sizes = {c: len(contract.in_category(c)) for c in categories}
    out: dict[str, pl.Expr] = {f"{c}_quality_pct": _pct(c) for c in categories}
    for name, flag in {**contract.flags, **contract.model_flags}.items():
        complete = set(flag.features) <= set(contract.names)
        out[name] = (pl.col(f"defaults:flag:{name}") == 0) & complete
    out |= {f"{c}_default_count": _int(f"defaults:category:{c}") for c in categories}
    score, tier = _score(contract), _tier(contract)
    out["feature_quality_score"], out["quality_tier"] = score, tier
    out["quality_alert_level"] = _level(contract, tier)
    watched: list[str] = [c.name for c in contract.categories if not c.optional and sizes[c.name]]
    out["quality_alerts"] = _alerts(contract, watched, sizes)
    out["default_feature_count"] = _int("defaults:all")
    for source in contract.source_type_names:
        out[f"{source}_feature_count"] = _int(f"type:{source}")
    critical = sum(f.critical for f in contract.features)
    out["is_training_ready"] = _passes(contract.training_ready, contract)
    out["training_quality_feature_count"] = _int("training")
    out["critical_features_training_quality"] = pl.col("training:critical") == critical
    out["critical_feature_count"] = _int("good:critical")
    optionals = sum(f.optional for f in contract.features)
    out["optional_feature_count"] = (optionals - pl.col("defaults:optional")).cast(pl.Int64)
    out[contract.model_column] = _list_met(
        {
            m: (pl.col(f"defaults:model:{m}") == 0) & (set(wanted) <= set(contract.names))
            for m, wanted in contract.models.items()
        }
    )
    out["is_production_ready"] = _passes(contract.production_ready, contract)
    if contract.legacy is not None:
        out |= _legacy(contract.legacy, len(contract.features))
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
    rules, defaults = contract.alerts, pl.col("defaults:required")
    red, yellow = tier == "critical", tier == "poor"
    if rules.gate_category is not None:
        gate = _pct(rules.gate_category)
        red, yellow = (
            red | (gate < rules.red_category_below),
            yellow | (gate < rules.yellow_category_below),
        )
    return (
        pl.when(red | (defaults > rules.red_required_defaults_above))
        .then(pl.lit("red"))
        .when(yellow | (defaults > rules.yellow_required_defaults_above))
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("green"))
    )


def _alerts(contract: Contract, watched: list[str], sizes: dict[str, int]) -> pl.Expr:
    rules = contract.alerts
    required = sum(not f.optional for f in contract.features)
    share = pl.col("defaults:required") / max(1, required)
    high, raised = (
        f"high_default_rate_{r:.0%}".replace("%", "pct")
        for r in (rules.default_rate_high, rules.default_rate_raised)
    )
    conditions = {
        f"all_{c}_features_defaulted": pl.col(f"defaults:category:{c}") == sizes[c] for c in watched
    }
    conditions |= {
        "critical_features_missing": pl.col("defaults:critical") > 0,
        raised: (share > rules.default_rate_raised) & (share <= rules.default_rate_high),
        high: share > rules.default_rate_high,
        "range_violations": pl.col("violations") > 0,
        **{alert: pl.col(alert) > 0 for alert in stale_alerts(contract)},
        "silent_defaults": pl.col("silent") >= rules.silent_defaults_from,
    }
    return _list_met(conditions)


def _list_met(conditions: dict[str, pl.Expr]) -> pl.Expr:
    """The names whose condition is met, in order, as a list per record.

    The conditions are the bits of a number. The list of each number is made once and gathered.
    """
    met = [condition.fill_null(False) for condition in conditions.values()]
    if not conditions or len(conditions) > _MAX_BITS:
        named = [pl.when(m).then(pl.lit(n)) for n, m in zip(conditions, met, strict=True)]
        return pl.concat_list(named or [pl.lit(None, pl.String)]).list.drop_nulls()
    bits = [m.cast(pl.UInt32) * (1 << i) for i, m in enumerate(met)]
    lists = [
        [name for i, name in enumerate(conditions) if number >> i & 1]
        for number in range(1 << len(conditions))
    ]
    return pl.lit(pl.Series(lists, dtype=pl.List(pl.String))).gather(pl.sum_horizontal(bits))


# 12 conditions have 4,096 combinations; with more, listing record by record is cheaper.
_MAX_BITS = 12


def _passes(gate: Gate, contract: Contract) -> pl.Expr:
    """Whether a record passes; a gate that cannot be evaluated is FALSE."""
    met = _tier(contract).is_in(list(gate.tiers)) & (_score(contract) >= gate.min_score)
    for category, least in gate.category_min.items():
        met &= _pct(category) >= least
    if gate.no_critical_default:
        met &= pl.col("defaults:critical") == 0
    return met.fill_null(False)


def _legacy(legacy: Legacy, features: int) -> dict[str, pl.Expr]:
    """The legacy fields that follow from a signature; an encoded source per feature is another."""
    _, primary_field, status_field = legacy.fields
    primary, secondary = (pl.col(f"label:{k}") / features for k in ("primary", "secondary"))
    prevailing = (
        pl.when(primary >= legacy.primary_share)
        .then(pl.lit(legacy.primary))
        .when(primary >= legacy.partial_share)
        .then(pl.lit(f"{legacy.primary}_partial"))
        .when(secondary >= legacy.secondary_share)
        .then(pl.lit(legacy.secondary))
        .otherwise(pl.lit("mixed"))
    )
    status = (
        pl.when(_pct(legacy.status_category) < legacy.unavailable_below)
        .then(pl.lit(legacy.unavailable))
        .otherwise(pl.lit("COMPLETE"))
    )
    return {primary_field: prevailing, status_field: status}
