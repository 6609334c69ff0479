"""Provenance: what an input may say about where a feature's value came from.

A provenance column is named ``<owner>__<suffix>``. The owner is a feature; where many features
share a fact, it may be their upstream table or their window instead. To add a field, add a line
here and describe the struct's field in ``DETAIL_FIELDS``: intake, scoring, the output and the
price of a write derive from the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import polars as pl

from fsq.schema.columns import DETAIL_FIELDS, POLARS_TYPES, ColumnType


class Owner(Protocol):
    """A feature, as far as provenance is concerned."""

    @property
    def name(self) -> str:
        """The feature's name."""

    @property
    def upstream_table(self) -> str:
        """The table that its value is read from."""

    @property
    def window(self) -> str | None:
        """The window of events that its value is computed over."""


@dataclass(frozen=True, slots=True)
class ProvenanceField:
    """One fact about a feature's value.

    Attributes:
        suffix: what the column's name ends in, after two underscores.
        detail_field: the field of ``feature_quality_detail`` that holds it.
        shared_by: what may state it once for many features: their upstream table or their
            window; None if each feature has a column of its own.
        read_by_rules: whether a score depends on it; the other fields are only written out.
        has_rule_value: whether the rules also work the field out, so that the column only adds to
            or overrides what they say.
        legacy_suffix: what legacy columns call it after a table's short prefix; None if they
            lack it.
    """

    suffix: str
    detail_field: str
    shared_by: Literal["upstream_table", "window"] | None = None
    read_by_rules: bool = False
    has_rule_value: bool = False
    legacy_suffix: str | None = None

    @property
    def type(self) -> ColumnType:
        """The detail field's type."""
        return _DETAIL_TYPES[self.detail_field]

    @property
    def dtype(self) -> pl.DataType:
        """The detail field's Polars type."""
        return POLARS_TYPES[self.type]

    def owners(self, feature: Owner) -> tuple[str, ...]:
        """The names that the suffix may stand after, the feature's own first.

        >>> from fsq.contract import load_contract
        >>> feature = load_contract("v2_33features").features[0]
        >>> PROVENANCE["sample_size"].owners(feature)
        ('points_avg_last_5', 'last_5')
        """
        shared = getattr(feature, self.shared_by) if self.shared_by else None
        return (feature.name, shared) if shared else (feature.name,)

    def columns(self, feature: Owner) -> tuple[str, ...]:
        """The columns that may state it for a feature, the most specific first.

        >>> from fsq.contract import load_contract
        >>> PROVENANCE["data_hash"].columns(load_contract("v2_33features").features[0])[0]
        'points_avg_last_5__data_hash'
        """
        return tuple(f"{owner}__{self.suffix}" for owner in self.owners(feature))


_DETAIL_TYPES = {f.name: f.type for f in DETAIL_FIELDS}
_FIELDS = (
    ProvenanceField(
        "last_updated",
        "last_updated",
        shared_by="upstream_table",
        read_by_rules=True,
        legacy_suffix="last_updated",
    ),
    ProvenanceField(
        "data_hash", "upstream_data_hash", shared_by="upstream_table", legacy_suffix="hash"
    ),
    ProvenanceField("upstream_table", "upstream_table"),
    ProvenanceField("sample_size", "sample_size", shared_by="window", read_by_rules=True),
    ProvenanceField("game_ids", "contributing_game_ids", shared_by="window"),
    ProvenanceField("original_value", "original_value", read_by_rules=True, has_rule_value=True),
    ProvenanceField("fallback_reason", "fallback_reason", has_rule_value=True),
    ProvenanceField("duration_ms", "computation_duration_ms"),
)
PROVENANCE = {field.suffix: field for field in _FIELDS}
