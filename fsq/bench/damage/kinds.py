"""Kinds of findings that name a fault rightly.

That values are distributed differently is right of whatever changes how they are distributed. A
kind that says more is right only of what it says.
"""

from __future__ import annotations

SHIFTS = frozenset({"distribution_shift", "level_shift", "range_violation"})
LABELLED = frozenset(
    {
        "processor_did_not_run", "processor_wrote_nothing", "upstream_table_missing",
        "processor_wrote_part", "feature_missing", "default_rate_shift", "stamps_missing",
    }
)  # fmt: skip
SILENT = SHIFTS | {
    "silent_default", "stuck_constant", "value_too_common", "labels_contradict_values",
}  # fmt: skip
OLD = SHIFTS - {"range_violation"} | {"stale_data", "old_values"}
SHORT_WINDOW = SHIFTS | {"outlier_values"}
SWAPPED = SHIFTS | {"swapped_features"}
SCALED = SHIFTS | {"wrong_unit", "outlier_values"}
CLAMPED = SHIFTS | {"clamped_values", "value_too_common"}
ROUNDED = SHIFTS | {"rounded_values", "value_too_common", "stuck_constant"}
OUTLIERS = SHIFTS | {"outlier_values"}
WRONG_ENTITY = SHIFTS - {"range_violation"} | {"wrong_entity"}
LEAK = frozenset({"leak", "own_event_in_window"})
OLD_STAMPS = frozenset({"stale_data", "stamps_shifted"})
SHIFTED_STAMPS = frozenset({"stamps_shifted", "stale_data"})
LOST_STAMPS = frozenset({"stamps_missing"})
FUTURE_STAMPS = frozenset({"updated_after_as_of", "stamps_shifted", "row_before_upstream"})
EARLY_ROWS = frozenset({"row_before_upstream", "updated_after_as_of"})
LOST_LABELS = frozenset({"sources_absent"})
LOST_ROWS = frozenset(
    {"missing_rows", "expected_rows_missing", "subgroup_missing", "slice_missing"}
)
SECOND_ID = frozenset({"surplus_rows", "event_under_two_ids", "mixed_ids"})
TWO_SPELLINGS = frozenset({"surplus_rows", "entity_in_two_spellings", "mixed_ids"})
RESPELLED = TWO_SPELLINGS | {"expected_rows_missing"}
