"""pandas: one long frame with a row per record and feature, masks, a groupby, and dicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.pandas_feature_rules import HOUR, apply_feature_rules, make_long, nest_details
from fsq.contract import Contract

ROWS: int | None = 5_000  # the nested dicts of a whole season take gigabytes


def prepare(rows: pl.DataFrame) -> pd.DataFrame:
    """Rows as pandas users have them, with masks, since pandas turns NULL into NaN."""
    numbers = rows.select(pl.selectors.float().is_null().name.suffix("__null"))
    return pd.concat([rows.to_pandas(), numbers.to_pandas()], axis=1)


def to_polars(answer: pd.DataFrame, contract: Contract) -> pl.DataFrame:
    """Convert the answer for the comparison."""
    schema = contract.output.polars
    columns = {c: answer[c].tolist() for c in schema}
    blank = {
        c: [None if v is pd.NaT or v != v else v for v in columns[c]]
        for c, t in schema.items()
        if not t.is_nested()
    }
    return pl.DataFrame({**columns, **blank}, schema=schema)


def score(rows: pd.DataFrame, contract: Contract, now: datetime) -> pd.DataFrame:
    """Compute the 44 columns of wide rows."""
    rows = rows.reset_index(drop=True)
    midnight = pd.to_datetime(rows[contract.table.date]).dt.tz_localize("UTC") + pd.Timedelta(
        days=1
    )
    as_of = midnight.where(midnight < now, pd.Timestamp(now))
    if "as_of" in rows:
        as_of = rows["as_of"].fillna(as_of)
    long = apply_feature_rules(make_long(rows, as_of, contract), contract)
    out = _score_records(long, contract)
    out["feature_quality_detail"] = pd.Series(
        nest_details(long, len(contract.features)), dtype=object
    )
    return _add_lineage(out, rows, as_of, contract, now)


def _score_records(long: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Score categories and records (levels 2 and 3), without lineage."""
    alerts, bounds, rules = contract.alerts, contract.tiers, contract.feature_rules
    long["trusted"] = long["quality_score"].where(~long["is_default"], 0.0)
    weight = long["weight"].where(~(long["optional"] & long["is_default"]), 0.0)
    long["weight_used"], long["points"] = weight, weight * long["quality_score"]
    default, critical = long["is_default"], long["critical"]
    sums = (
        pd.DataFrame(
            {
                "record": long["record"],
                "points": long["points"],
                "weight_used": weight,
                "defaults": default,
                "required_defaults": default & ~long["optional"],
                "critical_defaults": default & critical,
                "optionals": long["optional"] & ~default,
                "trains": long["is_training_quality"],
                "critical_untrained": critical & ~long["is_training_quality"],
                "critical_good": critical
                & ~default
                & (long["quality_score"] >= rules.training_min_score),
                "violations": long["violation"],
                "old": long["old"],
                "silent": long["silent"],
                **{w: long["source_type"] == w for w in contract.source_type_names},
                **{f"source {w}": long["source"] == w for w in ("phase4", "phase3")},
                **{f"default {n}": default & (long["feature_name"] == n) for n in contract.names},
            }
        )
        .groupby("record")
        .sum()
    )
    out = pd.DataFrame(index=sums.index)
    groups = long.groupby(["record", "feature_category"])
    means, counts = groups["trusted"].mean().unstack(), groups["is_default"].sum().unstack()
    for c in contract.category_names:
        out[f"{c}_quality_pct"], out[f"{c}_default_count"] = means[c], counts[c]
    for name, flag in (contract.flags | contract.model_flags).items():
        out[name] = _none_default(sums, flag.features, contract)
    score = (sums["points"] / sums["weight_used"].where(sums["weight_used"] > 0)).fillna(0.0)
    for cap in contract.score_caps:
        score = score.where(
            sums["required_defaults"] < cap.min_required_defaults, score.clip(upper=cap.max_score)
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
    gate, missing = out[f"{alerts.gate_category}_quality_pct"], sums["required_defaults"]
    out["quality_alert_level"] = np.select(
        [
            (tier == "critical")
            | (gate < alerts.red_category_below)
            | (missing > alerts.red_required_defaults_above),
            (tier == "poor")
            | (gate < alerts.yellow_category_below)
            | (missing > alerts.yellow_required_defaults_above),
        ],
        ["red", "yellow"],
        "green",
    )
    required = sum(not f.optional for f in contract.features)
    share, high, raised = missing / required, alerts.default_rate_high, alerts.default_rate_raised
    alert_conditions = {
        **{
            f"all_{c.name}_features_defaulted": counts[c.name] == len(contract.in_category(c.name))
            for c in contract.categories
            if not c.optional
        },
        "critical_features_missing": sums["critical_defaults"] > 0,
        f"high_default_rate_{100 * high:.0f}pct": share > high,
        f"high_default_rate_{100 * raised:.0f}pct": (share > raised) & (share <= high),
        "range_violations": sums["violations"] > 0,
        f"stale_data_{rules.very_stale_hours:g}h": sums["old"] > 0,
        "silent_defaults": sums["silent"] >= alerts.silent_defaults_from,
    }
    out["quality_alerts"] = _list_names(alert_conditions)
    counts_by_column = {
        "default_feature_count": "defaults",
        **{f"{w}_feature_count": w for w in contract.source_type_names},
        "training_quality_feature_count": "trains",
        "critical_feature_count": "critical_good",
        "optional_feature_count": "optionals",
    }
    out = out.assign(**{name: sums[column] for name, column in counts_by_column.items()})
    for name, gate_rules in (
        ("is_training_ready", contract.training_ready),
        ("is_production_ready", contract.production_ready),
    ):
        met = np.isin(tier, gate_rules.tiers) & (score >= gate_rules.min_score)
        for category, floor in gate_rules.category_min.items():
            met &= out[f"{category}_quality_pct"] >= floor
        out[name] = (
            met & (sums["critical_defaults"] == 0) if gate_rules.no_critical_default else met
        )
    out["critical_features_training_quality"] = sums["critical_untrained"] == 0
    out["available_feature_names"] = (
        long["feature_name"]
        .where(~default)
        .groupby(long["record"])
        .agg(lambda names: names.dropna().tolist())
    )
    out[contract.model_column] = _list_names(
        {m: _none_default(sums, names, contract) for m, names in contract.models.items()}
    )
    out["upstream_data_freshness_hours"] = long.groupby("record")["age"].max()
    pieces = '"' + long["feature_index"].astype(str) + '":"' + long["source"].astype(str) + '"'
    out["feature_sources"] = "{" + pieces.groupby(long["record"]).agg(",".join) + "}"
    legacy, width = contract.legacy, len(contract.features)
    assert legacy is not None  # the contracts that are compared have one
    phase4, phase3 = sums["source phase4"] / width, sums["source phase3"] / width
    out["primary_data_source"] = np.select(
        [
            phase4 >= legacy.primary_share,
            phase4 >= legacy.partial_share,
            phase3 >= legacy.secondary_share,
        ],
        ["phase4", "phase4_partial", "phase3"],
        "mixed",
    )
    unavailable = out[f"{legacy.status_category}_quality_pct"] < legacy.unavailable_below
    out[legacy.status_column] = np.where(unavailable, legacy.unavailable, "COMPLETE")
    return out


def _none_default(sums: pd.DataFrame, names: Sequence[str], contract: Contract) -> Any:
    if not set(names) <= set(contract.names):
        return pd.Series(False, index=sums.index)
    return sums[[f"default {n}" for n in names]].sum(axis=1) == 0


def _list_names(conditions: dict[str, Any]) -> list[list[str]]:
    """The names whose condition holds, record by record."""
    names = list(conditions)
    met = np.column_stack([np.asarray(v, dtype=bool) for v in conditions.values()])
    return [[names[i] for i in row.nonzero()[0]] for row in met]


def _add_lineage(
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
        out["feature_store_age_hours"] = ((as_of - rows["computed_at"]) / HOUR).clip(lower=0)
    out["upstream_pipeline_run_id"] = rows.get("pipeline_run_id")
    out["feature_schema_version"] = contract.name
    out["feature_quality_detail_version"] = contract.detail_version
    out["quality_schema_version"] = contract.schema_version
    out["quality_computed_at"] = pd.Timestamp(now)
    for name in contract.output.legacy:
        if name in rows:
            out[name] = rows[name].where(rows[name].notna(), out[name])
    return out[list(contract.output.names)]
