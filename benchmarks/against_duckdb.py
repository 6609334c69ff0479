"""DuckDB: the rows unpivoted to one per record and feature, scored in SQL, and listed again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import polars as pl
import pyarrow as pa

from fsq.contract import Contract, Feature, Gate
from fsq.schema.columns import DETAIL_FIELDS

ROWS: int | None = 3_000  # its ordered lists of a whole season exceed the machine's memory


def prepare(rows: pl.DataFrame) -> pa.Table:
    """Convert rows to Arrow, which DuckDB reads without a copy."""
    return rows.to_arrow()


def to_polars(answer: pa.Table, contract: Contract) -> pl.DataFrame:
    """Convert the answer for the comparison."""
    frame = pl.from_arrow(answer)
    assert isinstance(frame, pl.DataFrame)
    return frame.select(pl.col(c).cast(t) for c, t in contract.output.polars.items())


def score(rows: pa.Table, contract: Contract, now: datetime) -> pa.Table:
    """Compute the 44 columns of wide rows."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("given", rows)
        return database.execute(
            _query(contract, set(rows.column_names)), {"now": now}
        ).to_arrow_table()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]::VARCHAR[]"


def _number(value: float | None) -> str:
    return "NULL::DOUBLE" if value is None else f"{value!r}::DOUBLE"


def _query(contract: Contract, have: set[str]) -> str:
    lines = " UNION ALL ".join(_line(f, contract, have) for f in contract.features)
    words = ", ".join(
        f"({_text(w)}, {_text(s.type)}, {s.base!r}::DOUBLE, {s.reliability!r}::DOUBLE)"
        for w, s in contract.sources.items()
    )
    return f"""
    WITH numbered AS (
        SELECT *, row_number() OVER () AS record,
            {_first(have, ["as_of"], "least($now::TIMESTAMPTZ, midnight)")} AS moment
        FROM (SELECT *, (game_date::TIMESTAMP + INTERVAL 1 DAY)::TIMESTAMPTZ AS midnight FROM given)
    ),
    words(word, type, word_base, reliability) AS (VALUES {words}),
    lines AS ({lines}),
    {_rules(contract)},
    {_reduced(contract)}
    SELECT {_columns(contract, have)}
    FROM numbered JOIN reduced USING (record) ORDER BY record
    """


def _first(have: set[str], names: Sequence[str | None], otherwise: str) -> str:
    found = [f'"{n}"' for n in names if n in have]
    return f"coalesce({', '.join([*found, otherwise])})"


def _line(f: Feature, contract: Contract, have: set[str]) -> str:
    """One feature of every record."""

    def first(suffix: str, kind: str, shared: str | None = None, otherwise: str = "NULL") -> str:
        names = [f"{f.name}__{suffix}", shared and f"{shared}__{suffix}"]
        return _first(have, names, f"{otherwise}::{kind}")

    size = contract.windows[f.window].size if f.window else None
    return f"""
    SELECT record, moment, {f.index}::BIGINT AS feature_index, {_text(f.name)} AS feature_name,
        {_text(f.category)} AS feature_category, "{f.name}"::DOUBLE AS given_value,
        coalesce("{f.name}__source"::VARCHAR, 'missing') AS raw,
        {_number(f.expected)} AS expected_value, {_text(f.fallback_reason)} AS reason,
        {f.min!r}::DOUBLE AS low, {f.max!r}::DOUBLE AS high, {f.on_violation == "clamp"} AS clamps,
        {f.suspicious_default} AS suspicious, {f.optional} AS optional, {f.critical} AS critical,
        {f.weight!r}::DOUBLE AS weight, {_number(size)} AS window_size,
        {_text(f.definition_version)} AS feature_definition_version,
        {first("last_updated", "TIMESTAMPTZ", f.upstream_table)} AS last_updated,
        {first("data_hash", "VARCHAR", f.upstream_table)} AS upstream_data_hash,
        {first("sample_size", "BIGINT", f.window)} AS sample_size,
        list_filter({first("game_ids", "VARCHAR[]", f.window, "[]")}, lambda g: g IS NOT NULL)
            AS contributing_game_ids,
        {first("upstream_table", "VARCHAR", None, _text(f.upstream_table))} AS upstream_table,
        {first("original_value", "DOUBLE")} AS upstream_original,
        {first("fallback_reason", "VARCHAR")} AS told_reason,
        {first("duration_ms", "BIGINT")} AS computation_duration_ms
    FROM numbered
    """


def _rules(contract: Contract) -> str:
    """Level 1, in stages."""
    rules = contract.feature_rules
    return f"""
    seen AS (
        SELECT *, CASE WHEN isfinite(given_value) THEN given_value END AS v,
            given_value IS NOT NULL AND NOT isfinite(given_value) AS failed,
            coalesce(sample_size < {rules.thin_sample}, FALSE) AS thin,
            CASE WHEN last_updated IS NOT NULL THEN greatest(0.0,
                date_diff('microsecond', last_updated, moment) / 3.6e9) END AS age
        FROM lines JOIN words ON raw = word
    ),
    ranged AS (
        SELECT *, type = 'default' OR v IS NULL AS is_default,
            CASE WHEN v IS NULL AND type <> 'default'
                THEN {contract.sources["missing"].base!r}::DOUBLE ELSE word_base END AS base,
            coalesce(upstream_original <> v, FALSE) AS changed, v BETWEEN low AND high AS within,
            coalesce(age > {rules.very_stale_hours!r}, FALSE) AS old,
            coalesce(age > {rules.stale_hours!r}, FALSE) AS stale
        FROM seen
    ),
    scored AS (
        SELECT *, within AND NOT changed AS value_range_valid,
            CASE WHEN NOT within AND clamps THEN least(high, greatest(low, v)) ELSE v END
                AS feature_value,
            CASE WHEN changed THEN upstream_original WHEN NOT within AND clamps THEN v END
                AS original_value,
            coalesce(NOT (within AND NOT changed), FALSE) AS violation,
            coalesce(NOT is_default AND suspicious AND v = expected_value, FALSE) AS silent,
            least(100.0, greatest(0.0, base
                - CASE WHEN old THEN {rules.very_stale_penalty!r}::DOUBLE
                    WHEN stale THEN {rules.stale_penalty!r}::DOUBLE ELSE 0.0::DOUBLE END
                - CASE WHEN thin THEN {rules.thin_penalty!r}::DOUBLE ELSE 0.0::DOUBLE END))::DOUBLE
                AS quality_score
        FROM ranged
    ),
    judged AS (
        SELECT *, CASE WHEN is_default THEN 'default' ELSE type END AS source_type,
            CASE WHEN is_default OR old OR violation THEN 'poor'
                WHEN type = 'calculated' THEN 'bronze'
                WHEN type = 'phase3' OR stale OR thin THEN 'silver' ELSE 'gold' END
                AS feature_quality_tier,
            CASE WHEN is_default THEN 0.0::DOUBLE ELSE 100.0::DOUBLE * reliability
                * (quality_score / base)
                * CASE WHEN sample_size IS NOT NULL AND window_size IS NOT NULL
                    THEN least(1.0::DOUBLE, greatest(0.0::DOUBLE, sample_size / window_size))
                    ELSE 1.0::DOUBLE END END AS confidence_pct,
            CASE WHEN is_default THEN coalesce(told_reason,
                CASE WHEN failed THEN 'calculation_failed' ELSE reason END) END AS fallback_reason,
            CASE WHEN is_default THEN 'defaulted' WHEN original_value IS NOT NULL THEN 'clamped'
                WHEN violation OR silent THEN 'warning' ELSE 'valid' END AS validation_status,
            coalesce(quality_score >= {rules.training_min_score!r} AND NOT is_default AND NOT thin
                AND value_range_valid, FALSE) AS is_training_quality,
            CASE WHEN is_default THEN 'default_used' WHEN violation THEN 'range_violation'
                WHEN old THEN 'stale_data_48h' WHEN thin THEN 'thin_sample'
                WHEN silent THEN 'silent_default' END AS triggered_alert
        FROM scored
    )"""


def _reduced(contract: Contract) -> str:
    """Levels 2 and 3: one row per record, and its detail."""
    fields = ", ".join(f"{d.name} := {d.name}" for d in DETAIL_FIELDS)
    sums = [
        "sum(weight * quality_score) FILTER (NOT (optional AND is_default)) AS points",
        "sum(weight) FILTER (NOT (optional AND is_default)) AS weighed",
        "count(*) FILTER (is_default AND NOT optional) AS lacking",
        "count(*) FILTER (is_default AND critical) AS critical_defaults",
        "count(*) FILTER (is_training_quality) AS training_quality_feature_count",
        "bool_and(is_training_quality) FILTER (critical) AS critical_features_training_quality",
        "count(*) FILTER (critical AND NOT is_default AND quality_score >= "
        f"{contract.feature_rules.training_min_score!r}) AS critical_feature_count",
        "count(*) FILTER (optional AND NOT is_default) AS optional_feature_count",
        "count(*) FILTER (violation) AS violations",
        "count(*) FILTER (old) AS olds",
        "count(*) FILTER (silent) AS silents",
        "max(age) AS upstream_data_freshness_hours",
        "count(*) FILTER (raw = 'phase4') AS raw_phase4",
        "count(*) FILTER (raw = 'phase3') AS raw_phase3",
        "coalesce(list(feature_name ORDER BY feature_index) FILTER (NOT is_default), [])"
        " AS available_feature_names",
        "'{' || string_agg('\"' || feature_index || '\":\"' || raw || '\"', ',' "
        "ORDER BY feature_index) || '}' AS sources_made",
        f"list(struct_pack({fields}) ORDER BY feature_index) AS feature_quality_detail",
    ]
    for c in contract.category_names:
        mine = f"feature_category = {_text(c)}"
        sums.append(
            f"coalesce(avg(CASE WHEN is_default THEN 0.0::DOUBLE ELSE quality_score END) "
            f"FILTER ({mine}), 0) AS {c}_quality_pct"
        )
        sums.append(f"count(*) FILTER (is_default AND {mine}) AS {c}_default_count")
    for word in ("default", *contract.source_type_names):
        sums.append(f"count(*) FILTER (source_type = '{word}') AS {word}_feature_count")
    score = "CASE WHEN weighed > 0 THEN points / weighed ELSE 0 END"
    for cap in contract.score_caps:
        score = (
            f"CASE WHEN lacking >= {cap.min_required_defaults} "
            f"THEN least({score}, {cap.max_score!r}) ELSE {score} END"
        )
    bounds = contract.tiers
    return f"""
    sums AS (SELECT record, any_value(moment) AS judged_at, {", ".join(sums)}
             FROM judged GROUP BY record),
    means AS (SELECT *, ({score})::DOUBLE AS feature_quality_score FROM sums),
    reduced AS (SELECT *, CASE WHEN feature_quality_score > {bounds.gold_above!r} THEN 'gold'
        WHEN feature_quality_score >= {bounds.silver_from!r} THEN 'silver'
        WHEN feature_quality_score >= {bounds.bronze_from!r} THEN 'bronze'
        WHEN feature_quality_score >= {bounds.poor_from!r} THEN 'poor' ELSE 'critical' END
        AS quality_tier FROM means)"""


def _columns(contract: Contract, have: set[str]) -> str:
    alerts, legacy, width = contract.alerts, contract.legacy, len(contract.features)
    assert legacy is not None  # the contracts that are compared have one
    gate = f"{alerts.gate_category}_quality_pct"
    required = sum(not f.optional for f in contract.features)
    high, raised = alerts.default_rate_high, alerts.default_rate_raised
    told = {
        **{
            f"all_{c.name}_features_defaulted": (
                f"{c.name}_default_count = {len(contract.in_category(c.name))}"
            )
            for c in contract.categories
            if not c.optional
        },
        "critical_features_missing": "critical_defaults > 0",
        f"high_default_rate_{100 * high:.0f}pct": f"lacking / {required} > {high!r}::DOUBLE",
        f"high_default_rate_{100 * raised:.0f}pct": f"lacking / {required} > {raised!r}::DOUBLE "
        f"AND lacking / {required} <= {high!r}::DOUBLE",
        "range_violations": "violations > 0",
        f"stale_data_{contract.feature_rules.very_stale_hours:g}h": "olds > 0",
        "silent_defaults": f"silents >= {alerts.silent_defaults_from}",
    }
    known = _texts([p.name for p in contract.processors])
    expected = _texts([p.name for p in contract.processors if p.expected])
    done = "NULL::VARCHAR[]"
    if "processors_completed" in have:
        done = "list_filter(processors_completed, lambda p: p IS NOT NULL)"
    ran = (
        f"list_concat(list_filter({known}, lambda p: list_contains({done}, p)), "
        f"list_sort(list_distinct(list_filter({done}, lambda p: NOT list_contains({known}, p)"
        "))))"
    )
    ran = f"CASE WHEN {done} IS NOT NULL THEN {ran} END"
    lacking = f"list_filter({expected}, lambda p: NOT list_contains({done}, p))"
    made = {
        "feature_sources": "sources_made",
        "primary_data_source": "CASE "
        f"WHEN raw_phase4 / {width} >= {legacy.primary_share!r}::DOUBLE THEN 'phase4' "
        f"WHEN raw_phase4 / {width} >= {legacy.partial_share!r}::DOUBLE THEN 'phase4_partial' "
        f"WHEN raw_phase3 / {width} >= {legacy.secondary_share!r}::DOUBLE THEN 'phase3' "
        "ELSE 'mixed' END",
        legacy.status_column: f"CASE WHEN {legacy.status_category}_quality_pct < "
        f"{legacy.unavailable_below!r} THEN {_text(legacy.unavailable)} ELSE 'COMPLETE' END",
    }
    out = {
        "quality_alert_level": f"CASE WHEN quality_tier = 'critical' "
        f"OR {gate} < {alerts.red_category_below!r} "
        f"OR lacking > {alerts.red_required_defaults_above} THEN 'red' "
        f"WHEN quality_tier = 'poor' OR {gate} < {alerts.yellow_category_below!r} "
        f"OR lacking > {alerts.yellow_required_defaults_above} THEN 'yellow' ELSE 'green' END",
        "quality_alerts": _listed(told),
        "is_training_ready": _passes(contract.training_ready),
        "is_production_ready": _passes(contract.production_ready),
        contract.model_column: _listed(
            {m: _all_there(names, contract) for m, names in contract.models.items()}
        ),
        **{
            name: _all_there(flag.features, contract)
            for name, flag in (contract.flags | contract.model_flags).items()
        },
        "feature_schema_version": _text(contract.name),
        "feature_quality_detail_version": _text(contract.detail_version),
        "upstream_pipeline_run_id": _first(have, ["pipeline_run_id"], "NULL::VARCHAR"),
        "predecessor_processors_completed": f"coalesce({ran}, [])",
        "upstream_processors_ran": f"CASE WHEN len({ran}) = 0 THEN '' "
        f"ELSE array_to_string({ran}, ',') END",
        "missing_processors": f"CASE WHEN {done} IS NOT NULL AND len({lacking}) > 0 "
        f"THEN array_to_string({lacking}, ',') END",
        "feature_store_age_hours": "NULL::DOUBLE"
        if "computed_at" not in have
        else "CASE WHEN computed_at IS NOT NULL THEN greatest(0.0, "
        "date_diff('microsecond', computed_at, judged_at) / 3.6e9) END",
        "quality_computed_at": "$now::TIMESTAMPTZ",
        "quality_schema_version": _text(contract.schema_version),
        **{n: _first(have, [n], made[n]) for n in contract.output.legacy},
    }
    return ", ".join(f"{out.get(c, f'reduced.{c}')} AS {c}" for c in contract.output.names)


def _listed(words: dict[str, str]) -> str:
    cases = ", ".join(f"CASE WHEN {met} THEN {_text(word)} END" for word, met in words.items())
    return f"list_filter([{cases}]::VARCHAR[], lambda w: w IS NOT NULL)"


def _all_there(names: Sequence[str], contract: Contract) -> str:
    if not set(names) <= set(contract.names):
        return "FALSE"
    return f"list_has_all(available_feature_names, {_texts(list(names))})"


def _passes(gate: Gate) -> str:
    met = [
        f"list_contains({_texts(list(gate.tiers))}, quality_tier)",
        f"feature_quality_score >= {gate.min_score!r}",
    ]
    met += [f"{c}_quality_pct >= {least!r}" for c, least in gate.category_min.items()]
    return " AND ".join([*met, *(["critical_defaults = 0"] if gate.no_critical_default else [])])
