"""The sections of a contract file, as checked data.

Thresholds are in ``fsq.contract.rules``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fsq.schema.vocabulary import FeatureTier

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

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class FeatureThresholds(Section):
    """Thresholds of freshness and sample size that a feature or an upstream table may override.

    Attributes:
        stale_hours: the age of the upstream record from which a value is stale.
        very_stale_hours: the age from which it is very stale.
        thin_sample: a sample with fewer members than this is thin.
    """

    stale_hours: Hours | None = None
    very_stale_hours: Hours | None = None
    thin_sample: Count | None = None


class Feature(FeatureThresholds):
    """One feature: where it comes from, what it may be, and how it counts.

    Attributes:
        index: position among the features; counted if it is left out.
        name: of the input's column.
        category: the group in whose quality it counts.
        upstream_table: the table that its value is read from.
        window: the window of past events that it is computed over.
        min: smallest value that is possible.
        max: largest value that is possible.
        on_violation: what upstream does with a value outside: warn, or clamp it.
        expected: the value that upstream writes when it falls back.
        suspicious_default: whether a real value never equals ``expected``.
        fallback_reason: what scored rows state for a value that is a default.
        definition_version: of the feature's definition.
        weight: of its score in the record's.
        optional: whether it may be absent; an absent one counts against no gate.
        critical: whether a record without it cannot be trained on.
        min_std: least standard deviation of a date's values; below, the feature is stuck.
        min_distinct: least number of distinct values of a date; 1 says that a date may have
            a single value.
    """

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
    """A kind of source, and the best tier that a value of this kind can have.

    Attributes:
        name: of the kind; the output counts its features in ``<name>_feature_count``.
        tier: the best tier of its values.
        description: for the documentation of that column.
    """

    name: Name
    tier: FeatureTier = "gold"
    description: Description | None = None


class Source(Section):
    """What a source label means.

    Attributes:
        type: the kind of source; ``default`` for placeholders.
        base: the score that a value with this label begins with, in points of 100.
        reliability: how far it can be trusted, from 0 to 1.
    """

    type: Name
    base: Percent
    reliability: Share


class Window(Section):
    """A window of past events; without a size, no sample is too small for it.

    Attributes:
        size: number of events in a full window.
    """

    size: Annotated[Count, Field(ge=1)] | None = None


class Category(Section):
    """A group of features with a quality of its own.

    Attributes:
        name: of the category; the output has ``<name>_quality_pct`` and ``<name>_default_count``.
        optional: whether its features are normally absent.
    """

    name: Name
    optional: bool = False


class Processor(Section):
    """An upstream job, the table that it writes, and how to run it again.

    One that ``calculates`` also computes the features whose upstream table is ``calculated``.

    Attributes:
        name: as upstream lists it among the completed ones.
        writes: the table that it writes.
        expected: whether it runs for every date.
        rerun: the command that repairs a date; ``{date}`` becomes the date.
        calculates: whether it computes what no table holds.
    """

    name: Label
    writes: Name
    expected: bool = True
    rerun: str | None = None
    calculates: bool = False


class Flag(Section):
    """Features that must all be available for a flag of the record to be TRUE.

    Attributes:
        features: those features.
        description: for the documentation of its column.
    """

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


class Identity(Section):
    """What must hold between features of a row: ``left`` equals ``right`` within the tolerance.

    Both sides are expressions of features, numbers, ``+ - * /`` and parentheses.

    Attributes:
        name: says what it means.
        left: one side.
        right: the other side.
        tolerance: how far they may differ.
        relative_tolerance: how far they may differ as a share of their size, added to that.
    """

    name: Name
    left: str = Field(min_length=1, max_length=1_000)
    right: str = Field(min_length=1, max_length=1_000)
    tolerance: float = Field(default=0.0, ge=0)
    relative_tolerance: float = Field(default=0.0, ge=0)


def flag_from_list(value: object) -> object:
    """A flag may be written as the list of its features alone."""
    return {"features": value} if isinstance(value, list | tuple) else value
