"""What is the same in every record: the contract's constants, one row per feature, repeated.

The repetition is built once for the longest chunk seen. A shorter chunk takes a prefix of it,
which is a slice without a copy, since the pattern repeats with every record.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from fsq.contract import Contract, Feature
from fsq.schema.provenance import PROVENANCE

# The reason of a default whose calculation failed, whatever the contract says of the feature.
CALCULATION_FAILED = "calculation_failed"

_MAX_KEPT = 8
_repeated: dict[tuple[str, bool], pl.DataFrame] = {}


def repeat_constants(contract: Contract, records: int, *, encoded: bool = False) -> pl.DataFrame:
    """The contract's constants as feature rows, for this many records.

    Args:
        contract: the contract.
        records: how many.
        encoded: give texts as codes of an Enum.
    """
    width, key = len(contract.features), (contract.version_hash, encoded)
    cached = _repeated.get(key)
    if cached is None or cached.height < records * width:
        if len(_repeated) > _MAX_KEPT:
            _repeated.clear()
        pattern = tabulate_constants(contract)
        if encoded:
            pattern = pattern.select(_encode(column) for column in pattern)
        rows = pl.int_range(records * width, dtype=pl.UInt32, eager=True) % width
        cached = pattern.select(pl.all().gather(rows))
        _repeated[key] = cached
    return cached.head(records * width)


def _encode(column: pl.Series) -> pl.Series:
    """Texts as codes of an Enum; other columns as they are."""
    if column.dtype != pl.String or column.null_count() == len(column):
        return column
    return column.cast(pl.Enum(column.drop_nulls().unique(maintain_order=True)))


@lru_cache(maxsize=8)
def enum_of_reasons(contract: Contract) -> pl.Enum:
    """Every reason of a fallback that a rule can give."""
    reasons = (f.fallback_reason for f in contract.features)
    return pl.Enum(list(dict.fromkeys([CALCULATION_FAILED, *filter(None, reasons)])))


@lru_cache(maxsize=8)
def tabulate_constants(contract: Contract) -> pl.DataFrame:
    """The contract's constants, one row per feature in index order."""
    features = contract.features
    stated = {
        "feature_index": pl.Series([f.index for f in features], dtype=pl.Int64),
        "feature_name": pl.Series([f.name for f in features], dtype=pl.String),
        "feature_category": pl.Series([f.category for f in features], dtype=pl.String),
        "expected_value": pl.Series([f.expected for f in features], dtype=pl.Float64),
        "upstream_table": pl.Series([f.upstream_table for f in features], dtype=pl.String),
        "reason": pl.Series([f.fallback_reason for f in features], dtype=pl.String),
        "feature_definition_version": pl.Series([f.definition_version for f in features]),
        "clamps": pl.Series([f.on_violation == "clamp" for f in features]),
        "stale_alert": pl.Series([stale_alert(contract, f) for f in features]),
    }
    # For inputs without provenance; what an input states replaces these.
    unstated = {
        field.detail_field: pl.Series(
            [[] if field.type == "strings" else None] * len(features), dtype=field.dtype
        )
        for field in PROVENANCE.values()
    }
    return pl.DataFrame(unstated | stated)


def stale_alert(contract: Contract, feature: Feature) -> str:
    """The alert for an upstream record that is too old, named after the hours that apply.

    >>> from fsq.contract import load_contract
    >>> contract = load_contract("v2_33features")
    >>> stale_alert(contract, contract.features[0])
    'stale_data_48h'
    """
    return f"stale_data_{contract.threshold(feature, 'very_stale_hours'):g}h"


def stale_alerts(contract: Contract) -> list[str]:
    """Every such alert that a feature of the contract can have, each once."""
    return list(dict.fromkeys(stale_alert(contract, f) for f in contract.features))
