"""The oracle's level 1: one feature of one row."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle_model import OracleContract, OracleFeature

Row = dict[str, Any]
BEST_FIRST = ["gold", "silver", "bronze", "poor"]


def first(row: Row, *names: str | None) -> Any:
    """The first non-NULL of the named columns, absent ones passed over."""
    for name in names:
        if name is not None and row.get(name) is not None:
            return row[name]
    return None


def hours_between(start: datetime, end: datetime) -> float:
    """Hours from one moment to another, never below 0."""
    return max(0.0, (end - start) / timedelta(microseconds=1) / 3.6e9)


def date_end(row: Row, contract: OracleContract) -> datetime:
    """The first moment of the next date, where the dates of the table are."""
    after = row[contract.date] + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(contract.timezone))
    return midnight.astimezone(UTC)


def moment_of(row: Row, contract: OracleContract, now: datetime, given: datetime | None) -> Any:
    """The moment for which freshness is judged."""
    if row.get("as_of") is not None:
        return row["as_of"]
    if given is not None:
        return given
    return min(now, row[contract.time] if contract.time else date_end(row, contract))


def label_of(row: Row, f: OracleFeature, contract: OracleContract, there: bool) -> str:
    """The raw source word of a feature."""
    if f"{f.name}__source" in row:
        word = row[f"{f.name}__source"]
    elif "feature_sources" in row:
        word = json.loads(row["feature_sources"] or "{}").get(str(f.index))
    else:
        word = contract.unlabelled if there else None
    return "missing" if word is None else str(word)


def score_feature(
    row: Row, f: OracleFeature, contract: OracleContract, moment: datetime
) -> tuple[Row, Row]:
    """Level 1: the 23 fields, and what the record needs besides them."""
    rules = contract.rules
    v = row[f.name]
    v = None if v is None else float(v)
    failed = v is not None and not math.isfinite(v)
    if failed:
        v = None
    raw = label_of(row, f, contract, v is not None)
    canonical, base, reliability = contract.sources[raw]
    default = canonical == "default" or v is None
    if v is None and canonical != "default":
        base = contract.sources["missing"][1]
    in_range, value, original = None, v, None
    if v is not None:
        in_range = f.min <= v <= f.max
        if not in_range and f.on_violation == "clamp":
            value, original = float(f.min if v < f.min else f.max), v
        upstream = row.get(f"{f.name}__original_value")
        if upstream is not None and upstream != v:
            original, in_range = float(upstream), False
    updated = first(row, f"{f.name}__last_updated", f"{f.upstream_table}__last_updated")
    age = None if updated is None else hours_between(updated, moment)
    window = f.window and f"{f.window}__sample_size"
    sample = first(row, f"{f.name}__sample_size", window)
    thin = sample is not None and sample < contract.threshold(f, "thin_sample")
    old = age is not None and age > contract.threshold(f, "very_stale_hours")
    stale = age is not None and age > contract.threshold(f, "stale_hours")
    score = base - (rules.very_stale_penalty if old else rules.stale_penalty if stale else 0)
    score = min(100.0, max(0.0, float(score - (rules.thin_penalty if thin else 0))))
    silent = not default and f.suspicious_default and v == f.expected
    tier = "poor"
    if not (default or old or in_range is False):
        limits = [contract.source_types[canonical], "silver" if stale or thin else "gold"]
        tier = max(limits, key=BEST_FIRST.index)
    size = contract.sizes[f.window] if f.window else None
    adequacy = min(1.0, max(0.0, sample / size)) if size and sample is not None else 1.0
    # A base of 0 leaves no score to lose, and nothing to trust.
    share = score / base if base else 0.0
    confidence = 0.0 if default else 100 * reliability * share * adequacy
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
        hits = [
            (in_range is False, "range_violation"),
            (old, contract.stale_alert(f)),
            (thin, "thin_sample"),
            (silent, "silent_default"),
        ]
        alert = next((word for hit, word in hits if hit), "")
    games = first(row, f"{f.name}__game_ids", f.window and f"{f.window}__game_ids") or []
    table = row.get(f"{f.name}__upstream_table")
    table = f.upstream_table if table is None else table
    trainable = score >= rules.training_min_score and not default and not thin
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
        "is_training_quality": trainable and in_range is True,
        "triggered_alert": alert or None,
        "feature_definition_version": f.definition_version,
        "computation_duration_ms": row.get(f"{f.name}__duration_ms"),
    }
    return detail, {"raw": raw, "age": age, "old": old, "silent": silent}
