"""What a contract states: features, source labels, weights and thresholds, as validated data.

Each class is a table of the contract file. ``fsq.contract.validation`` compares the parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fsq.schema.vocabulary import CategoryName, SourceType, Tier

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]  # games, rows, features
Days = Annotated[int, Field(ge=1, le=36_500)]  # added to a date, still a date
Hours = Annotated[float, Field(ge=0, le=1_000_000)]

CALCULATED = "calculated"  # the upstream table of features that no table holds


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Feature(_Frozen):
    """One feature of the model: its source, its range, and its weight."""

    index: int = Field(ge=0)
    name: Name
    category: CategoryName
    upstream_table: Name
    window: Name | None = None
    min: float
    max: float
    on_violation: Literal["warn", "clamp"]
    expected: float | None = None
    suspicious_default: bool = False
    fallback_reason: Name
    definition_version: Label
    weight: float = Field(default=1.0, ge=0, le=1e9)
    optional: bool = False
    critical: bool = False
    min_std: float | None = Field(default=None, ge=0)
    min_distinct: Count | None = None


class Source(_Frozen):
    """What a source label means."""

    type: SourceType
    base: Percent
    reliability: Share


class Window(_Frozen):
    """A window of past games; without a size, any sample fills it."""

    size: Annotated[Count, Field(ge=1)] | None = None


class Category(_Frozen):
    """A group of features with a score of its own."""

    name: CategoryName
    optional: bool = False


class Processor(_Frozen):
    """An upstream job, the table that it writes, and how to run it again.

    One that ``calculates`` also computes the features whose upstream table is ``calculated``.
    """

    name: Label
    writes: Name
    expected: bool = True
    rerun: str | None = None
    calculates: bool = False


class FeatureRules(_Frozen):
    """Thresholds of level 1, in hours, games and points."""

    stale_hours: Hours
    stale_penalty: Percent
    very_stale_hours: Hours
    very_stale_penalty: Percent
    thin_sample: Count
    thin_penalty: Percent
    training_min_score: Percent


class Tiers(_Frozen):
    """Bounds of a record's tiers: gold lies above its bound, the others start at theirs."""

    gold_above: Percent
    silver_from: Percent
    bronze_from: Percent
    poor_from: Percent


class Alerts(_Frozen):
    """When a record is red or yellow, and when its default rate raises an alert."""

    gate_category: CategoryName
    red_category_below: Percent
    red_required_defaults_above: Count
    yellow_category_below: Percent
    yellow_required_defaults_above: Count
    default_rate_high: Share
    default_rate_raised: Share
    silent_defaults_from: Annotated[Count, Field(ge=1)]


class Gate(_Frozen):
    """What a record needs to pass; one that cannot be evaluated does not pass."""

    tiers: tuple[Tier, ...]
    min_score: Percent = 0.0
    category_min: dict[CategoryName, Percent] = {}
    no_critical_default: bool = False


class Legacy(_Frozen):
    """Thresholds of the three dual-written legacy fields."""

    phase4_share: Share
    partial_share: Share
    phase3_share: Share
    matchup_unavailable_below: Percent


class Flags(_Frozen):
    """Per flag of a record, the features that must all be available for it to be TRUE."""

    has_composite_factors: tuple[Name, ...]
    has_opponent_defense: tuple[Name, ...]
    has_vegas_line: tuple[Name, ...]
    breakout_v3_features_available: tuple[Name, ...]


class ScoreCap(_Frozen):
    """With this many required defaults or more, a record's score is at most ``max_score``."""

    min_required_defaults: Annotated[Count, Field(ge=1)]
    max_score: Percent


class DiagnosisRules(_Frozen):
    """What the checks of a date share; shares from 0 to 1.

    The table also holds the thresholds of each check: see ``fsq.contract.thresholds``.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    history_days: Days
    history_min_days: Days
    history_max_age_days: Days
    min_rows: Annotated[Count, Field(ge=2)]
    break_days: Annotated[Days, Field(ge=2)]
    warmup_games: float = Field(ge=0)
    table_default_share: Share


class Contract(_Frozen):
    """A validated contract; see ``load_contract``."""

    name: Label
    detail_version: Label
    schema_version: Label
    categories: tuple[Category, ...]
    processors: tuple[Processor, ...] = ()
    features: tuple[Feature, ...] = Field(min_length=1, max_length=10_000)
    sources: dict[Name, Source] = Field(max_length=255)  # a code of one byte each
    windows: dict[Name, Window] = {}
    feature_rules: FeatureRules
    tiers: Tiers
    alerts: Alerts
    training_ready: Gate
    production_ready: Gate
    legacy: Legacy
    flags: Flags
    legacy_prefixes: dict[Name, Name] = {}
    models: dict[Name, tuple[Name, ...]] = {}
    score_caps: tuple[ScoreCap, ...] = ()
    diagnosis: DiagnosisRules

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in index order."""
        return tuple(f.name for f in self.features)

    @cached_property
    def version_hash(self) -> str:
        """Twelve hex digits that change with anything that a score depends on.

        Thresholds of the diagnosis and commands that repair dates are left out: changing them
        makes no stored row outdated.
        """
        excluded: Any = {"diagnosis": True, "processors": {"__all__": {"rerun"}}}
        text = json.dumps(self.model_dump(mode="json", exclude=excluded), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def in_category(self, category: str) -> list[int]:
        """Indices of a category's features.

        >>> from fsq.contract import load_contract
        >>> load_contract("v2_33features").in_category("vegas")
        [25, 26, 27, 28]
        """
        return [f.index for f in self.features if f.category == category]

    def __repr__(self) -> str:
        return f"Contract({self.name}, {len(self.features)} features, version {self.version_hash})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The features as a table, for a notebook; every text is escaped."""
        columns = ("#", "feature", "category", "upstream table", "range", "expected", "role")
        rows = [
            (
                f.index,
                f.name,
                f.category,
                f.upstream_table,
                f"{f.min:g} to {f.max:g}",
                "" if f.expected is None else f"{f.expected:g}",
                "critical" if f.critical else "optional" if f.optional else "",
            )
            for f in self.features
        ]
        header = "".join(f"<th>{h}</th>" for h in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows
        )
        return (
            f"<div><p><strong>{escape(repr(self))}</strong></p>"
            f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def writer(self, table: str) -> Processor | None:
        """The processor that writes a table; None if the contract names none.

        >>> from fsq.contract import load_contract
        >>> load_contract().writer("player_composite_factors").name
        'PlayerCompositeFactorsProcessor'
        """
        writers = (p for p in self.processors if p.writes == table or _calculates(p, table))
        return next(writers, None)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the contract; names and hash are derived again from what was updated."""
        copied = super().model_copy(update=update, deep=deep)
        for derived in ("names", "version_hash"):
            copied.__dict__.pop(derived, None)
        return copied

    def __hash__(self) -> int:
        """Hash by content, so that whatever derives from a contract can be cached."""
        return hash(self.version_hash)


def _calculates(processor: Processor, table: str) -> bool:
    return processor.calculates and table == CALCULATED
