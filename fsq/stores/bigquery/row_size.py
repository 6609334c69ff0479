"""Logical bytes of a scored row, estimated from its contract and schema alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fsq.contract import Contract, Feature
from fsq.schema.columns import DETAIL_FIELDS, REPEATED, ColumnType
from fsq.schema.provenance import PROVENANCE, ProvenanceField

_FIXED_SIZES: dict[ColumnType, int] = {"int": 8, "float": 8, "bool": 1, "date": 8, "timestamp": 8}
TEXT_OVERHEAD = 2  # bytes of a string in addition to its content
# Lengths of strings that the contract does not determine: averages of two real seasons.
_TEXT_LENGTHS = {
    "validation_status": 6, "source_type": 7, "feature_quality_tier": 5,
    "upstream_data_hash": 32, "fallback_reason": 22, "triggered_alert": 12, "quality_tier": 5,
    "quality_alert_level": 5, "feature_schema_version": 13, "quality_schema_version": 4,
    "feature_quality_detail_version": 2, "upstream_pipeline_run_id": 36, "primary_data_source": 12,
    "missing_processors": 30,
}  # fmt: skip
# Share of non-null values; unlisted fields are always present.
_NON_NULL_SHARE = {
    "feature_value": 0.87,
    "value_range_valid": 0.87,
    "original_value": 0.01,
    "fallback_reason": 0.15,
    "triggered_alert": 0.2,
    "missing_processors": 0.02,
}
# Columns that are NULL or empty unless the input has one of these.
_REQUIRED_INPUTS = {
    "predecessor_processors_completed": ["processors_completed"],
    "upstream_processors_ran": ["processors_completed"],
    "missing_processors": ["processors_completed"],
    "upstream_pipeline_run_id": ["pipeline_run_id"],
    "feature_store_age_hours": ["computed_at", "updated_at", "created_at"],
}
_KEY, _STATUS, _GAME_ID, _WORD, _ALERT, _ALERTS = 12, 8, 10, 7, 25, 0.2


@dataclass(frozen=True, slots=True)
class RowSize:
    """Logical bytes of one row.

    Attributes:
        total: of its keys and quality columns.
        arrays: of the array columns among them.
    """

    total: int
    arrays: int


def estimate_row_size(contract: Contract, columns: Collection[str] | None = None) -> RowSize:
    """Estimate the average logical bytes of a scored row in BigQuery.

    Args:
        contract: the contract that it is scored with.
        columns: the input's columns, which decide what lineage is stored; None for all of it.

    >>> from fsq.contract import load_contract
    >>> contract = load_contract("v2_33features")
    >>> whole = estimate_row_size(contract)
    >>> whole.total > estimate_row_size(contract, contract.table.key).total
    True
    """
    named = None if columns is None else {*columns}
    sizes = _flat_column_sizes(contract, named)
    sizes["feature_quality_detail"] = sum(
        _feature_size(f, contract, named) for f in contract.features
    )
    arrays = sum(sizes[c.name] for c in contract.output.columns if c.type in REPEATED)
    return RowSize(round(sum(sizes.values())), round(arrays))


def _flat_column_sizes(contract: Contract, columns: set[str] | None) -> dict[str, float]:
    """Bytes of each flat column."""
    output = contract.output
    flat = [c for c in (*output.keys, *output.columns) if c.type not in REPEATED]
    sizes = {c.name: _NON_NULL_SHARE.get(c.name, 1) * _value_size(c.name, c.type) for c in flat}
    sizes |= dict.fromkeys(output.entity_keys, TEXT_OVERHEAD + _KEY)
    sizes |= dict.fromkeys(output.legacy[2:], TEXT_OVERHEAD + _STATUS)
    processors = sum(TEXT_OVERHEAD + len(p.name) for p in contract.processors if p.expected)
    sizes |= {
        "quality_alerts": _ALERTS * (TEXT_OVERHEAD + _ALERT),
        "available_feature_names": _NON_NULL_SHARE["feature_value"]
        * sum(TEXT_OVERHEAD + len(n) for n in contract.names),
        contract.model_column: max((TEXT_OVERHEAD + len(m) for m in contract.models), default=0),
        "predecessor_processors_completed": processors,
        "upstream_processors_ran": processors,
    }
    labels = TEXT_OVERHEAD + sum(len(f'"{f.index}":"",') + _WORD for f in contract.features)
    sizes |= dict.fromkeys(output.legacy[:1], labels)
    if columns is None:
        return sizes
    absent = [n for n, sources in _REQUIRED_INPUTS.items() if columns.isdisjoint(sources)]
    updated = PROVENANCE["last_updated"]
    if not any(_is_provided(f, updated, contract, columns) for f in contract.features):
        absent.append("upstream_data_freshness_hours")
    return sizes | dict.fromkeys(absent, 0)


def _value_size(name: str, kind: ColumnType) -> int:
    return (
        _FIXED_SIZES[kind] if kind in _FIXED_SIZES else TEXT_OVERHEAD + _TEXT_LENGTHS.get(name, 0)
    )


def _feature_size(feature: Feature, contract: Contract, columns: set[str] | None) -> float:
    """Bytes of one feature's struct."""
    provenance = {p.detail_field: p for p in PROVENANCE.values()}
    fixed = {
        "feature_name": feature.name,
        "feature_category": feature.category,
        "upstream_table": feature.upstream_table,
        "feature_definition_version": feature.definition_version,
    }
    window = contract.windows.get(feature.window) if feature.window else None
    out = 0.0
    for field in DETAIL_FIELDS:
        provenance_field = provenance.get(field.name)
        if field.name in fixed:
            out += TEXT_OVERHEAD + len(fixed[field.name])
        elif field.name == "expected_value":
            out += 0 if feature.expected is None else _FIXED_SIZES["float"]
        elif provenance_field and provenance_field.has_rule_value:
            out += _NON_NULL_SHARE.get(field.name, 1) * _value_size(field.name, field.type)
        elif provenance_field and not _is_provided(feature, provenance_field, contract, columns):
            continue
        elif field.name == "contributing_game_ids":
            out += (window.size or 0 if window else 0) * (TEXT_OVERHEAD + _GAME_ID)
        elif field.name == "sample_size":
            out += _FIXED_SIZES["int"] if window else 0
        else:
            out += _NON_NULL_SHARE.get(field.name, 1) * _value_size(field.name, field.type)
    return out


def _is_provided(
    feature: Feature, field: ProvenanceField, contract: Contract, columns: set[str] | None
) -> bool:
    """Whether the input has this field for the feature."""
    if columns is None:
        return True
    names = {*field.columns(feature)}
    prefixes = contract.legacy.prefixes if contract.legacy else {}
    prefix = prefixes.get(feature.upstream_table)
    if prefix and field.legacy_suffix:
        names.add(f"{prefix}_{field.legacy_suffix}")
    return not columns.isdisjoint(names)
