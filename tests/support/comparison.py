"""How rows reach the oracle, and how its answers are compared with fsq's."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from tests.support.oracle_model import OracleContract


def to_oracle_rows(rows: pl.DataFrame, contract: OracleContract) -> list[dict[str, Any]]:
    """Rows for the oracle: floats, and timestamps in UTC, whatever their type, unit and zone."""
    features = [f.name for f in contract.features]
    values = pl.col(features).cast(pl.Float64)
    moments = [
        (pl.col(n).dt.replace_time_zone("UTC") if t.time_zone is None else pl.col(n))
        .dt.convert_time_zone("UTC")
        .dt.cast_time_unit("us")
        for n, t in rows.schema.items()
        if isinstance(t, pl.Datetime)
    ]
    return rows.with_columns(values, *moments).to_dicts()


def assert_same(got: Any, want: Any, place: str) -> None:
    """Both are equal, floats nearly so."""
    if isinstance(want, dict):
        assert list(got) == list(want), place
        for key in want:
            assert_same(got[key], want[key], f"{place}.{key}")
    elif isinstance(want, list):
        assert len(got) == len(want), (place, got, want)
        for i, (a, b) in enumerate(zip(got, want, strict=True)):
            assert_same(a, b, f"{place}[{i}]")
    elif isinstance(want, float):
        assert isinstance(got, float), (place, got, want)
        assert math.isclose(got, want, rel_tol=1e-12, abs_tol=1e-9), (place, got, want)
    else:
        assert type(got) is type(want), (place, got, want)
        assert got == want, place
