"""Thresholds of a contract: of scores, tiers, alerts, gates and checks.

They default to those of ``v2_33features``, so that a first contract can leave them out.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from fsq.contract.sections import Count, Days, Hours, Name, Percent, Section, Share
from fsq.schema.vocabulary import Tier


class FeatureRules(Section):
    """Thresholds of level 1: hours, members of a window, points.

    Attributes:
        stale_hours: the age of the upstream record from which a value is stale.
        stale_penalty: points that a stale value loses.
        very_stale_hours: the age from which it is very stale.
        very_stale_penalty: points that a very stale value loses.
        thin_sample: a sample with fewer members than this is thin.
        thin_penalty: points that a value of a thin sample loses.
        training_min_score: least score of a value that is of training quality.
    """

    stale_hours: Hours = 24
    stale_penalty: Percent = 10
    very_stale_hours: Hours = 48
    very_stale_penalty: Percent = 20
    thin_sample: Count = 5
    thin_penalty: Percent = 10
    training_min_score: Percent = 85


class Tiers(Section):
    """Bounds of a record's tiers; gold lies above its bound, the others start at theirs."""

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
    """What a record must have to pass; what cannot be evaluated does not pass.

    Attributes:
        tiers: of the record that pass.
        min_score: least score of the record.
        category_min: least quality of categories.
        no_critical_default: whether every critical feature must have a value.
    """

    tiers: tuple[Tier, ...]
    min_score: Percent = 0.0
    category_min: dict[Name, Percent] = Field(default_factory=dict)
    no_critical_default: bool = False


class ScoreCap(Section):
    """With so many required defaults, the record's score is at most ``max_score``.

    Attributes:
        min_required_defaults: number of required features that are defaults.
        max_score: points that the score is cut to.
    """

    min_required_defaults: Annotated[Count, Field(ge=1)]
    max_score: Percent


class DiagnosisRules(Section):
    """What the checks of a date share; shares from 0 to 1.

    The section also holds the thresholds of each check: see ``fsq.contract.thresholds``.

    Attributes:
        history_days: earlier dates that a date is compared with.
        history_min_days: with fewer of them, comparisons are not evaluated.
        history_max_age_days: older dates are another season's.
        min_rows: with fewer rows, distributions are not evaluated.
        break_days: after so many days without rows, every entity starts afresh.
        warmup_games: median number of events in the windows; below, windows are still filling.
        season_start_days: days after a gap longer than ``history_max_age_days`` in which windows
            may still be filling, where no sample sizes say so.
        table_default_share: share of rows that counts as nearly all.
        false_alarms_per_100_dates: what a profile's limits may cost, of all its evidence together.
        learning_dates: earlier dates that are read to learn from where a store has no profile.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, defer_build=True)

    history_days: Days = 7
    history_min_days: Days = 3
    history_max_age_days: Days = 45
    min_rows: Annotated[Count, Field(ge=2)] = 50
    break_days: Annotated[Days, Field(ge=2)] = 5
    warmup_games: float = Field(default=5, ge=0)
    season_start_days: Days = 14
    table_default_share: Share = 0.95
    false_alarms_per_100_dates: Annotated[float, Field(gt=0, le=50)] = 2.0
    learning_dates: Days = 60
