"""Column types, and the 23 fields of ``feature_quality_detail``, which no contract changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

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

DETAIL = "feature_quality_detail"
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
        (
            "source_type",
            "string",
            "One of the contract's source types, or default",
        ),
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

DETAIL_TYPE = pl.Struct({f.name: POLARS_TYPES[f.type] for f in DETAIL_FIELDS})
