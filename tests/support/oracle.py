"""The oracle: a slow, plain scorer, one row and one feature at a time.

Written from the definition of quality alone; fsq never imports it, and it imports nothing of
fsq. The fast path must give what this gives, field by field.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.oracle_contracts import OracleContract, OracleFeature

Row = dict[str, Any]

# raw word: canonical type, base, reliability
SOURCES = {
    "phase4": ("phase4", 100.0, 1.0),
    "vegas": ("phase4", 100.0, 1.0),
    "minutes_ppm": ("phase4", 95.0, 1.0),
    "opponent_history": ("phase4", 90.0, 0.95),
    "phase3": ("phase3", 87.0, 0.95),
    "calculated": ("calculated", 100.0, 0.9),
    "default": ("default", 40.0, 0.0),
    "fallback": ("default", 40.0, 0.0),
    "missing": ("default", 0.0, 0.0),
}
CATEGORIES = ["matchup", "player_history", "team_context", "vegas", "game_context"]
SIZES = {"last_5": 5, "last_10": 10}
EXPECTED = [
    "PlayerDailyCacheProcessor",
    "PlayerCompositeFactorsProcessor",
    "TeamDefenseZoneAnalysisProcessor",
    "PlayerShotZoneAnalysisProcessor",
    "MLFeatureStoreProcessor",
]
KNOWN = [
    *EXPECTED,
    "UpcomingPlayerGameContextProcessor",
    "TeamOffenseGameSummaryProcessor",
    "PlayerGameSummaryProcessor",
]


def first(row: Row, *names: str | None) -> Any:
    """The first non-NULL of the named columns, absent ones passed over."""
    for name in names:
        if name is not None and row.get(name) is not None:
            return row[name]
    return None


def score_rows(
    rows: list[Row],
    contract: OracleContract,
    *,
    now: datetime,
    as_of: datetime | None = None,
    run_id: str | None = None,
    processors: list[str] | None = None,
) -> list[Row]:
    """The 44 output columns of each wide row."""
    return [score_row(row, contract, now, as_of, run_id, processors) for row in rows]


def score_row(
    row: Row,
    contract: OracleContract,
    now: datetime,
    as_of: datetime | None,
    run_id: str | None,
    processors: list[str] | None,
) -> Row:
    """The 44 output columns of one wide row."""
    day = row["game_date"]
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    moment = row.get("as_of") or as_of or min(now, midnight)
    details, extras = [], []
    for feature in contract.features:
        detail, extra = score_feature(row, feature, moment)
        details.append(detail)
        extras.append(extra)
    out: Row = {"feature_quality_detail": details}
    by_category = {c: [d for d in details if d["feature_category"] == c] for c in CATEGORIES}
    for c, members in by_category.items():
        total = sum(0.0 if d["is_default"] else d["quality_score"] for d in members)
        out[f"{c}_quality_pct"] = total / len(members)
    good = {d["feature_name"] for d in details if not d["is_default"]}
    out["has_composite_factors"] = {contract.features[i].name for i in (5, 6, 7, 8)} <= good
    out["has_opponent_defense"] = {"opponent_def_rating", "opponent_pace"} <= good
    out["has_vegas_line"] = "vegas_points_line" in good
    for c, members in by_category.items():
        out[f"{c}_default_count"] = sum(d["is_default"] for d in members)
    out |= record(row, contract, details, extras, out, good)
    out |= lineage(row, moment, now, run_id, processors)
    out["feature_schema_version"] = contract.name
    out |= legacy(row, extras, out["matchup_quality_pct"])
    return out


def score_feature(row: Row, f: OracleFeature, moment: datetime) -> tuple[Row, Row]:
    """Level 1: the 23 fields, and what the record needs beside them."""
    v = row[f.name]
    v = None if v is None else float(v)
    failed = v is not None and not math.isfinite(v)
    if failed:
        v = None
    raw = row.get(f"{f.name}__source") or "missing"
    canonical, base, reliability = SOURCES[raw]
    default = canonical == "default" or v is None
    if v is None and canonical != "default":
        base = SOURCES["missing"][1]
    in_range, value, original = None, v, None
    if v is not None:
        in_range = f.min <= v <= f.max
        if not in_range and f.on_violation == "clamp":
            value, original = float(f.min if v < f.min else f.max), v
        upstream = row.get(f"{f.name}__original_value")
        if upstream is not None and upstream != v:
            original, in_range = float(upstream), False
    updated = first(row, f"{f.name}__last_updated", f"{f.upstream_table}__last_updated")
    age = None
    if updated is not None:
        age = max(0.0, (moment - updated) / timedelta(microseconds=1) / 3.6e9)
    window = f.window and f"{f.window}__sample_size"
    sample = first(row, f"{f.name}__sample_size", window)
    thin = sample is not None and sample < 5
    old = age is not None and age > 48
    stale = age is not None and age > 24
    score = base - (20 if old else 10 if stale else 0) - (10 if thin else 0)
    score = min(100.0, max(0.0, float(score)))
    silent = not default and f.suspicious_default and v == f.expected
    tier: str
    if default or old or in_range is False:
        tier = "poor"
    elif canonical == "calculated":
        tier = "bronze"
    elif canonical == "phase3" or stale or thin:
        tier = "silver"
    else:
        tier = "gold"
    size = SIZES.get(f.window or "")
    adequacy = min(1.0, max(0.0, sample / size)) if size and sample is not None else 1.0
    confidence = 0.0 if default else 100 * reliability * (score / base) * adequacy
    reason = None
    if default:
        reason = row.get(f"{f.name}__fallback_reason")
        if reason is None:
            reason = "calculation_failed" if failed else f.fallback_reason
    if default:
        status, alert = "defaulted", "default_used"
    else:
        status = "clamped" if original is not None else "valid"
        if original is None and (in_range is False or silent):
            status = "warning"
        rules = [
            (in_range is False, "range_violation"),
            (old, "stale_data_48h"),
            (thin, "thin_sample"),
            (silent, "silent_default"),
        ]
        alert = next((word for hit, word in rules if hit), "")
    games = first(row, f"{f.name}__game_ids", f.window and f"{f.window}__game_ids") or []
    table = row.get(f"{f.name}__upstream_table")
    table = f.upstream_table if table is None else table
    detail = {
        "feature_index": f.index,
        "feature_name": f.name,
        "feature_category": f.category,
        "feature_value": value,
        "expected_value": None if f.expected is None else float(f.expected),
        "original_value": original,
        "value_range_valid": in_range,
        "validation_status": status,
        "source_type": "default" if default else canonical,
        "upstream_table": table,
        "upstream_data_hash": first(row, f"{f.name}__data_hash", f"{f.upstream_table}__data_hash"),
        "last_updated": updated,
        "quality_score": score,
        "feature_quality_tier": tier,
        "confidence_pct": confidence,
        "is_default": default,
        "fallback_reason": reason,
        "sample_size": sample,
        "contributing_game_ids": [g for g in games if g is not None],
        "is_training_quality": score >= 85 and not default and not thin and in_range is True,
        "triggered_alert": alert or None,
        "feature_definition_version": f.definition_version,
        "computation_duration_ms": row.get(f"{f.name}__duration_ms"),
    }
    return detail, {"raw": raw, "age": age, "silent": silent, "feature": f}


def record(
    row: Row,
    contract: OracleContract,
    details: list[Row],
    extras: list[Row],
    cats: Row,
    good: set[str],
) -> Row:
    """Level 3, but for lineage and the legacy fields."""
    weighted = [
        d["quality_score"]
        for d, f in zip(details, contract.features, strict=True)
        if not (f.optional and d["is_default"])
    ]
    score = sum(weighted) / len(weighted) if weighted else 0.0
    required = [d for d, f in zip(details, contract.features, strict=True) if not f.optional]
    critical = [d for d, f in zip(details, contract.features, strict=True) if f.critical]
    lacking = sum(d["is_default"] for d in required)
    for least, cap in contract.caps:
        if lacking >= least:
            score = min(score, cap)
    if score > 95:
        tier = "gold"
    else:
        bounds = [(85, "silver"), (70, "bronze"), (50, "poor")]
        tier = next((t for low, t in bounds if score >= low), "critical")
    matchup, history = cats["matchup_quality_pct"], cats["player_history_quality_pct"]
    level = "green"
    if tier == "poor" or matchup < 70 or lacking > 2:
        level = "yellow"
    if tier == "critical" or matchup < 50 or lacking > 6:
        level = "red"
    alerts = [
        f"all_{c}_features_defaulted"
        for c in CATEGORIES
        if c != "vegas" and all(d["is_default"] for d in details if d["feature_category"] == c)
    ]
    if any(d["is_default"] for d in critical):
        alerts.append("critical_features_missing")
    if lacking * 2 > len(required):
        alerts.append("high_default_rate_50pct")
    elif lacking * 5 > len(required):
        alerts.append("high_default_rate_20pct")
    ages = [e["age"] for e in extras if e["age"] is not None]
    if any(d["value_range_valid"] is False for d in details):
        alerts.append("range_violations")
    if any(age > 48 for age in ages):
        alerts.append("stale_data_48h")
    if sum(e["silent"] for e in extras) >= 2:
        alerts.append("silent_defaults")
    kinds = [d["source_type"] for d in details]
    breakout = {"star_teammate_out", "fg_pct_last_game"}
    complete = not any(d["is_default"] for d in critical)
    return {
        "feature_quality_score": score,
        "quality_tier": tier,
        "quality_alert_level": level,
        "quality_alerts": alerts,
        "default_feature_count": kinds.count("default"),
        "phase4_feature_count": kinds.count("phase4"),
        "phase3_feature_count": kinds.count("phase3"),
        "calculated_feature_count": kinds.count("calculated"),
        "is_training_ready": tier in ("gold", "silver")
        and matchup >= 70
        and history >= 80
        and complete,
        "training_quality_feature_count": sum(d["is_training_quality"] for d in details),
        "critical_features_training_quality": all(d["is_training_quality"] for d in critical),
        "critical_feature_count": sum(
            not d["is_default"] and d["quality_score"] >= 85 for d in critical
        ),
        "optional_feature_count": sum(
            f.optional and not d["is_default"]
            for d, f in zip(details, contract.features, strict=True)
        ),
        "available_feature_names": [d["feature_name"] for d in details if not d["is_default"]],
        "breakout_model_compatible": [
            m for m, names in contract.models.items() if set(names) <= good
        ],
        "breakout_v3_features_available": breakout <= good,
        "feature_quality_detail_version": "v2",
        "is_production_ready": tier in ("gold", "silver", "bronze")
        and score >= 85
        and matchup >= 50,
        "upstream_data_freshness_hours": max(ages) if ages else None,
    }


def lineage(
    row: Row, moment: datetime, now: datetime, run_id: str | None, processors: list[str] | None
) -> Row:
    """Which run and processors stand behind the record, and how old it is."""
    done = row.get("processors_completed")
    if done is None:
        done = processors
    ran: list[str] = []
    missing: list[str] = []
    if done is not None:
        ran = [p for p in KNOWN if p in done] + sorted(set(done) - set(KNOWN))
        missing = [p for p in EXPECTED if p not in done]
    computed = row.get("computed_at")
    age = None
    if computed is not None:
        age = max(0.0, (moment - computed) / timedelta(microseconds=1) / 3.6e9)
    own = row.get("pipeline_run_id")
    return {
        "upstream_pipeline_run_id": own if own is not None else run_id,
        "predecessor_processors_completed": ran,
        "upstream_processors_ran": None if done is None else ",".join(ran),
        "missing_processors": ",".join(missing) or None,
        "feature_store_age_hours": age,
        "quality_computed_at": now,
        "quality_schema_version": "v2.1",
    }


def legacy(row: Row, extras: list[Row], matchup: float) -> Row:
    """The three dual-written fields; the input's own values win."""
    raws = [e["raw"] for e in extras]
    made = {
        "feature_sources": "{" + ",".join(f'"{i}":"{r}"' for i, r in enumerate(raws)) + "}",
        "primary_data_source": "mixed",
        "matchup_data_status": "MATCHUP_UNAVAILABLE" if matchup < 50 else "COMPLETE",
    }
    if raws.count("phase4") * 10 >= len(raws) * 9:
        made["primary_data_source"] = "phase4"
    elif raws.count("phase4") * 2 >= len(raws):
        made["primary_data_source"] = "phase4_partial"
    elif raws.count("phase3") * 2 >= len(raws):
        made["primary_data_source"] = "phase3"
    return {k: row[k] if row.get(k) is not None else v for k, v in made.items()}
