"""The pandas rival's feature rules: one long frame, with a row per record and feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fsq.contract import Contract
from fsq.schema.columns import DETAIL_FIELDS

HOUR = pd.Timedelta(hours=1)


def make_long(rows: pd.DataFrame, as_of: Any, contract: Contract) -> pd.DataFrame:
    """Make one row per record and feature, record by record."""
    parts = []
    for f in contract.features:
        shared, window = f.upstream_table, f.window
        owners = {
            "last_updated": shared,
            "upstream_data_hash": shared,
            "sample_size": window,
            "contributing_game_ids": window,
            "upstream_table": None,
            "upstream_original": None,
            "given_reason": None,
            "computation_duration_ms": None,
        }
        suffixes = {
            "upstream_data_hash": "data_hash",
            "contributing_game_ids": "game_ids",
            "upstream_original": "original_value",
            "given_reason": "fallback_reason",
            "computation_duration_ms": "duration_ms",
        }
        part = pd.DataFrame(
            {
                "record": rows.index,
                "feature_index": f.index,
                "feature_name": f.name,
                "feature_category": f.category,
                "given": rows[f.name].astype(float),
                "null": rows.get(f"{f.name}__null", rows[f.name].isna()),
                "source": rows[f"{f.name}__source"].astype(object).fillna("missing"),
                "expected_value": np.nan if f.expected is None else float(f.expected),
                "reason": f.fallback_reason,
                "feature_definition_version": f.definition_version,
                "min": f.min,
                "max": f.max,
                "clamps": f.on_violation == "clamp",
                "suspicious": f.suspicious_default,
                "weight": f.weight,
                "optional": f.optional,
                "critical": f.critical,
                "window_size": (contract.windows[window].size if window else None) or np.nan,
                "as_of": as_of,
            }
        )
        for field, owner in owners.items():
            suffix = suffixes.get(field, field)
            values = _coalesce(rows, [f"{f.name}__{suffix}", owner and f"{owner}__{suffix}"])
            part[field] = None if values is None else values.astype(object)
        part["upstream_table"] = part["upstream_table"].fillna(shared)
        parts.append(part)
    return pd.concat(parts).sort_values(["record", "feature_index"], ignore_index=True)


def apply_feature_rules(long: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Apply the feature rules (level 1)."""
    rules, sources = contract.feature_rules, contract.sources
    given = long["given"]
    finite = np.isfinite(given)
    v = given.where(finite)
    failed = ~long["null"] & ~finite
    missing = v.isna()
    declared_type = long["source"].map({w: s.type for w, s in sources.items()})
    long["is_default"] = default = (declared_type == "default") | missing
    base = long["source"].map({w: float(s.base) for w, s in sources.items()})
    base = base.where(~(missing & (declared_type != "default")), sources["missing"].base)
    original = pd.to_numeric(long["upstream_original"])
    changed = original.notna() & ~missing & (original != v)
    within = (v >= long["min"]) & (v <= long["max"])
    beyond = long["clamps"] & ~within & ~missing
    long["feature_value"] = v.where(~beyond, v.clip(long["min"], long["max"]))
    long["original_value"] = original.where(changed, v.where(beyond))
    in_range = within & ~changed
    long["value_range_valid"] = in_range.astype(object).where(~missing, None)
    long["violation"] = violation = ~in_range & ~missing
    updated = pd.to_datetime(long["last_updated"], utc=True)
    long["age"] = age = ((long["as_of"] - updated) / HOUR).clip(lower=0)
    long["old"] = old = age > rules.very_stale_hours
    stale = age > rules.stale_hours
    sample = pd.to_numeric(long["sample_size"])
    thin = sample < rules.thin_sample
    penalty = np.select([old, stale], [rules.very_stale_penalty, rules.stale_penalty], 0.0)
    quality = (base - penalty - np.where(thin, rules.thin_penalty, 0.0)).clip(0, 100)
    long["quality_score"] = quality
    long["silent"] = silent = ~default & long["suspicious"] & (v == long["expected_value"])
    long["source_type"] = declared_type.where(~default, "default")
    long["feature_quality_tier"] = np.select(
        [
            default | old | violation,
            declared_type == "calculated",
            (declared_type == "phase3") | stale | thin,
        ],
        ["poor", "bronze", "silver"],
        "gold",
    )
    reliability = long["source"].map({w: float(s.reliability) for w, s in sources.items()})
    adequacy = (sample / long["window_size"]).clip(0, 1).fillna(1.0)
    share = quality / base.where(base > 0)
    long["confidence_pct"] = (100 * reliability * share * adequacy).where(~default, 0.0)
    reason = long["given_reason"].where(
        long["given_reason"].notna(), long["reason"].where(~failed, "calculation_failed")
    )
    long["fallback_reason"] = reason.astype(object).where(default, None)
    long["validation_status"] = np.select(
        [default, long["original_value"].notna(), violation | silent],
        ["defaulted", "clamped", "warning"],
        "valid",
    )
    long["is_training_quality"] = (
        (quality >= rules.training_min_score) & ~default & ~thin & in_range & ~missing
    )
    alerts = np.select(
        [default, violation, old, thin, silent],
        ["default_used", "range_violation", "stale_data_48h", "thin_sample", "silent_default"],
        "",
    )
    long["triggered_alert"] = pd.Series(alerts, dtype=object).where(alerts != "", None)
    return long


def nest_details(long: pd.DataFrame, width: int) -> list[list[dict[str, Any]]]:
    """Collect the 23 fields of each row in a dict, and the dicts in a list per record."""
    fields = {}
    for field in DETAIL_FIELDS:
        column = long[field.name]
        if field.name == "contributing_game_ids":
            fields[field.name] = [[] if g is None or g is np.nan else list(g) for g in column]
            continue
        if field.type == "timestamp":
            column = pd.to_datetime(column, utc=True).dt.as_unit("us")
        fields[field.name] = column.astype(object).where(column.notna(), None).tolist()
    dicts = [
        dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)
    ]
    return [dicts[at : at + width] for at in range(0, len(dicts), width)]


def _coalesce(rows: pd.DataFrame, names: Sequence[str | None]) -> Any:
    """The first non-null value of these columns, row by row; None if no column exists."""
    values = None
    for name in names:
        if name in rows:
            values = rows[name] if values is None else values.where(values.notna(), rows[name])
    return values
