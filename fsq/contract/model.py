"""A contract: what is particular to a feature table, as checked data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from fsq.contract.output import OutputParts
from fsq.contract.rules import (
    Alerts,
    DiagnosisRules,
    FeatureRules,
    Gate,
    ScoreCap,
    Tiers,
)
from fsq.contract.sections import (
    Category,
    Feature,
    FeatureThresholds,
    Flag,
    Identity,
    Label,
    Legacy,
    Name,
    Processor,
    Section,
    Source,
    SourceType,
    Window,
    flag_from_list,
)
from fsq.contract.table import Table
from fsq.schema.output import OutputSchema
from fsq.utils.display import Column, Display

CALCULATED = "calculated"  # the upstream table of what no table holds
Flags = dict[Name, Annotated[Flag, BeforeValidator(flag_from_list)]]


class Contract(Section):
    """A checked contract; see ``load_contract``.

    Attributes:
        name: of the contract; becomes ``feature_schema_version`` of every scored row.
        detail_version: version of the detail struct.
        schema_version: version of the quality columns.
        table: keys, date and time, and the words for a record.
        source_types: kinds of source, best first; those in use if left out.
        unlabelled: the source label of a value that has none.
        categories: groups of features; those in use if left out.
        processors: upstream jobs, in the order in which they run.
        features: in index order.
        sources: what each source label means.
        windows: of past events, by name.
        tables: thresholds of all features of an upstream table.
        feature_rules: thresholds of a feature's score.
        tiers: bounds of a record's tiers.
        alerts: when a record is red or yellow.
        training_ready: what a record must have to be trained on.
        production_ready: what a record must have to be predicted on.
        legacy: fields for readers of an older table.
        flags: columns that are TRUE where none of their features is a default.
        models: the features that each model reads.
        model_column: the output column that lists models with all their features.
        model_flags: flags that stand after that column.
        score_caps: caps of the score by required defaults.
        identities: what must hold between features of a row.
        diagnosis: thresholds of the checks of a date.
    """

    name: Label
    detail_version: Label = "v2"
    schema_version: Label = "v2.1"
    table: Table
    source_types: tuple[SourceType, ...] = Field(min_length=1, max_length=100)
    unlabelled: Name | None = None
    categories: tuple[Category, ...] = Field(min_length=1, max_length=1_000)
    processors: tuple[Processor, ...] = ()
    features: tuple[Feature, ...] = Field(min_length=1, max_length=10_000)
    sources: dict[Name, Source] = Field(max_length=255)  # a code of one byte each
    windows: dict[Name, Window] = Field(default_factory=dict)
    tables: dict[Name, FeatureThresholds] = Field(default_factory=dict)
    feature_rules: FeatureRules = FeatureRules()
    tiers: Tiers = Tiers()
    alerts: Alerts = Alerts()
    training_ready: Gate = Gate(tiers=("gold", "silver"), no_critical_default=True)
    production_ready: Gate = Gate(tiers=("gold", "silver", "bronze"), min_score=85)
    legacy: Legacy | None = None
    flags: Flags = Field(default_factory=dict)
    models: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    model_column: Name = "compatible_models"
    model_flags: Flags = Field(default_factory=dict)
    score_caps: tuple[ScoreCap, ...] = ()
    identities: tuple[Identity, ...] = ()
    diagnosis: DiagnosisRules = DiagnosisRules()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in index order."""
        return tuple(f.name for f in self.features)

    @cached_property
    def version_hash(self) -> str:
        """Twelve hex digits that change with anything that a score depends on.

        What only describes, checks whole dates, or says how to repair them, is left out: changing
        it makes no stored row outdated. So is what is not stated, so that a key that a later
        version adds changes no hash.
        """
        described: Any = {"__all__": {"description"}}
        left_out: Any = {
            "diagnosis": True,
            "identities": True,
            "table": {"entity", "plural", "season_start"},
            "processors": {"__all__": {"rerun"}},
            **dict.fromkeys(("source_types", "flags", "model_flags"), described),
        }
        stated = self.model_dump(mode="json", exclude=left_out, exclude_none=True)
        text = json.dumps(stated)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def output(self) -> OutputSchema:
        """The columns of scored records under this contract."""
        parts = OutputParts(
            self.table,
            self.categories,
            self.source_types,
            self.flags,
            self.model_column,
            self.model_flags,
            self.legacy,
        )
        return parts.describe()

    @property
    def category_names(self) -> tuple[str, ...]:
        """Names of the categories, in their order."""
        return tuple(c.name for c in self.categories)

    @property
    def source_type_names(self) -> tuple[str, ...]:
        """Names of the source types, best first, without ``default``."""
        return tuple(t.name for t in self.source_types)

    def threshold(self, feature: Feature, name: str) -> float:
        """``stale_hours``, ``very_stale_hours`` or ``thin_sample`` as it applies to a feature.

        Its own wins over that of its upstream table, and that over the contract's.

        >>> from fsq.contract import load_contract
        >>> contract = load_contract("v2_33features")
        >>> contract.threshold(contract.features[0], "very_stale_hours")
        48.0
        """
        shared = self.tables.get(feature.upstream_table)
        for rules in (feature, shared, self.feature_rules):
            value = None if rules is None else getattr(rules, name)
            if value is not None:
                return float(value)
        raise AssertionError(name)

    def group_by_table(self) -> dict[str, tuple[Feature, ...]]:
        """Features by upstream table, both in contract order.

        >>> from fsq.contract import load_contract
        >>> tables = load_contract("flights_2013").group_by_table()
        >>> {table: len(features) for table, features in tables.items()}
        {'planes': 2, 'flights_history': 9, 'schedule': 5, 'weather': 8}
        """
        tables: dict[str, list[Feature]] = {}
        for f in self.features:
            tables.setdefault(f.upstream_table, []).append(f)
        return {table: tuple(features) for table, features in tables.items()}

    def in_category(self, category: str) -> list[int]:
        """Indices of a category's features.

        >>> from fsq.contract import load_contract
        >>> load_contract("flights_2013").in_category("aircraft")
        [0, 1]
        """
        return [f.index for f in self.features if f.category == category]

    def __repr__(self) -> str:
        return f"Contract({self.name}, {len(self.features)} features, version {self.version_hash})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The features as a table, for a notebook; every word escaped."""
        left = ("feature", "category", "upstream table", "range")
        columns = (
            Column("#", "right"),
            *map(Column, left),
            Column("expected", "right"),
            Column("role"),
        )
        lines = [
            (
                str(f.index),
                f.name,
                f.category,
                f.upstream_table,
                f"{f.min:g} to {f.max:g}",
                "" if f.expected is None else f"{f.expected:g}",
                "critical" if f.critical else "optional" if f.optional else "",
            )
            for f in self.features
        ]
        return Display(repr(self), columns, lines).to_html()

    def writer(self, table: str) -> Processor | None:
        """The processor that writes a table; None if the contract names none.

        >>> from fsq.contract import load_contract
        >>> load_contract().writer("player_composite_factors").name
        'PlayerCompositeFactorsProcessor'
        """
        by = (p for p in self.processors if p.writes == table or _calculates(p, table))
        return next(by, None)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that derives its names and its hash anew, from what was updated."""
        copied = super().model_copy(update=update, deep=deep)
        for derived in ("names", "version_hash", "output", "canonical_json"):
            copied.__dict__.pop(derived, None)
        return copied

    @cached_property
    def canonical_json(self) -> str:
        """All of it as JSON text; the order of sources, flags and models counts."""
        return self.model_dump_json()

    def __eq__(self, other: object) -> bool:
        """Equal if everything is, the order too: it decides codes and columns that are cached."""
        return isinstance(other, Contract) and self.canonical_json == other.canonical_json

    def __hash__(self) -> int:
        """Hash by content, so that what derives from a contract can be cached."""
        return hash(self.version_hash)


def _calculates(processor: Processor, table: str) -> bool:
    return processor.calculates and table == CALCULATED
