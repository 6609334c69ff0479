"""Naive Polars: one struct of expressions per feature, and a list of the structs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from benchmarks.polars_feature_rules import HOUR, MICROS, coalesce, make_feature_stages
from fsq.contract import Contract, Gate
from fsq.schema.columns import DETAIL_FIELDS

ROWS: int | None = 5_000  # more rows take gigabytes, and more time per row


def prepare(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows unchanged."""
    return rows


def to_polars(answer: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the answer unchanged."""
    return answer


def score(rows: pl.DataFrame, contract: Contract, now: datetime) -> pl.DataFrame:
    """Compute the 44 columns of wide rows."""
    have = set(rows.columns)
    midnight = pl.col(contract.table.date).cast(MICROS) + pl.duration(days=1)
    as_of = coalesce(have, ["as_of"], MICROS).fill_null(
        pl.min_horizontal(pl.lit(now, MICROS), midnight)
    )
    rows = rows.with_columns(as_of.alias("as_of"))
    for f in contract.features:  # later expressions use the columns of earlier ones
        for stage in make_feature_stages(f, contract, have):
            rows = rows.with_columns(stage)
    rows = rows.with_columns(
        pl.concat_list(
            pl.struct(pl.col(f"{f.index}:{d.name}").alias(d.name) for d in DETAIL_FIELDS)
            for f in contract.features
        ).alias("feature_quality_detail")
    )
    for columns in _make_record_stages(contract, have):
        rows = rows.with_columns(**columns)
    rows = rows.with_columns(**_make_lineage(contract, have, now))
    return rows.select(pl.col(c).cast(t) for c, t in contract.output.polars.items())


def _columns(contract: Contract, field: str, which: list[int] | None = None) -> list[pl.Expr]:
    chosen = range(len(contract.features)) if which is None else which
    return [pl.col(f"{i}:{field}") for i in chosen]


def _count(conditions: Sequence[pl.Expr]) -> pl.Expr:
    return pl.sum_horizontal(c.cast(pl.Int64) for c in conditions)


def _make_record_stages(contract: Contract, have: set[str]) -> list[dict[str, pl.Expr]]:
    """Make the expressions of a record (levels 2 and 3), in stages."""
    features, alerts, tiers = contract.features, contract.alerts, contract.tiers
    required = [f.index for f in features if not f.optional]
    critical = [f.index for f in features if f.critical]
    optional = [f.index for f in features if f.optional]
    default = _columns(contract, "is_default")
    first: dict[str, pl.Expr] = {}
    for c in contract.category_names:
        members = contract.in_category(c)
        trusted = [
            pl.when(default[i]).then(0.0).otherwise(pl.col(f"{i}:quality_score")) for i in members
        ]
        first[f"{c}_quality_pct"] = pl.sum_horizontal(trusted) / max(1, len(members))
        first[f"{c}_default_count"] = _count([default[i] for i in members])
    for name, flag in (contract.flags | contract.model_flags).items():
        members = [f.index for f in features if f.name in flag.features]
        missing = pl.any_horizontal([default[i] for i in members] or [pl.lit(False)])
        first[name] = ~missing & pl.lit(len(members) == len(flag.features))
    weights = [
        pl.when(default[f.index] & f.optional).then(0.0).otherwise(f.weight) for f in features
    ]
    total = pl.sum_horizontal(weights)
    points = pl.sum_horizontal(w * pl.col(f"{i}:quality_score") for i, w in enumerate(weights))
    score = pl.when(total > 0).then(points / total).otherwise(0.0)
    first["required_defaults"] = _count([default[i] for i in required])
    types = _columns(contract, "source_type")
    for source in ("default", *contract.source_type_names):
        first[f"{source}_feature_count"] = _count([t == source for t in types])
    trains = _columns(contract, "is_training_quality")
    first["training_quality_feature_count"] = _count(trains)
    first["critical_features_training_quality"] = pl.all_horizontal([trains[i] for i in critical])
    least = contract.feature_rules.training_min_score
    first["critical_feature_count"] = _count(
        [~default[i] & (pl.col(f"{i}:quality_score") >= least) for i in critical]
    )
    first["critical_defaults"] = _count([default[i] for i in critical])
    first["optional_feature_count"] = _count([~default[i] for i in optional])
    first["available_feature_names"] = pl.concat_list(
        pl.when(~d).then(pl.lit(f.name)) for d, f in zip(default, features, strict=True)
    ).list.drop_nulls()
    first["derived_feature_sources"] = pl.concat_str(
        pl.lit("{"),
        pl.concat_str(
            [
                pl.concat_str(pl.lit(f'"{f.index}":"'), pl.col(f"{f.index}:source"), pl.lit('"'))
                for f in features
            ],
            separator=",",
        ),
        pl.lit("}"),
    )
    for cap in contract.score_caps:
        capped = pl.min_horizontal(score, pl.lit(cap.max_score))
        score = (
            pl.when(pl.col("required_defaults") >= cap.min_required_defaults)
            .then(capped)
            .otherwise(score)
        )
    tier = (
        pl.when(pl.col("feature_quality_score") > tiers.gold_above)
        .then(pl.lit("gold"))
        .when(pl.col("feature_quality_score") >= tiers.silver_from)
        .then(pl.lit("silver"))
        .when(pl.col("feature_quality_score") >= tiers.bronze_from)
        .then(pl.lit("bronze"))
        .when(pl.col("feature_quality_score") >= tiers.poor_from)
        .then(pl.lit("poor"))
        .otherwise(pl.lit("critical"))
    )
    gate = pl.col(f"{alerts.gate_category}_quality_pct")
    level = (
        pl.when(
            (pl.col("quality_tier") == "critical")
            | (gate < alerts.red_category_below)
            | (pl.col("required_defaults") > alerts.red_required_defaults_above)
        )
        .then(pl.lit("red"))
        .when(
            (pl.col("quality_tier") == "poor")
            | (gate < alerts.yellow_category_below)
            | (pl.col("required_defaults") > alerts.yellow_required_defaults_above)
        )
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("green"))
    )
    share = pl.col("required_defaults") / len(required)
    high, raised = alerts.default_rate_high, alerts.default_rate_raised
    alert_conditions = {
        f"all_{c.name}_features_defaulted": pl.col(f"{c.name}_default_count")
        == len(contract.in_category(c.name))
        for c in contract.categories
        if not c.optional
    }
    alert_conditions |= {
        "critical_features_missing": pl.col("critical_defaults") > 0,
        f"high_default_rate_{100 * high:.0f}pct": share > high,
        f"high_default_rate_{100 * raised:.0f}pct": (share > raised) & (share <= high),
        "range_violations": pl.any_horizontal(_columns(contract, "violation")),
        f"stale_data_{contract.feature_rules.very_stale_hours:g}h": pl.any_horizontal(
            _columns(contract, "old")
        ),
        "silent_defaults": _count(_columns(contract, "silent")) >= alerts.silent_defaults_from,
    }
    sources = _columns(contract, "source")
    phase4, phase3 = (
        _count([r == w for r in sources]) / len(sources) for w in ("phase4", "phase3")
    )
    legacy = contract.legacy
    assert legacy is not None  # the contracts that are compared have one
    derived = {
        "feature_sources": pl.col("derived_feature_sources"),
        "primary_data_source": pl.when(phase4 >= legacy.primary_share)
        .then(pl.lit("phase4"))
        .when(phase4 >= legacy.partial_share)
        .then(pl.lit("phase4_partial"))
        .when(phase3 >= legacy.secondary_share)
        .then(pl.lit("phase3"))
        .otherwise(pl.lit("mixed")),
        legacy.status_column: pl.when(
            pl.col(f"{legacy.status_category}_quality_pct") < legacy.unavailable_below
        )
        .then(pl.lit(legacy.unavailable))
        .otherwise(pl.lit("COMPLETE")),
    }
    return [
        first,
        {"feature_quality_score": score},
        {"quality_tier": tier},
        {
            "quality_alert_level": level,
            "quality_alerts": pl.concat_list(
                pl.when(hit).then(pl.lit(word)) for word, hit in alert_conditions.items()
            ).list.drop_nulls(),
            "is_training_ready": _passes(contract.training_ready),
            "is_production_ready": _passes(contract.production_ready),
            contract.model_column: pl.concat_list(
                pl.when(_supports(names, contract)).then(pl.lit(model))
                for model, names in contract.models.items()
            ).list.drop_nulls(),
            "upstream_data_freshness_hours": pl.max_horizontal(_columns(contract, "age")),
            **{
                n: pl.coalesce(*([n] if n in have else []), derived[n])
                for n in contract.output.legacy
            },
        },
    ]


def _passes(gate: Gate) -> pl.Expr:
    met = pl.col("quality_tier").is_in(list(gate.tiers))
    met &= pl.col("feature_quality_score") >= gate.min_score
    for category, least in gate.category_min.items():
        met &= pl.col(f"{category}_quality_pct") >= least
    return met & (pl.col("critical_defaults") == 0) if gate.no_critical_default else met


def _supports(names: Sequence[str], contract: Contract) -> pl.Expr:
    if not set(names) <= set(contract.names):
        return pl.lit(False)
    return ~pl.any_horizontal(f"{contract.names.index(n)}:is_default" for n in names)


def _make_lineage(contract: Contract, have: set[str], now: datetime) -> dict[str, pl.Expr]:
    done = coalesce(have, ["processors_completed"], pl.List(pl.String)).list.drop_nulls()
    known = [p.name for p in contract.processors]
    in_order = pl.concat_list(
        pl.when(done.list.contains(p)).then(pl.lit(p)) for p in known
    ).list.drop_nulls()
    rest = done.list.set_difference(pl.lit(known, dtype=pl.List(pl.String))).list.sort()
    ran = pl.when(done.is_not_null()).then(pl.concat_list(in_order, rest))
    missing = pl.concat_list(
        pl.when(~done.list.contains(p.name)).then(pl.lit(p.name))
        for p in contract.processors
        if p.expected
    ).list.drop_nulls()
    computed = coalesce(have, ["computed_at"], MICROS)
    age = (pl.col("as_of") - computed).dt.total_microseconds() / HOUR
    return {
        "feature_schema_version": pl.lit(contract.name),
        "feature_quality_detail_version": pl.lit(contract.detail_version),
        "upstream_pipeline_run_id": coalesce(have, ["pipeline_run_id"], pl.String()),
        "predecessor_processors_completed": ran.fill_null([]),
        "upstream_processors_ran": ran.list.join(","),
        "missing_processors": pl.when(missing.list.len() > 0).then(missing.list.join(",")),
        "feature_store_age_hours": age.clip(lower_bound=0),
        "quality_computed_at": pl.lit(now, MICROS),
        "quality_schema_version": pl.lit(contract.schema_version),
    }
