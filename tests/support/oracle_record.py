"""The oracle's level 3: one record, from its features and categories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.oracle_model import OracleContract, OracleGate
from tests.support.oracle_rules import hours_between

Row = dict[str, Any]


def judge_record(contract: OracleContract, details: list[Row], extras: list[Row], cats: Row) -> Row:
    """The record's columns, but for lineage and the legacy fields."""
    pairs = list(zip(details, contract.features, strict=True))
    required = [d for d, f in pairs if not f.optional]
    critical = [d for d, f in pairs if f.critical]
    lacking = sum(d["is_default"] for d in required)
    score = score_record(contract, details, lacking)
    tier = tier_of(contract, score)
    complete = not any(d["is_default"] for d in critical)
    good = {d["feature_name"] for d in details if not d["is_default"]}
    kinds = [d["source_type"] for d in details]
    ages = [e["age"] for e in extras if e["age"] is not None]
    least = contract.rules.training_min_score
    return {
        "feature_quality_score": score,
        "quality_tier": tier,
        "quality_alert_level": level_of(contract, tier, cats, lacking),
        "quality_alerts": alerts_of(contract, details, extras),
        "default_feature_count": kinds.count("default"),
        **{f"{t}_feature_count": kinds.count(t) for t in contract.source_types},
        "is_training_ready": passes(contract.training_ready, tier, score, cats, complete),
        "training_quality_feature_count": sum(d["is_training_quality"] for d in details),
        "critical_features_training_quality": all(d["is_training_quality"] for d in critical),
        "critical_feature_count": sum(
            not d["is_default"] and d["quality_score"] >= least for d in critical
        ),
        "optional_feature_count": sum(f.optional and not d["is_default"] for d, f in pairs),
        "available_feature_names": [d["feature_name"] for d in details if not d["is_default"]],
        contract.model_column: [m for m, names in contract.models.items() if set(names) <= good],
        **{name: set(names) <= good for name, names in contract.model_flags.items()},
        "is_production_ready": passes(contract.production_ready, tier, score, cats, complete),
        "upstream_data_freshness_hours": max(ages) if ages else None,
    }


def score_record(contract: OracleContract, details: list[Row], lacking: int) -> float:
    """The weighted mean, under the caps; an optional feature that is default weighs nothing."""
    total, weight = 0.0, 0.0
    for d, f in zip(details, contract.features, strict=True):
        if not (f.optional and d["is_default"]):
            total, weight = total + f.weight * d["quality_score"], weight + f.weight
    score = total / weight if weight else 0.0
    return min([score, *(float(cap) for least, cap in contract.caps if lacking >= least)])


def tier_of(contract: OracleContract, score: float) -> str:
    """The record's tier; only gold lies strictly above its bound."""
    tiers = contract.tiers
    if score > tiers.gold_above:
        return "gold"
    bounds = [
        (tiers.silver_from, "silver"),
        (tiers.bronze_from, "bronze"),
        (tiers.poor_from, "poor"),
    ]
    return next((tier for low, tier in bounds if score >= low), "critical")


def level_of(contract: OracleContract, tier: str, cats: Row, lacking: int) -> str:
    """Red, yellow or green."""
    rules = contract.alerts
    gate = None if rules.gate_category is None else cats[f"{rules.gate_category}_quality_pct"]
    if tier == "critical" or lacking > rules.red_required_defaults_above:
        return "red"
    if gate is not None and gate < rules.red_category_below:
        return "red"
    if tier == "poor" or lacking > rules.yellow_required_defaults_above:
        return "yellow"
    return "yellow" if gate is not None and gate < rules.yellow_category_below else "green"


def alerts_of(contract: OracleContract, details: list[Row], extras: list[Row]) -> list[str]:
    """The record's alerts, in their order."""
    rules = contract.alerts
    pairs = list(zip(details, contract.features, strict=True))
    alerts = [
        f"all_{c}_features_defaulted"
        for c, optional in contract.categories.items()
        if not optional and all(d["is_default"] for d, f in pairs if f.category == c)
    ]
    if any(d["is_default"] for d, f in pairs if f.critical):
        alerts.append("critical_features_missing")
    required = [d["is_default"] for d, f in pairs if not f.optional]
    share = sum(required) / len(required) if required else 0.0
    if share > rules.default_rate_high:
        alerts.append(f"high_default_rate_{round(rules.default_rate_high * 100)}pct")
    elif share > rules.default_rate_raised:
        alerts.append(f"high_default_rate_{round(rules.default_rate_raised * 100)}pct")
    if any(d["value_range_valid"] is False for d in details):
        alerts.append("range_violations")
    old = {
        contract.stale_alert(f) for f, e in zip(contract.features, extras, strict=True) if e["old"]
    }
    in_order = dict.fromkeys(map(contract.stale_alert, contract.features))
    alerts += [alert for alert in in_order if alert in old]
    if sum(e["silent"] for e in extras) >= rules.silent_defaults_from:
        alerts.append("silent_defaults")
    return alerts


def passes(gate: OracleGate, tier: str, score: float, cats: Row, complete: bool) -> bool:
    """Whether a record passes a gate."""
    return (
        tier in gate.tiers
        and score >= gate.min_score
        and all(cats[f"{c}_quality_pct"] >= low for c, low in gate.category_min.items())
        and (complete or not gate.no_critical_default)
    )


def trace_lineage(
    row: Row,
    contract: OracleContract,
    moment: datetime,
    now: datetime,
    run_id: str | None,
    processors: list[str] | None,
) -> Row:
    """Which run and processors stand behind the record, how old it is, and by which definition."""
    done = row.get("processors_completed")
    if done is None:
        done = processors
    ran: list[str] = []
    missing: list[str] = []
    if done is not None:
        known = list(contract.processors)
        ran = [p for p in known if p in done] + sorted(set(done) - set(known))
        missing = [p for p in contract.expected if p not in done]
    computed = row.get("computed_at")
    own = row.get("pipeline_run_id")
    return {
        "feature_schema_version": contract.name,
        "feature_quality_detail_version": contract.detail_version,
        "upstream_pipeline_run_id": own if own is not None else run_id,
        "predecessor_processors_completed": ran,
        "upstream_processors_ran": None if done is None else ",".join(ran),
        "missing_processors": ",".join(missing) or None,
        "feature_store_age_hours": None if computed is None else hours_between(computed, moment),
        "quality_computed_at": now,
        "quality_schema_version": contract.schema_version,
    }


def write_legacy(row: Row, contract: OracleContract, extras: list[Row], cats: Row) -> Row:
    """The three dual-written fields, if the contract has them; the input's own values win."""
    rules = contract.legacy
    if rules is None:
        return {}
    raws = [e["raw"] for e in extras]
    primary, secondary = (raws.count(w) / len(raws) for w in (rules.primary, rules.secondary))
    prevailing = "mixed"
    if primary >= rules.primary_share:
        prevailing = rules.primary
    elif primary >= rules.partial_share:
        prevailing = f"{rules.primary}_partial"
    elif secondary >= rules.secondary_share:
        prevailing = rules.secondary
    pct = cats[f"{rules.status_category}_quality_pct"]
    made = {
        "feature_sources": "{" + ",".join(f'"{i}":"{r}"' for i, r in enumerate(raws)) + "}",
        "primary_data_source": prevailing,
        rules.status_column: rules.unavailable if pct < rules.unavailable_below else "COMPLETE",
    }
    return {k: row[k] if row.get(k) is not None else v for k, v in made.items()}
