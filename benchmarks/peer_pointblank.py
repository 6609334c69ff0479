"""pointblank: a plan of steps; the rows that pass all of them, but for the same keys."""

from __future__ import annotations

from typing import Any

import pointblank as pb
import polars as pl

from benchmarks.peer_rules import PlainRules


def prepare(rules: PlainRules, types: pl.Schema) -> PlainRules:
    """The rules: its plan holds the rows, too, so it is made when they are there."""
    return rules


def filter_rows(rows: pl.DataFrame, rules: PlainRules) -> pl.DataFrame:
    """The rows that keep the rules."""
    plan: Any = pb.Validate(rows).col_vals_not_null(columns=rules.key)
    for name, (low, high, optional) in rules.ranges.items():
        plan = plan.col_vals_between(columns=name, left=low, right=high, na_pass=optional)
    for name, labels in rules.words.items():
        plan = plan.col_vals_in_set(columns=name, set=[*labels, None])
    plan = plan.rows_distinct(columns_subset=rules.key).interrogate(collect_extracts=False)
    result: pl.DataFrame = plan.get_sundered_data(type="pass")
    return result
