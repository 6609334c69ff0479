"""The gates of a training set as data: what a record must show, and which values count as bad.

Thresholds are the contract's. Whatever filters elsewhere, a view in SQL say, derives from here.
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
    """One test of a flat column of a scored row; what cannot be evaluated does not pass.

    Args:
        name: of the gate, for code and files.
        asks: the same in words.
        column: that it reads.
        test: ``is_true``; ``at_least`` a number; ``one_of`` some words; ``has_all`` of some words
            (the column is a list).
        value: the number or the words; None for ``is_true``.

    >>> Condition("score", "score ≥ 85", "feature_quality_score", "at_least", 85.0).asks
    'score ≥ 85'
    """

    name: str
    asks: str
    column: str
    test: Test
    value: float | tuple[str, ...] | None = None

    @property
    def met(self) -> pl.Expr:
        """The test; NULL reads FALSE."""
        column, value = pl.col(self.column), self.value
        if self.test == "is_true":
            passed = column
        elif isinstance(value, tuple):
            words = pl.lit(list(value), pl.List(pl.String))
            passed = (
                column.is_in(list(value))
                if self.test == "one_of"
                else words.list.set_difference(column).list.len() == 0
            )
        else:
            passed = column >= pl.lit(value, pl.Float64)
        return passed.fill_null(False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes a value untrusted, as one field of its detail.

    The first that applies names the fault: a default that is out of range as well is a default.

    Args:
        name: of the gate.
        asks: what the gate asks, in words.
        field: of the detail.
        value: of the field that makes it a fault.
        null: whether NULL does, too: only the range of no value is rightly unknown.
    """

    name: str
    asks: str
    field: str
    value: bool | str
    null: bool = True


# Together they are the feature tier ``poor``: a poor value that is neither default nor out of
# range is stale.
FAULTS = (
    Fault("default", "no required value is a default", "is_default", True),
    Fault(
        "out_of_range", "no required value is out of range", "value_range_valid", False, null=False
    ),
    Fault("stale", "no required value is stale", "feature_quality_tier", "poor"),
)


def training_ready(contract: Contract) -> tuple[Condition, ...]:
    """The parts of ``is_training_ready``, in the order in which they drop records.

    >>> from fsq.contract import load_contract
    >>> [c.asks for c in training_ready(load_contract())][:2]
    ['tier gold or silver', 'matchup ≥ 70']
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
        Condition(c, f"{c.replace('_', ' ')} ≥ {least:g}", f"{c}_quality_pct", "at_least", least)
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


# The two gates that are asked for by name.
CRITICAL_QUALITY = Condition(
    "critical_features",
    "critical features of training quality",
    "critical_features_training_quality",
    "is_true",
)


def training_quality(count: int) -> Condition:
    """At least so many features of training quality."""
    return Condition(
        "training_quality",
        f"{count} features of training quality",
        "training_quality_feature_count",
        "at_least",
        float(count),
    )


def required(contract: Contract) -> tuple[str, ...]:
    """Features whose faults drop a record: all but the optional ones.

    >>> from fsq.contract import load_contract
    >>> "vegas_points_line" in required(load_contract())
    False
    """
    return tuple(f.name for f in contract.features if not f.optional)


def excusable(contract: Contract) -> tuple[str, ...]:
    """Features that may be default where their window has no game (``sample_size`` is 0).

    A window without a fixed size, such as the games against one opponent, is empty by nature.

    >>> from fsq.contract import load_contract
    >>> excusable(load_contract())
    ('points_avg_season', 'avg_points_vs_opponent')
    """
    return tuple(
        f.name
        for f in contract.features
        if f.window is not None and contract.windows[f.window].size is None
    )
