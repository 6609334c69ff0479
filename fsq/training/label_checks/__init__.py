"""What is wrong with the labels of a training set: each module looks for one kind of fault."""

from __future__ import annotations

from fsq.training.label_checks.alignment import find_unrelated_labels
from fsq.training.label_checks.base import LabelData, LabelFault
from fsq.training.label_checks.copies import find_events_twice, find_look_alikes
from fsq.training.label_checks.own_event import (
    EVENT_IDS,
    find_own_events,
    mark_listed_events,
)
from fsq.training.label_checks.scale import find_other_scales
from fsq.training.label_checks.timing import find_early_labels
from fsq.training.label_checks.values import find_missing_labels, find_repeated_values

__all__ = [
    "EVENT_IDS", "LabelData", "LabelFault", "find_label_faults", "mark_listed_events",
]  # fmt: skip

# Those that explain come before those that only see that something is odd.
_CHECKS = (
    find_missing_labels,
    find_early_labels,
    find_repeated_values,
    find_other_scales,
    find_events_twice,
    find_look_alikes,
    find_own_events,
    find_unrelated_labels,
)


def find_label_faults(data: LabelData | None) -> tuple[LabelFault, ...]:
    """Run every check on what those before it do not doubt; without a label there is none."""
    if data is None or not data.has_label.any():
        return ()
    found: list[LabelFault] = []
    for check in _CHECKS:
        for fault in check(data):
            found.append(fault)
            data = data.without(fault.records)
    return tuple(found)
