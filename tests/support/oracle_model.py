"""A contract as the oracle knows it: plain data, with the defaults of the definition of quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class OracleFeature:
    """One line of the table of features.

    ``stale_hours``, ``very_stale_hours`` and ``thin_sample`` are its own; None where it has none.
    """

    index: int
    name: str
    category: str
    upstream_table: str
    window: str | None
    min: float
    max: float
    on_violation: str
    expected: float | None
    suspicious_default: bool
    fallback_reason: str
    definition_version: str
    optional: bool = False
    critical: bool = False
    weight: float = 1.0
    stale_hours: float | None = None
    very_stale_hours: float | None = None
    thin_sample: int | None = None


@dataclass(frozen=True)
class OracleRules:
    """``[feature_rules]``."""

    stale_hours: float = 24
    stale_penalty: float = 10
    very_stale_hours: float = 48
    very_stale_penalty: float = 20
    thin_sample: int = 5
    thin_penalty: float = 10
    training_min_score: float = 85


@dataclass(frozen=True)
class OracleTiers:
    """``[tiers]``."""

    gold_above: float = 95
    silver_from: float = 85
    bronze_from: float = 70
    poor_from: float = 50


@dataclass(frozen=True)
class OracleAlerts:
    """``[alerts]``."""

    gate_category: str | None = None
    red_category_below: float = 50
    red_required_defaults_above: int = 6
    yellow_category_below: float = 70
    yellow_required_defaults_above: int = 2
    default_rate_high: float = 0.5
    default_rate_raised: float = 0.2
    silent_defaults_from: int = 2


@dataclass(frozen=True)
class OracleGate:
    """What a record must have to pass."""

    tiers: Sequence[str]
    min_score: float = 0
    category_min: Mapping[str, float] = field(default_factory=dict)
    no_critical_default: bool = False


@dataclass(frozen=True)
class OracleLegacy:
    """``[legacy]``."""

    primary: str
    secondary: str
    status_column: str
    status_category: str
    unavailable: str
    primary_share: float = 0.9
    partial_share: float = 0.5
    secondary_share: float = 0.5
    unavailable_below: float = 50


@dataclass(frozen=True)
class OracleContract:
    """A contract.

    Attributes:
        name: of the contract.
        features: in index order.
        sources: of a raw word, its canonical type, base and reliability.
        source_types: of a canonical type, the best tier; best type first, without ``default``.
        categories: of a category, whether it is optional.
        keys: columns that name the entity; strings or integers.
        date: the column of dates.
        time: the column of moments, if they are part of the key.
        group: the column of events, if there is one.
        timezone: of where a date ends.
        unlabelled: the raw word of a value whose feature has no source column.
        sizes: of a window, how many events a full one has; None if that is not fixed.
        thresholds: of an upstream table, the thresholds that it states for its features.
        processors: of an upstream job, whether it is expected on every date.
        flags: of a flag, its features.
        model_flags: the same of flags that stand after the column of models.
        models: of a model, its features.
        caps: pairs of least number of required defaults, and the highest score then.
    """

    name: str
    features: Sequence[OracleFeature]
    sources: Mapping[str, tuple[str, float, float]]
    source_types: Mapping[str, str]
    categories: Mapping[str, bool]
    keys: Sequence[str]
    date: str = "date"
    time: str | None = None
    group: str | None = None
    timezone: str = "UTC"
    unlabelled: str | None = None
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    processors: Mapping[str, bool] = field(default_factory=dict)
    rules: OracleRules = OracleRules()
    tiers: OracleTiers = OracleTiers()
    alerts: OracleAlerts = OracleAlerts()
    training_ready: OracleGate = OracleGate(("gold", "silver"), no_critical_default=True)
    production_ready: OracleGate = OracleGate(("gold", "silver", "bronze"), min_score=85)
    legacy: OracleLegacy | None = None
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    model_column: str = "compatible_models"
    model_flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    caps: Sequence[tuple[int, float]] = field(default_factory=list)
    detail_version: str = "v2"
    schema_version: str = "v2.1"

    def threshold(self, feature: OracleFeature, name: str) -> float:
        """A threshold as it applies: the feature's own, else its table's, else the contract's."""
        own = getattr(feature, name)
        if own is not None:
            return float(own)
        shared = self.thresholds.get(feature.upstream_table, {})
        return float(shared[name] if name in shared else getattr(self.rules, name))

    def stale_alert(self, feature: OracleFeature) -> str:
        """What it is called when the feature's record is too old."""
        return f"stale_data_{self.threshold(feature, 'very_stale_hours'):g}h"

    @property
    def expected(self) -> list[str]:
        """Upstream jobs that must run on every date, in order."""
        return [name for name, expected in self.processors.items() if expected]

    @property
    def key(self) -> list[str]:
        """The columns that together name a record."""
        return [*self.keys, self.date, *([self.time] if self.time else [])]

    @property
    def legacy_columns(self) -> list[str]:
        """The dual-written fields, if there are any."""
        if self.legacy is None:
            return []
        return ["feature_sources", "primary_data_source", self.legacy.status_column]

    @property
    def columns(self) -> list[str]:
        """The output columns, in their order."""
        return [
            "feature_quality_detail",
            *(f"{c}_quality_pct" for c in self.categories),
            *self.flags,
            *(f"{c}_default_count" for c in self.categories),
            "feature_quality_score",
            "quality_tier",
            "quality_alert_level",
            "quality_alerts",
            "default_feature_count",
            *(f"{t}_feature_count" for t in self.source_types),
            "is_training_ready",
            "training_quality_feature_count",
            "critical_features_training_quality",
            "critical_feature_count",
            "optional_feature_count",
            "feature_schema_version",
            "available_feature_names",
            self.model_column,
            *self.model_flags,
            "feature_quality_detail_version",
            "is_production_ready",
            "upstream_pipeline_run_id",
            "predecessor_processors_completed",
            "upstream_processors_ran",
            "missing_processors",
            "feature_store_age_hours",
            "upstream_data_freshness_hours",
            "quality_computed_at",
            "quality_schema_version",
            *self.legacy_columns,
        ]
