"""Tables with odd columns and absurd numbers are learned from and judged all the same."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsq
from fsq.contract import Contract
from fsq.diagnosis.checks.profile_evidence import ProfileEvidence
from fsq.diagnosis.diagnose import make_context
from fsq.profile import read_profile, write_profile
from tests.support.any_table import CONTRACT, make_rows
from tests.support.odd_inputs import extremes

NAME = "seats"
HUGE = Contract.model_validate(
    CONTRACT.model_dump()
    | {
        "name": "huge",
        "features": [
            f.model_dump() | ({"min": -1e308, "max": 1e308} if f.name == NAME else {})
            for f in CONTRACT.features
        ],
    }
)
EVERY_NINTH = pl.int_range(pl.len()) % 9 == 0


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return make_rows(dates=24, entities=40, incidents=False)


def _diagnose(rows: pl.DataFrame) -> fsq.Diagnosis:
    """Under a profile that was stored in between."""
    scored = fsq.score(rows, HUGE)
    profile = fsq.learn_profile(scored, HUGE)
    assert profile is not None
    stored = read_profile(write_profile(profile))
    return fsq.diagnose(scored, HUGE, profile=stored)


@pytest.mark.parametrize("value", [1e160, 1e300, -1e308, float("inf"), float("nan")])
@pytest.mark.parametrize(
    "where", [EVERY_NINTH, pl.col("flight_date") == pl.col("flight_date").max()]
)
def test_absurd_values_are_judged(rows: pl.DataFrame, value: float, where: pl.Expr) -> None:
    absurd = rows.with_columns(pl.when(where).then(value).otherwise(NAME).alias(NAME))
    document = _diagnose(absurd).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.fixture(scope="module")
def profile(rows: pl.DataFrame) -> Any:
    return fsq.learn_profile(fsq.score(rows, HUGE), HUGE)


@settings(max_examples=20)
@given(values=extremes(), column=st.sampled_from([NAME, *HUGE.names[:3], "further"]))
def test_any_numbers_of_a_date_are_judged_and_written(
    rows: pl.DataFrame, profile: Any, values: list[float | None], column: str
) -> None:
    last = rows.filter(pl.col("flight_date") == pl.col("flight_date").max())
    drawn = pl.Series(column, values * last.height, pl.Float64).head(last.height)
    with_drawn = last.with_columns(drawn)
    before = rows.filter(pl.col("flight_date") < last["flight_date"][0])
    scored = fsq.score(pl.concat([before, with_drawn], how="diagonal_relaxed"), HUGE)
    found = fsq.diagnose(scored, HUGE, profile=profile)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert "nan" not in "".join(f.title for f in found.findings).lower().split()


@pytest.mark.parametrize(
    "column",
    [
        pl.when(EVERY_NINTH).then(float("inf")).otherwise("seats"),
        pl.col("seats") * 1e300,
        pl.lit(None, pl.Float64),
        pl.lit(float("nan")),
        pl.col("seats").cast(pl.Decimal(38, 4)),
        pl.duration(minutes=pl.int_range(pl.len()) % 5),
        (pl.int_range(pl.len()) % 3).cast(pl.String).cast(pl.Binary),
        (pl.int_range(pl.len()) % 3).cast(pl.String).cast(pl.Categorical),
        pl.int_range(pl.len()),
    ],
    ids=["infinite", "huge", "null", "nan", "decimal", "duration", "binary", "categorical", "int"],
)
def test_odd_columns_come_along(rows: pl.DataFrame, column: pl.Expr) -> None:
    found = _diagnose(rows.with_columns(column.alias("further")))
    learned = {kind.name for kind in ProfileEvidence.kinds}
    assert not [f.title for f in found.findings if f.kind in learned]


def test_quality_columns_group_nothing(rows: pl.DataFrame) -> None:
    scored = fsq.score(rows, CONTRACT).lazy()
    carried = make_context(scored, CONTRACT, None).profile_rows.carried.columns
    assert not {*CONTRACT.output.names} & {*carried}
    assert {"carrier", "flight", "origin", "wave", "outcome"} <= {*carried}
