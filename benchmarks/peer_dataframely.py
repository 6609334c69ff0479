"""dataframely: a schema class, and its filter."""

from __future__ import annotations

from typing import Any

import dataframely as dy
import polars as pl

from benchmarks.peer_rules import PlainRules


def prepare(rules: PlainRules, types: pl.Schema) -> Any:
    """The schema of the rules."""
    columns: dict[str, Any] = {}
    for name in rules.key:
        kind = dy.Date if types[name] == pl.Date else dy.String
        columns[name] = kind(primary_key=True)
    for name, (low, high, optional) in rules.ranges.items():
        columns[name] = dy.Float64(nullable=optional, min=low, max=high)
    for name, labels in rules.words.items():
        columns[name] = dy.String(nullable=True, check=lambda c, labels=labels: c.is_in(labels))
    return type("Rows", (dy.Schema,), columns)


def filter_rows(rows: pl.DataFrame, schema: Any) -> pl.DataFrame:
    """The rows that keep the rules."""
    result: pl.DataFrame = schema.filter(rows)[0]
    return result
