"""The output, stated once: 44 columns and the 23 fields of ``feature_quality_detail``.

The Polars, Arrow and BigQuery schemas and the documentation derive from the tables below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from fsq.schema.vocabulary import CATEGORIES

ColumnType = Literal["int", "float", "string", "bool", "date", "timestamp", "strings", "detail"]


@dataclass(frozen=True, slots=True)
class Column:
    """One output column or field: its name, type and meaning."""

    name: str
    type: ColumnType
    description: str


UTC_MICROS = pl.Datetime("us", "UTC")
POLARS_TYPES: dict[ColumnType, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": UTC_MICROS,
    "strings": pl.List(pl.String()),
}
# BigQuery's standard SQL types; an array there is a type with the mode REPEATED.
BIGQUERY_TYPES: dict[ColumnType, str] = {
    "int": "INT64",
    "float": "FLOAT64",
    "string": "STRING",
    "bool": "BOOL",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "strings": "STRING",
    "detail": "STRUCT",
}
REPEATED: frozenset[ColumnType] = frozenset({"strings", "detail"})

KEY_COLUMNS = (
    Column("player_lookup", "string", "Key: the player"),
    Column("game_date", "date", "Key and partition: the game's date"),
)
KEYS = tuple(c.name for c in KEY_COLUMNS)

DETAIL_FIELDS = tuple(
    Column(*c)
    for c in (
        ("feature_index", "int", "Index of the feature in the contract, from 0"),
        ("feature_name", "string", "Name of the feature"),
        ("feature_category", "string", "Category of the feature"),
        ("feature_value", "float", "Value, after clamping; NULL if missing"),
        ("expected_value", "float", "Value that upstream writes when it falls back"),
        ("original_value", "float", "Value before clamping; NULL where nothing was clamped"),
        ("value_range_valid", "bool", "Lies within the contract's range; NULL without a value"),
        ("validation_status", "string", "defaulted, clamped, warning or valid"),
        ("source_type", "string", "phase4, phase3, calculated or default"),
        ("upstream_table", "string", "Table that the value was read from"),
        ("upstream_data_hash", "string", "Hash of the upstream record"),
        ("last_updated", "timestamp", "When the upstream record was last updated"),
        ("quality_score", "float", "Points from 0 to 100"),
        ("feature_quality_tier", "string", "gold, silver, bronze or poor"),
        ("confidence_pct", "float", "Confidence from 0 to 100 percent; 0 for a default"),
        ("is_default", "bool", "The value is a default or missing"),
        ("fallback_reason", "string", "Why the feature fell back; NULL where it did not"),
        ("sample_size", "int", "Games actually in the feature's window"),
        ("contributing_game_ids", "strings", "Games in the window; empty where unknown"),
        ("is_training_quality", "bool", "Good enough to train on; never NULL"),
        ("triggered_alert", "string", "First alert that applies; NULL where none does"),
        ("feature_definition_version", "string", "Version of the feature's definition"),
        ("computation_duration_ms", "int", "Milliseconds that the feature took upstream"),
    )
)

COLUMNS = (
    Column("feature_quality_detail", "detail", "One struct per feature, in index order"),
    *(
        Column(f"{c}_quality_pct", "float", f"Mean score of the {c} features, defaults as 0")
        for c in CATEGORIES
    ),
    Column("has_composite_factors", "bool", "No composite factor is default"),
    Column("has_opponent_defense", "bool", "No opponent feature is default"),
    Column("has_vegas_line", "bool", "The points line is not default"),
    *(Column(f"{c}_default_count", "int", f"Defaults among the {c} features") for c in CATEGORIES),
    *(
        Column(*c)
        for c in (
            ("feature_quality_score", "float", "Weighted mean score from 0 to 100"),
            ("quality_tier", "string", "gold, silver, bronze, poor or critical"),
            ("quality_alert_level", "string", "green, yellow or red"),
            ("quality_alerts", "strings", "Alerts of the record; empty where none"),
            ("default_feature_count", "int", "Features that are default"),
            ("phase4_feature_count", "int", "Features from precomputed tables"),
            ("phase3_feature_count", "int", "Features from analytics tables"),
            ("calculated_feature_count", "int", "Features calculated on the fly"),
            ("is_training_ready", "bool", "May be trained on; FALSE where unknown"),
            ("training_quality_feature_count", "int", "Features of training quality"),
            ("critical_features_training_quality", "bool", "Critical features all qualify"),
            ("critical_feature_count", "int", "Critical features present and good"),
            ("optional_feature_count", "int", "Optional features present"),
            ("feature_schema_version", "string", "Name of the contract"),
            ("available_feature_names", "strings", "Features that are not default"),
            ("breakout_model_compatible", "strings", "Models with all their features"),
            ("breakout_v3_features_available", "bool", "Both breakout v3 features are available"),
            ("feature_quality_detail_version", "string", "Version of the detail struct"),
            ("is_production_ready", "bool", "May be predicted on; FALSE where unknown"),
            ("upstream_pipeline_run_id", "string", "Correlation id of the upstream run"),
            ("predecessor_processors_completed", "strings", "Upstream processors that finished"),
            ("upstream_processors_ran", "string", "The same, comma-joined; NULL if unknown"),
            ("missing_processors", "string", "Expected processors that did not finish"),
            ("feature_store_age_hours", "float", "Hours from computed_at to as_of"),
            ("upstream_data_freshness_hours", "float", "Largest feature age in hours"),
            ("quality_computed_at", "timestamp", "When the quality was computed"),
            ("quality_schema_version", "string", "Version of the quality columns"),
            ("feature_sources", "string", "Legacy: JSON of index to source label"),
            ("primary_data_source", "string", "Legacy: the prevailing source"),
            ("matchup_data_status", "string", "Legacy: COMPLETE or MATCHUP_UNAVAILABLE"),
        )
    ),
)

COLUMN_NAMES = tuple(c.name for c in COLUMNS)
LEGACY_FIELDS = ("feature_sources", "primary_data_source", "matchup_data_status")
DETAIL_TYPE = pl.Struct({f.name: POLARS_TYPES[f.type] for f in DETAIL_FIELDS})
POLARS_SCHEMA = pl.Schema(
    {c.name: pl.List(DETAIL_TYPE) if c.type == "detail" else POLARS_TYPES[c.type] for c in COLUMNS}
)


def markdown() -> str:
    """Both tables as Markdown, for the documentation.

    >>> markdown().splitlines()[0]
    '# Output columns'
    """
    lines = ["# Output columns", "", "One row per input row carries these 44 columns."]
    for title, table in (("", COLUMNS), ("## Fields of feature_quality_detail", DETAIL_FIELDS)):
        lines += [*([title] if title else []), "", "| name | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {c.type} | {c.description} |" for c in table]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
