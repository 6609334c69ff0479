"""The gates of a training set as data: what a record must pass, and which values are untrusted.

Thresholds come from the contract. Every other filter, such as the SQL view, derives from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from fsq.contract import Contract

OnDefault = Literal["drop", "mask", "keep"]
Test = Literal["is_true", "at_least", "one_of", "has_all"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one flat column of a scored row; NULL fails.

    Args:
        name: of the gate, in code and files.
        description: the requirement in words.
        column: the column to test.
        test: ``is_true``; ``at_least`` a number; ``one_of`` some texts; ``has_all`` of some texts
            (the column is a list).
        value: the number or the texts; None for ``is_true``.

    >>> score = Condition("score", "score ≥ 85", "feature_quality_score", "at_least", 85.0)
    >>> pl.DataFrame({"feature_quality_score": [90.0, None]}).select(score.expression).rows()
    [(True,), (False,)]
    """

    name: str
    description: str
    column: str
    test: Test
    value: float | tuple[str, ...] | None = None

    @property
    def expression(self) -> pl.Expr:
        """Whether a row passes: Boolean, never NULL."""
        column, value = pl.col(self.column), self.value
        if self.test == "is_true":
            passed = column
        elif isinstance(value, tuple):
            passed = (
                column.is_in(list(value))
                if self.test == "one_of"
                # Set operations of a literal and a sliced list answer with too many rows.
                else pl.all_horizontal(column.list.contains(text) for text in value)
            )
        else:
            passed = column >= pl.lit(value, pl.Float64)
        return passed.fill_null(False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value is untrusted, as a test of one field of its detail.

    A value counts under its first fault only: a default that is also out of range is a default.

    Args:
        name: of the gate.
        description: what the gate requires, in words.
        field: the field of the detail to test.
        value: what that field holds if the value is untrusted.
        null: whether NULL is a fault too. It is not for the range: an absent value has none.
    """

    name: str
    description: str
    field: str
    value: bool | str
    null: bool = True


# Together they make up the feature tier ``poor``: a poor value that is neither a default nor out
# of range is stale.
FAULTS = (
    Fault("default", "no required value is a default", "is_default", True),
    Fault(
        "out_of_range", "no required value is out of range", "value_range_valid", False, null=False
    ),
    Fault("stale", "no required value is stale", "feature_quality_tier", "poor"),
)


def list_training_ready_conditions(contract: Contract) -> tuple[Condition, ...]:
    """The conditions that make up ``is_training_ready``, in the order they drop records.

    >>> from fsq.contract import load_contract
    >>> [c.description for c in list_training_ready_conditions(load_contract())][::2]
    ['tier gold or silver', 'player history ≥ 80']
    """
    rules = contract.training_ready
    out = [
        Condition("tier", f"tier {' or '.join(rules.tiers)}", "quality_tier", "one_of", rules.tiers)
    ]
    if rules.min_score > 0:
        out.append(
            Condition(
                "score",
                f"score ≥ {rules.min_score:g}",
                "feature_quality_score",
                "at_least",
                rules.min_score,
            )
        )
    out += [
        Condition(
            _name_gate(c),
            f"{c.replace('_', ' ')} ≥ {least:g}",
            f"{c}_quality_pct",
            "at_least",
            least,
        )
        for c, least in rules.category_min.items()
    ]
    critical = tuple(f.name for f in contract.features if f.critical)
    if rules.no_critical_default and critical:
        out.append(
            Condition(
                "no_critical_default",
                "no critical default",
                "available_feature_names",
                "has_all",
                critical,
            )
        )
    return tuple(out)


def _name_gate(category: str) -> str:
    """The name of a category's gate, which no other gate has.

    >>> _name_gate("weather"), _name_gate("age")
    ('weather', 'age_category')
    """
    return f"{category}_category" if category in _OTHER_GATES else category


_OTHER_GATES = {
    "all", "label", "date", "findings", "label_findings", "late", "tier", "score",
    "no_critical_default", "critical_features", "training_quality", "quality", "age",
    *(f.name for f in FAULTS),
}  # fmt: skip
CRITICAL_QUALITY = Condition(
    "critical_features",
    "critical features of training quality",
    "critical_features_training_quality",
    "is_true",
)


def make_training_quality_condition(count: int) -> Condition:
    """Require at least ``count`` features of training quality.

    >>> make_training_quality_condition(30).description
    '30 features of training quality'
    """
    return Condition(
        "training_quality",
        f"{count} features of training quality",
        "training_quality_feature_count",
        "at_least",
        float(count),
    )


def list_required_features(contract: Contract) -> tuple[str, ...]:
    """The features whose faults drop a record: all but the optional ones.

    >>> from fsq.contract import load_contract
    >>> len(list_required_features(load_contract()))
    29
    """
    return tuple(f.name for f in contract.features if not f.optional)


def list_excusable_features(contract: Contract) -> tuple[str, ...]:
    """The features that may be default while their window is empty (``sample_size`` is 0).

    Only a window without a fixed size, such as all events against one rival, may be empty.

    >>> from fsq.contract import load_contract
    >>> list_excusable_features(load_contract())
    ('points_avg_season', 'avg_points_vs_opponent')
    """
    return tuple(
        f.name
        for f in contract.features
        if f.window is not None and contract.windows[f.window].size is None
    )
