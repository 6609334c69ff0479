"""The sections of a contract file, as checked data.

Thresholds default to those of ``v2_33features``, so that a first contract can leave them out.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fsq.schema.vocabulary import FeatureTier, Tier

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]  # rows, features, members of a window
Days = Annotated[int, Field(ge=1, le=36_500)]  # a calendar holds their sum with any date in use
Hours = Annotated[float, Field(ge=0, le=1_000_000)]


class Section(BaseModel):
    """A section; unknown keys are errors, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FeatureThresholds(Section):
    """Thresholds of freshness and sample size that a feature or an upstream table may override."""

    stale_hours: Hours | None = None
    very_stale_hours: Hours | None = None
    thin_sample: Count | None = None


class Feature(FeatureThresholds):
    """One feature: where it comes from, what it may be, and how it counts."""

    index: int = Field(ge=0)
    name: Name
    category: Name
    upstream_table: Name
    window: Name | None = None
    min: float
    max: float
    on_violation: Literal["warn", "clamp"] = "warn"
    expected: float | None = None
    suspicious_default: bool = False
    fallback_reason: Name = "value_missing"
    definition_version: Label = "v1"
    weight: float = Field(default=1.0, ge=0, le=1e9)
    optional: bool = False
    critical: bool = False
    min_std: float | None = Field(default=None, ge=0)
    min_distinct: Count | None = None


class SourceType(Section):
    """A kind of source, and the best tier that a value of this kind can have."""

    name: Name
    tier: FeatureTier = "gold"
    description: Description | None = None


class Source(Section):
    """What a source label means."""

    type: Name
    base: Percent
    reliability: Share


class Window(Section):
    """A window of past events; without a size, no sample is too small for it."""

    size: Annotated[Count, Field(ge=1)] | None = None


class Category(Section):
    """A group of features with a quality of its own."""

    name: Name
    optional: bool = False


class Processor(Section):
    """An upstream job, the table that it writes, and how to run it again.

    One that ``calculates`` also computes the features whose upstream table is ``calculated``.
    """

    name: Label
    writes: Name
    expected: bool = True
    rerun: str | None = None
    calculates: bool = False


class FeatureRules(Section):
    """Thresholds of level 1: hours, members of a window, points."""

    stale_hours: Hours = 24
    stale_penalty: Percent = 10
    very_stale_hours: Hours = 48
    very_stale_penalty: Percent = 20
    thin_sample: Count = 5
    thin_penalty: Percent = 10
    training_min_score: Percent = 85


class Tiers(Section):
    """Bounds of a record's tiers; gold lies above its bound, the rest begin at theirs."""

    gold_above: Percent = 95
    silver_from: Percent = 85
    bronze_from: Percent = 70
    poor_from: Percent = 50


class Alerts(Section):
    """When a record is red or yellow, and when a default rate is worth an alert.

    Without a ``gate_category`` no category can turn a record red.
    """

    gate_category: Name | None = None
    red_category_below: Percent = 50
    red_required_defaults_above: Count = 6
    yellow_category_below: Percent = 70
    yellow_required_defaults_above: Count = 2
    default_rate_high: Share = 0.5
    default_rate_raised: Share = 0.2
    silent_defaults_from: Annotated[Count, Field(ge=1)] = 2


class Gate(Section):
    """What a record must have to pass; what cannot be evaluated does not pass."""

    tiers: tuple[Tier, ...]
    min_score: Percent = 0.0
    category_min: dict[Name, Percent] = Field(default_factory=dict)
    no_critical_default: bool = False


class Flag(Section):
    """Features that must all be available for a flag of the record to be TRUE."""

    features: tuple[Name, ...]
    description: Description | None = None


class Legacy(Section):
    """The three fields that are still written for readers of an older table.

    Attributes:
        primary: the source label whose share decides ``primary_data_source``.
        primary_share: from this share of the features on, it prevails.
        partial_share: from this share on, it prevails partly.
        secondary: the label that is looked at next.
        secondary_share: from this share on, that one prevails.
        status_column: the field that says whether a category is available.
        status_category: that category.
        unavailable: what the field says where the category's quality is too low.
        unavailable_below: points.
        prefixes: per upstream table, what its provenance columns begin with in the older table.
    """

    primary: Name
    primary_share: Share = 0.9
    partial_share: Share = 0.5
    secondary: Name
    secondary_share: Share = 0.5
    status_column: Name
    status_category: Name
    unavailable: Label
    unavailable_below: Percent = 50
    prefixes: dict[Name, Name] = Field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, str, str]:
        """The three fields, in the order of the output."""
        return ("feature_sources", "primary_data_source", self.status_column)


class ScoreCap(Section):
    """From so many required defaults on, the record's score is at most ``max_score``."""

    min_required_defaults: Annotated[Count, Field(ge=1)]
    max_score: Percent


class Identity(Section):
    """What must hold between features of a row: ``left`` equals ``right`` within the tolerance.

    Both sides are expressions of features, numbers, ``+ - * /`` and parentheses.
    """

    name: Name
    left: str = Field(min_length=1, max_length=1_000)
    right: str = Field(min_length=1, max_length=1_000)
    tolerance: float = Field(default=0.0, ge=0)
    relative_tolerance: float = Field(default=0.0, ge=0)


class DiagnosisRules(Section):
    """What the checks of a date share; shares from 0 to 1.

    The section also holds the thresholds of each check: see ``fsq.contract.thresholds``.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    history_days: Days = 7
    history_min_days: Days = 3
    history_max_age_days: Days = 45
    min_rows: Annotated[Count, Field(ge=2)] = 50
    break_days: Annotated[Days, Field(ge=2)] = 5
    warmup_games: float = Field(default=5, ge=0)
    table_default_share: Share = 0.95


def flag_from_list(value: object) -> object:
    """A flag may be written as the list of its features alone."""
    return {"features": value} if isinstance(value, list | tuple) else value
