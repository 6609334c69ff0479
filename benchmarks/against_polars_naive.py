"""The obvious Polars: one struct of expressions per feature, and a list of these structs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from fsq.contract import Contract, Feature, Gate
from fsq.schema.columns import COLUMN_NAMES, DETAIL_FIELDS, LEGACY_FIELDS, POLARS_SCHEMA
from fsq.schema.vocabulary import CATEGORIES

ROWS: int | None = 5_000  # more take gigabytes, and longer per row
_MICROS = pl.Datetime("us", "UTC")
_HOUR = 3_600_000_000


def ready(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as they are."""
    return rows


def as_polars(made: pl.DataFrame) -> pl.DataFrame:
    """The answer as it is."""
    return made


def score(rows: pl.DataFrame, contract: Contract, now: datetime) -> pl.DataFrame:
    """The 44 columns of wide rows."""
    have = set(rows.columns)
    midnight = pl.col("game_date").cast(_MICROS) + pl.duration(days=1)
    judged = _first(have, ["as_of"], _MICROS).fill_null(
        pl.min_horizontal(pl.lit(now, _MICROS), midnight)
    )
    rows = rows.with_columns(judged.alias("as_of"))
    for f in contract.features:  # later expressions name what earlier ones made
        for stage in _feature(f, contract, have):
            rows = rows.with_columns(stage)
    rows = rows.with_columns(
        pl.concat_list(
            pl.struct(pl.col(f"{f.index}:{d.name}").alias(d.name) for d in DETAIL_FIELDS)
            for f in contract.features
        ).alias("feature_quality_detail")
    )
    for columns in _record(contract, have):
        rows = rows.with_columns(**columns)
    rows = rows.with_columns(**_lineage(contract, have, now))
    return rows.select(pl.col(c).cast(POLARS_SCHEMA[c]) for c in COLUMN_NAMES)


def _first(have: set[str], names: Sequence[str | None], kind: pl.DataType) -> pl.Expr:
    found = [pl.col(n).cast(kind) for n in names if n in have]
    return pl.coalesce(found) if found else pl.lit(None, kind)


def _feature(f: Feature, contract: Contract, have: set[str]) -> list[list[pl.Expr]]:
    """Level 1, in stages."""
    rules, i = contract.feature_rules, f.index

    def at(name: str) -> pl.Expr:
        return pl.col(f"{i}:{name}")

    def by_word(what: str, kind: pl.DataType) -> pl.Expr:
        words = {w: getattr(s, what) for w, s in contract.sources.items()}
        return at("raw").replace_strict(words, return_dtype=kind)

    given = pl.col(f.name).cast(pl.Float64)
    finite = pl.when(given.is_finite()).then(given)
    size = contract.windows[f.window].size if f.window else None
    original = _first(have, [f"{f.name}__original_value"], pl.Float64())
    shared = f.upstream_table
    window = f.window or "-"
    stages = [
        {
            "v": finite,
            "failed": given.is_not_null() & finite.is_null(),
            "raw": pl.col(f"{f.name}__source").cast(pl.String).fill_null("missing"),
            "upstream_original": original,
            "last_updated": _first(
                have, [f"{f.name}__last_updated", f"{shared}__last_updated"], _MICROS
            ),
            "upstream_data_hash": _first(
                have, [f"{f.name}__data_hash", f"{shared}__data_hash"], pl.String()
            ),
            "sample_size": _first(
                have, [f"{f.name}__sample_size", f"{window}__sample_size"], pl.Int64()
            ),
            "contributing_game_ids": _first(
                have, [f"{f.name}__game_ids", f"{window}__game_ids"], pl.List(pl.String)
            )
            .fill_null([])
            .list.drop_nulls(),
            "upstream_table": _first(have, [f"{f.name}__upstream_table"], pl.String()).fill_null(
                shared
            ),
            "told_reason": _first(have, [f"{f.name}__fallback_reason"], pl.String()),
            "computation_duration_ms": _first(have, [f"{f.name}__duration_ms"], pl.Int64()),
            "feature_index": pl.lit(i, pl.Int64),
            "feature_name": pl.lit(f.name),
            "feature_category": pl.lit(f.category),
            "expected_value": pl.lit(f.expected, pl.Float64),
            "feature_definition_version": pl.lit(f.definition_version),
        },
        {
            "canonical": by_word("type", pl.String()),
            "age": ((pl.col("as_of") - at("last_updated")).dt.total_microseconds() / _HOUR).clip(
                lower_bound=0
            ),
            "within": at("v").is_between(f.min, f.max),
            "changed": (at("upstream_original") != at("v")).fill_null(False),
            "thin": (at("sample_size") < rules.thin_sample).fill_null(False),
        },
        {
            "is_default": (at("canonical") == "default") | at("v").is_null(),
            "base": pl.when(at("v").is_null() & (at("canonical") != "default"))
            .then(contract.sources["missing"].base)
            .otherwise(by_word("base", pl.Float64())),
            "value_range_valid": at("within") & ~at("changed"),
            "old": (at("age") > rules.very_stale_hours).fill_null(False),
            "stale": (at("age") > rules.stale_hours).fill_null(False),
            "feature_value": at("v").clip(f.min, f.max) if f.on_violation == "clamp" else at("v"),
            "original_value": pl.when(at("changed"))
            .then(at("upstream_original"))
            .when(~at("within") & (f.on_violation == "clamp"))
            .then(at("v")),
        },
        {
            "source_type": pl.when(at("is_default"))
            .then(pl.lit("default"))
            .otherwise(at("canonical")),
            "quality_score": (
                at("base")
                - pl.when(at("old"))
                .then(rules.very_stale_penalty)
                .when(at("stale"))
                .then(rules.stale_penalty)
                .otherwise(0.0)
                - pl.when(at("thin")).then(rules.thin_penalty).otherwise(0.0)
            ).clip(0, 100),
            "violation": (~at("value_range_valid")).fill_null(False),
            "silent": (
                ~at("is_default")
                & pl.lit(f.suspicious_default)
                & (at("v") == pl.lit(f.expected, pl.Float64))
            ).fill_null(False),
            "fallback_reason": pl.when(at("is_default")).then(
                at("told_reason").fill_null(
                    pl.when(at("failed"))
                    .then(pl.lit("calculation_failed"))
                    .otherwise(pl.lit(f.fallback_reason))
                )
            ),
        },
        {
            "feature_quality_tier": pl.when(at("is_default") | at("old") | at("violation"))
            .then(pl.lit("poor"))
            .when(at("canonical") == "calculated")
            .then(pl.lit("bronze"))
            .when((at("canonical") == "phase3") | at("stale") | at("thin"))
            .then(pl.lit("silver"))
            .otherwise(pl.lit("gold")),
            "confidence_pct": pl.when(at("is_default"))
            .then(0.0)
            .otherwise(
                100
                * by_word("reliability", pl.Float64())
                * (at("quality_score") / at("base"))
                * ((at("sample_size") / size).clip(0, 1).fill_null(1.0) if size else 1.0)
            ),
            "validation_status": pl.when(at("is_default"))
            .then(pl.lit("defaulted"))
            .when(at("original_value").is_not_null())
            .then(pl.lit("clamped"))
            .when(at("violation") | at("silent"))
            .then(pl.lit("warning"))
            .otherwise(pl.lit("valid")),
            "is_training_quality": (
                (at("quality_score") >= rules.training_min_score)
                & ~at("is_default")
                & ~at("thin")
                & at("value_range_valid")
            ).fill_null(False),
            "triggered_alert": pl.when(at("is_default"))
            .then(pl.lit("default_used"))
            .when(at("violation"))
            .then(pl.lit("range_violation"))
            .when(at("old"))
            .then(pl.lit("stale_data_48h"))
            .when(at("thin"))
            .then(pl.lit("thin_sample"))
            .when(at("silent"))
            .then(pl.lit("silent_default")),
        },
    ]
    return [[e.alias(f"{i}:{name}") for name, e in stage.items()] for stage in stages]


def _each(contract: Contract, field: str, which: list[int] | None = None) -> list[pl.Expr]:
    chosen = range(len(contract.features)) if which is None else which
    return [pl.col(f"{i}:{field}") for i in chosen]


def _count(conditions: Sequence[pl.Expr]) -> pl.Expr:
    return pl.sum_horizontal(c.cast(pl.Int64) for c in conditions)


def _record(contract: Contract, have: set[str]) -> list[dict[str, pl.Expr]]:
    """Levels 2 and 3, in stages."""
    features, alerts, tiers = contract.features, contract.alerts, contract.tiers
    required = [f.index for f in features if not f.optional]
    critical = [f.index for f in features if f.critical]
    optional = [f.index for f in features if f.optional]
    default = _each(contract, "is_default")
    first: dict[str, pl.Expr] = {}
    for c in CATEGORIES:
        members = contract.in_category(c)
        trusted = [
            pl.when(default[i]).then(0.0).otherwise(pl.col(f"{i}:quality_score")) for i in members
        ]
        first[f"{c}_quality_pct"] = pl.sum_horizontal(trusted) / max(1, len(members))
        first[f"{c}_default_count"] = _count([default[i] for i in members])
    for flag, wanted in contract.flags:
        named = [f.index for f in features if f.name in wanted]
        lacking = pl.any_horizontal([default[i] for i in named] or [pl.lit(False)])
        first[flag] = ~lacking & pl.lit(len(named) == len(wanted))
    weights = [
        pl.when(default[f.index] & f.optional).then(0.0).otherwise(f.weight) for f in features
    ]
    total = pl.sum_horizontal(weights)
    points = pl.sum_horizontal(w * pl.col(f"{i}:quality_score") for i, w in enumerate(weights))
    score = pl.when(total > 0).then(points / total).otherwise(0.0)
    first["lacking"] = _count([default[i] for i in required])
    types = _each(contract, "source_type")
    for word in ("default", "phase4", "phase3", "calculated"):
        first[f"{word}_feature_count"] = _count([t == word for t in types])
    trains = _each(contract, "is_training_quality")
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
    first["feature_sources_made"] = pl.concat_str(
        pl.lit("{"),
        pl.concat_str(
            [
                pl.concat_str(pl.lit(f'"{f.index}":"'), pl.col(f"{f.index}:raw"), pl.lit('"'))
                for f in features
            ],
            separator=",",
        ),
        pl.lit("}"),
    )
    for cap in contract.score_caps:
        capped = pl.min_horizontal(score, pl.lit(cap.max_score))
        score = (
            pl.when(pl.col("lacking") >= cap.min_required_defaults).then(capped).otherwise(score)
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
            | (pl.col("lacking") > alerts.red_required_defaults_above)
        )
        .then(pl.lit("red"))
        .when(
            (pl.col("quality_tier") == "poor")
            | (gate < alerts.yellow_category_below)
            | (pl.col("lacking") > alerts.yellow_required_defaults_above)
        )
        .then(pl.lit("yellow"))
        .otherwise(pl.lit("green"))
    )
    share = pl.col("lacking") / len(required)
    high, raised = alerts.default_rate_high, alerts.default_rate_raised
    told = {
        f"all_{c.name}_features_defaulted": pl.col(f"{c.name}_default_count")
        == len(contract.in_category(c.name))
        for c in contract.categories
        if not c.optional
    }
    told |= {
        "critical_features_missing": pl.col("critical_defaults") > 0,
        f"high_default_rate_{100 * high:.0f}pct": share > high,
        f"high_default_rate_{100 * raised:.0f}pct": (share > raised) & (share <= high),
        "range_violations": pl.any_horizontal(_each(contract, "violation")),
        f"stale_data_{contract.feature_rules.very_stale_hours:g}h": pl.any_horizontal(
            _each(contract, "old")
        ),
        "silent_defaults": _count(_each(contract, "silent")) >= alerts.silent_defaults_from,
    }
    raws = _each(contract, "raw")
    phase4, phase3 = (_count([r == w for r in raws]) / len(raws) for w in ("phase4", "phase3"))
    legacy = contract.legacy
    made = {
        "feature_sources": pl.col("feature_sources_made"),
        "primary_data_source": pl.when(phase4 >= legacy.phase4_share)
        .then(pl.lit("phase4"))
        .when(phase4 >= legacy.partial_share)
        .then(pl.lit("phase4_partial"))
        .when(phase3 >= legacy.phase3_share)
        .then(pl.lit("phase3"))
        .otherwise(pl.lit("mixed")),
        "matchup_data_status": pl.when(gate < legacy.matchup_unavailable_below)
        .then(pl.lit("MATCHUP_UNAVAILABLE"))
        .otherwise(pl.lit("COMPLETE")),
    }
    return [
        first,
        {"feature_quality_score": score},
        {"quality_tier": tier},
        {
            "quality_alert_level": level,
            "quality_alerts": pl.concat_list(
                pl.when(hit).then(pl.lit(word)) for word, hit in told.items()
            ).list.drop_nulls(),
            "is_training_ready": _passes(contract.training_ready),
            "is_production_ready": _passes(contract.production_ready),
            "breakout_model_compatible": pl.concat_list(
                pl.when(_supports(names, contract)).then(pl.lit(model))
                for model, names in contract.models.items()
            ).list.drop_nulls(),
            "upstream_data_freshness_hours": pl.max_horizontal(_each(contract, "age")),
            **{n: pl.coalesce(*([n] if n in have else []), made[n]) for n in LEGACY_FIELDS},
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


def _lineage(contract: Contract, have: set[str], now: datetime) -> dict[str, pl.Expr]:
    done = _first(have, ["processors_completed"], pl.List(pl.String)).list.drop_nulls()
    known = [p.name for p in contract.processors]
    in_order = pl.concat_list(
        pl.when(done.list.contains(p)).then(pl.lit(p)) for p in known
    ).list.drop_nulls()
    rest = done.list.set_difference(pl.lit(known, dtype=pl.List(pl.String))).list.sort()
    ran = pl.when(done.is_not_null()).then(pl.concat_list(in_order, rest))
    lacking = pl.concat_list(
        pl.when(~done.list.contains(p.name)).then(pl.lit(p.name))
        for p in contract.processors
        if p.expected
    ).list.drop_nulls()
    computed = _first(have, ["computed_at"], _MICROS)
    age = (pl.col("as_of") - computed).dt.total_microseconds() / _HOUR
    return {
        "feature_schema_version": pl.lit(contract.name),
        "feature_quality_detail_version": pl.lit(contract.detail_version),
        "upstream_pipeline_run_id": _first(have, ["pipeline_run_id"], pl.String()),
        "predecessor_processors_completed": ran.fill_null([]),
        "upstream_processors_ran": ran.list.join(","),
        "missing_processors": pl.when(lacking.list.len() > 0).then(lacking.list.join(",")),
        "feature_store_age_hours": age.clip(lower_bound=0),
        "quality_computed_at": pl.lit(now, _MICROS),
        "quality_schema_version": pl.lit(contract.schema_version),
    }
