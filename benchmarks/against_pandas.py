"""pandas: one long frame of a line per record and feature, masks, a groupby, dicts at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from fsq.contract import Contract
from fsq.schema.columns import COLUMN_NAMES, DETAIL_FIELDS, LEGACY_FIELDS, POLARS_SCHEMA
from fsq.schema.vocabulary import CATEGORIES

ROWS: int | None = 5_000  # its nested dicts take gigabytes for a whole season
_HOUR = pd.Timedelta(hours=1)


def ready(rows: pl.DataFrame) -> pd.DataFrame:
    """The rows as pandas users have them; it makes NaN of NULL, so a mask tells them apart."""
    numbers = rows.select(pl.selectors.float().is_null().name.suffix("__null"))
    return pd.concat([rows.to_pandas(), numbers.to_pandas()], axis=1)


def as_polars(made: pd.DataFrame) -> pl.DataFrame:
    """The answer, to be compared."""
    columns = {c: made[c].tolist() for c in COLUMN_NAMES}
    blank = {
        c: [None if v is pd.NaT or v != v else v for v in columns[c]]
        for c, t in POLARS_SCHEMA.items()
        if not t.is_nested()
    }
    return pl.DataFrame({**columns, **blank}, schema=POLARS_SCHEMA)


def score(rows: pd.DataFrame, contract: Contract, now: datetime) -> pd.DataFrame:
    """The 44 columns of wide rows."""
    rows = rows.reset_index(drop=True)
    midnight = pd.to_datetime(rows["game_date"]).dt.tz_localize("UTC") + pd.Timedelta(days=1)
    as_of = midnight.where(midnight < now, pd.Timestamp(now))
    if "as_of" in rows:
        as_of = rows["as_of"].fillna(as_of)
    long = _judged(_long(rows, as_of, contract), contract)
    out = _records(long, contract)
    out["feature_quality_detail"] = pd.Series(_nested(long, len(contract.features)), dtype=object)
    return _lineage(out, rows, as_of, contract, now)


def _first(rows: pd.DataFrame, names: Sequence[str | None]) -> Any:
    """The first of the columns that is not NULL, row by row; None if there is no column."""
    found = None
    for name in names:
        if name in rows:
            found = rows[name] if found is None else found.where(found.notna(), rows[name])
    return found


def _long(rows: pd.DataFrame, as_of: Any, contract: Contract) -> pd.DataFrame:
    """A line per record and feature, record by record."""
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
            "told_reason": None,
            "computation_duration_ms": None,
        }
        suffixes = {
            "upstream_data_hash": "data_hash",
            "contributing_game_ids": "game_ids",
            "upstream_original": "original_value",
            "told_reason": "fallback_reason",
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
                "raw": rows[f"{f.name}__source"].astype(object).fillna("missing"),
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
            found = _first(rows, [f"{f.name}__{suffix}", owner and f"{owner}__{suffix}"])
            part[field] = None if found is None else found.astype(object)
        part["upstream_table"] = part["upstream_table"].fillna(shared)
        parts.append(part)
    return pd.concat(parts).sort_values(["record", "feature_index"], ignore_index=True)


def _judged(long: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Level 1."""
    rules, words = contract.feature_rules, contract.sources
    given = long["given"]
    finite = np.isfinite(given)
    v = given.where(finite)
    failed = ~long["null"] & ~finite
    missing = v.isna()
    canonical = long["raw"].map({w: s.type for w, s in words.items()})
    long["is_default"] = default = (canonical == "default") | missing
    base = long["raw"].map({w: float(s.base) for w, s in words.items()})
    base = base.where(~(missing & (canonical != "default")), words["missing"].base)
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
    long["age"] = age = ((long["as_of"] - updated) / _HOUR).clip(lower=0)
    long["old"] = old = age > rules.very_stale_hours
    stale = age > rules.stale_hours
    sample = pd.to_numeric(long["sample_size"])
    thin = sample < rules.thin_sample
    penalty = np.select([old, stale], [rules.very_stale_penalty, rules.stale_penalty], 0.0)
    quality = (base - penalty - np.where(thin, rules.thin_penalty, 0.0)).clip(0, 100)
    long["quality_score"] = quality
    long["silent"] = silent = ~default & long["suspicious"] & (v == long["expected_value"])
    long["source_type"] = canonical.where(~default, "default")
    long["feature_quality_tier"] = np.select(
        [
            default | old | violation,
            canonical == "calculated",
            (canonical == "phase3") | stale | thin,
        ],
        ["poor", "bronze", "silver"],
        "gold",
    )
    reliability = long["raw"].map({w: float(s.reliability) for w, s in words.items()})
    adequacy = (sample / long["window_size"]).clip(0, 1).fillna(1.0)
    share = quality / base.where(base > 0)
    long["confidence_pct"] = (100 * reliability * share * adequacy).where(~default, 0.0)
    told = long["told_reason"].where(
        long["told_reason"].notna(), long["reason"].where(~failed, "calculation_failed")
    )
    long["fallback_reason"] = told.astype(object).where(default, None)
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


def _nested(long: pd.DataFrame, width: int) -> list[list[dict[str, Any]]]:
    """The 23 fields of each line as a dict, a list of them per record."""
    plain = {}
    for field in DETAIL_FIELDS:
        column = long[field.name]
        if field.name == "contributing_game_ids":
            plain[field.name] = [[] if g is None or g is np.nan else list(g) for g in column]
            continue
        if field.type == "timestamp":
            column = pd.to_datetime(column, utc=True).dt.as_unit("us")
        values = column.astype(object).where(column.notna(), None)
        plain[field.name] = values.tolist()
    dicts = [dict(zip(plain, line, strict=True)) for line in zip(*plain.values(), strict=True)]
    return [dicts[at : at + width] for at in range(0, len(dicts), width)]


def _records(long: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Levels 2 and 3, but for lineage."""
    alerts, bounds, least = contract.alerts, contract.tiers, contract.feature_rules
    long["trusted"] = long["quality_score"].where(~long["is_default"], 0.0)
    weight = long["weight"].where(~(long["optional"] & long["is_default"]), 0.0)
    long["weighed"], long["points"] = weight, weight * long["quality_score"]
    default, critical = long["is_default"], long["critical"]
    sums = (
        pd.DataFrame(
            {
                "record": long["record"],
                "points": long["points"],
                "weighed": weight,
                "defaults": default,
                "lacking": default & ~long["optional"],
                "critical_defaults": default & critical,
                "optionals": long["optional"] & ~default,
                "trains": long["is_training_quality"],
                "critical_untrained": critical & ~long["is_training_quality"],
                "critical_good": critical
                & ~default
                & (long["quality_score"] >= least.training_min_score),
                "violations": long["violation"],
                "old": long["old"],
                "silent": long["silent"],
                **{w: long["source_type"] == w for w in ("phase4", "phase3", "calculated")},
                **{f"raw {w}": long["raw"] == w for w in ("phase4", "phase3")},
                **{f"default {n}": default & (long["feature_name"] == n) for n in contract.names},
            }
        )
        .groupby("record")
        .sum()
    )
    out = pd.DataFrame(index=sums.index)
    groups = long.groupby(["record", "feature_category"])
    means, counts = groups["trusted"].mean().unstack(), groups["is_default"].sum().unstack()
    for c in CATEGORIES:
        out[f"{c}_quality_pct"], out[f"{c}_default_count"] = means[c], counts[c]
    for flag, wanted in contract.flags:
        out[flag] = _all_there(sums, wanted, contract)
    score = (sums["points"] / sums["weighed"].where(sums["weighed"] > 0)).fillna(0.0)
    for cap in contract.score_caps:
        score = score.where(
            sums["lacking"] < cap.min_required_defaults, score.clip(upper=cap.max_score)
        )
    out["feature_quality_score"] = score
    tier = np.select(
        [
            score > bounds.gold_above,
            score >= bounds.silver_from,
            score >= bounds.bronze_from,
            score >= bounds.poor_from,
        ],
        ["gold", "silver", "bronze", "poor"],
        "critical",
    )
    out["quality_tier"] = tier
    gate, lacking = out[f"{alerts.gate_category}_quality_pct"], sums["lacking"]
    out["quality_alert_level"] = np.select(
        [
            (tier == "critical")
            | (gate < alerts.red_category_below)
            | (lacking > alerts.red_required_defaults_above),
            (tier == "poor")
            | (gate < alerts.yellow_category_below)
            | (lacking > alerts.yellow_required_defaults_above),
        ],
        ["red", "yellow"],
        "green",
    )
    required = sum(not f.optional for f in contract.features)
    share, high, raised = lacking / required, alerts.default_rate_high, alerts.default_rate_raised
    told = {
        **{
            f"all_{c.name}_features_defaulted": counts[c.name] == len(contract.in_category(c.name))
            for c in contract.categories
            if not c.optional
        },
        "critical_features_missing": sums["critical_defaults"] > 0,
        f"high_default_rate_{100 * high:.0f}pct": share > high,
        f"high_default_rate_{100 * raised:.0f}pct": (share > raised) & (share <= high),
        "range_violations": sums["violations"] > 0,
        f"stale_data_{least.very_stale_hours:g}h": sums["old"] > 0,
        "silent_defaults": sums["silent"] >= alerts.silent_defaults_from,
    }
    out["quality_alerts"] = _listed(told)
    counted = {
        "default_feature_count": "defaults",
        "phase4_feature_count": "phase4",
        "phase3_feature_count": "phase3",
        "calculated_feature_count": "calculated",
        "training_quality_feature_count": "trains",
        "critical_feature_count": "critical_good",
        "optional_feature_count": "optionals",
    }
    out = out.assign(**{name: sums[column] for name, column in counted.items()})
    for name, rule in (
        ("is_training_ready", contract.training_ready),
        ("is_production_ready", contract.production_ready),
    ):
        met = np.isin(tier, rule.tiers) & (score >= rule.min_score)
        for category, floor in rule.category_min.items():
            met &= out[f"{category}_quality_pct"] >= floor
        out[name] = met & (sums["critical_defaults"] == 0) if rule.no_critical_default else met
    out["critical_features_training_quality"] = sums["critical_untrained"] == 0
    out["available_feature_names"] = (
        long["feature_name"]
        .where(~default)
        .groupby(long["record"])
        .agg(lambda names: names.dropna().tolist())
    )
    out["breakout_model_compatible"] = _listed(
        {m: _all_there(sums, names, contract) for m, names in contract.models.items()}
    )
    out["upstream_data_freshness_hours"] = long.groupby("record")["age"].max()
    pieces = '"' + long["feature_index"].astype(str) + '":"' + long["raw"].astype(str) + '"'
    out["feature_sources"] = "{" + pieces.groupby(long["record"]).agg(",".join) + "}"
    legacy, width = contract.legacy, len(contract.features)
    phase4, phase3 = sums["raw phase4"] / width, sums["raw phase3"] / width
    out["primary_data_source"] = np.select(
        [
            phase4 >= legacy.phase4_share,
            phase4 >= legacy.partial_share,
            phase3 >= legacy.phase3_share,
        ],
        ["phase4", "phase4_partial", "phase3"],
        "mixed",
    )
    gone = gate < legacy.matchup_unavailable_below
    out["matchup_data_status"] = np.where(gone, "MATCHUP_UNAVAILABLE", "COMPLETE")
    return out


def _all_there(sums: pd.DataFrame, names: Sequence[str], contract: Contract) -> Any:
    if not set(names) <= set(contract.names):
        return pd.Series(False, index=sums.index)
    return sums[[f"default {n}" for n in names]].sum(axis=1) == 0


def _listed(words: dict[str, Any]) -> list[list[str]]:
    """The words whose condition holds, record by record."""
    names, met = list(words), np.column_stack([np.asarray(v, dtype=bool) for v in words.values()])
    return [[names[i] for i in line.nonzero()[0]] for line in met]


def _lineage(
    out: pd.DataFrame, rows: pd.DataFrame, as_of: Any, contract: Contract, now: datetime
) -> pd.DataFrame:
    known = [p.name for p in contract.processors]
    expected = [p.name for p in contract.processors if p.expected]
    done: list[Any] = [None] * len(rows)
    if "processors_completed" in rows:
        done = [
            None if d is None else [p for p in d if p is not None]
            for d in rows["processors_completed"]
        ]
    ran = [
        None if d is None else [p for p in known if p in d] + sorted(set(d) - set(known))
        for d in done
    ]
    out["predecessor_processors_completed"] = [r or [] for r in ran]
    out["upstream_processors_ran"] = [None if r is None else ",".join(r) for r in ran]
    out["missing_processors"] = [
        None if r is None else ",".join(p for p in expected if p not in r) or None for r in ran
    ]
    out["feature_store_age_hours"] = np.nan
    if "computed_at" in rows:
        out["feature_store_age_hours"] = ((as_of - rows["computed_at"]) / _HOUR).clip(lower=0)
    out["upstream_pipeline_run_id"] = rows.get("pipeline_run_id")
    out["feature_schema_version"] = contract.name
    out["feature_quality_detail_version"] = contract.detail_version
    out["quality_schema_version"] = contract.schema_version
    out["quality_computed_at"] = pd.Timestamp(now)
    for name in LEGACY_FIELDS:
        if name in rows:
            out[name] = rows[name].where(rows[name].notna(), out[name])
    return out[list(COLUMN_NAMES)]
