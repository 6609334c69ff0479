"""pandera: a schema that drops invalid rows; the same keys it only reports."""

from __future__ import annotations

from typing import Any

import pandera.polars as pa
import polars as pl

from benchmarks.peer_rules import PlainRules


def prepare(rules: PlainRules, types: pl.Schema) -> Any:
    """The schema of the rules."""
    columns = {name: pa.Column(types[name], nullable=False) for name in rules.key}
    for name, (low, high, optional) in rules.ranges.items():
        columns[name] = pa.Column(pl.Float64, pa.Check.in_range(low, high), nullable=optional)
    for name, labels in rules.words.items():
        columns[name] = pa.Column(pl.String, pa.Check.isin(labels), nullable=True)
    return pa.DataFrameSchema(columns, unique=rules.key, drop_invalid_rows=True)


def filter_rows(rows: pl.DataFrame, schema: Any) -> pl.DataFrame:
    """The rows that keep the rules."""
    result: pl.DataFrame = schema.validate(rows, lazy=True)
    return result
