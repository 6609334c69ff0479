"""The output of a contract: every column of a scored record, stated once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fsq.contract.sections import Category, Flag, Legacy, SourceType
from fsq.contract.table import Table
from fsq.schema.columns import DETAIL, Column
from fsq.schema.output import OutputSchema


@dataclass(frozen=True)
class OutputParts:
    """The parts of a contract that decide its output; see ``Contract`` for each."""

    table: Table
    categories: Sequence[Category]
    source_types: Sequence[SourceType]
    flags: Mapping[str, Flag]
    model_column: str
    model_flags: Mapping[str, Flag]
    legacy: Legacy | None

    def describe(self) -> OutputSchema:
        """State the output's columns, in their order."""
        legacy = () if self.legacy is None else self.legacy.fields
        return OutputSchema(tuple(_keys(self.table)), tuple(_columns(self)), legacy)


def _keys(table: Table) -> Iterator[Column]:
    for name in table.keys:
        yield Column(name, "string", f"Key: the {table.entity}")
    yield Column(table.date, "date", "Key and partition: the date")
    if table.time is not None:
        yield Column(table.time, "timestamp", "Key: the moment")


def _columns(parts: OutputParts) -> Iterator[Column]:
    names = [c.name for c in parts.categories]
    yield Column(DETAIL, "detail", "One struct per feature, in index order")
    for name in names:
        what = f"Mean score of the {name} features, defaults as 0"
        yield Column(f"{name}_quality_pct", "float", what)
    yield from map(_flag, parts.flags, parts.flags.values())
    for name in names:
        yield Column(f"{name}_default_count", "int", f"Defaults among the {name} features")
    yield from _RECORD
    for source_type in parts.source_types:
        what = source_type.description or f"Features whose source type is {source_type.name}"
        yield Column(f"{source_type.name}_feature_count", "int", what)
    yield from _TRAINING
    yield Column(parts.model_column, "strings", "Models with all their features")
    yield from map(_flag, parts.model_flags, parts.model_flags.values())
    yield from _LINEAGE
    if parts.legacy is not None:
        sources, primary, status = parts.legacy.fields
        yield Column(sources, "string", "Legacy: JSON of index to source label")
        yield Column(primary, "string", "Legacy: the prevailing source")
        yield Column(status, "string", f"Legacy: COMPLETE or {parts.legacy.unavailable}")


def _flag(name: str, flag: Flag) -> Column:
    what = flag.description or f"None of these is default: {', '.join(flag.features)}"
    return Column(name, "bool", what)


_RECORD = (
    Column("feature_quality_score", "float", "Weighted mean score from 0 to 100"),
    Column("quality_tier", "string", "gold, silver, bronze, poor or critical"),
    Column("quality_alert_level", "string", "green, yellow or red"),
    Column("quality_alerts", "strings", "Alerts of the record; empty where none"),
    Column("default_feature_count", "int", "Features that are default"),
)
_TRAINING = (
    Column("is_training_ready", "bool", "May be trained on; FALSE where unknown"),
    Column("training_quality_feature_count", "int", "Features of training quality"),
    Column("critical_features_training_quality", "bool", "Critical features all qualify"),
    Column("critical_feature_count", "int", "Critical features present and good"),
    Column("optional_feature_count", "int", "Optional features present"),
    Column("feature_schema_version", "string", "Name of the contract"),
    Column("available_feature_names", "strings", "Features that are not default"),
)
_LINEAGE = (
    Column("feature_quality_detail_version", "string", "Version of the detail struct"),
    Column("is_production_ready", "bool", "May be predicted on; FALSE where unknown"),
    Column("upstream_pipeline_run_id", "string", "Correlation id of the upstream run"),
    Column("predecessor_processors_completed", "strings", "Upstream processors that finished"),
    Column("upstream_processors_ran", "string", "The same, comma-joined; NULL if unknown"),
    Column("missing_processors", "string", "Expected processors that did not finish"),
    Column("feature_store_age_hours", "float", "Hours from computed_at to as_of"),
    Column("upstream_data_freshness_hours", "float", "Largest feature age in hours"),
    Column("quality_computed_at", "timestamp", "When the quality was computed"),
    Column("quality_schema_version", "string", "Version of the quality columns"),
)
