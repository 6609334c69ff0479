"""Which records a model may predict, from the fields of their detail."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from fsq.models.records import read_availability
from fsq.schema.nested import dotted_name

NEEDED = ("pace", "rest")


def _rows(*records: Sequence[tuple[str | None, bool | None, float | None]]) -> pl.DataFrame:
    """Records of these features: name, whether it is default, and its points."""
    fields = ("feature_name", pl.String), ("is_default", pl.Boolean), ("quality_score", pl.Float64)
    return pl.DataFrame(
        {
            dotted_name(name): pl.Series([[f[at] for f in r] for r in records], dtype=pl.List(kind))
            for at, (name, kind) in enumerate(fields)
        }
    )


@pytest.mark.parametrize(
    ("least", "may"),
    [
        ({}, [True, True, True]),
        ({"pace": 0.0}, [False, True, True]),  # points that are unknown are too few for any bound
        ({"pace": 0.5}, [False, False, True]),
        ({"pace": 100.0}, [False, False, True]),
        ({"rest": 100.0}, [True, True, True]),
    ],
)
def test_points_that_are_unknown_reach_no_bound(least: dict[str, float], may: list[bool]) -> None:
    rest = ("rest", False, 100.0)
    rows = _rows(*([("pace", False, points), rest] for points in (None, 0.0, 100.0)))
    found = read_availability(rows, NEEDED, (), least)
    assert found.may_predict.tolist() == may


def test_what_is_not_said_to_be_there_is_lacking() -> None:
    rest = ("rest", False, 90.0)
    rows = _rows(
        [("pace", False, 90.0), rest],
        [("pace", None, 90.0), rest],  # nothing says that it is no default
        [("pace", True, 90.0), rest],
        [rest],
        [(None, False, 90.0), rest],
        [],
    )
    required = read_availability(rows, NEEDED, (), {})
    assert required.may_predict.tolist() == [True, False, False, False, False, False]
    optional = read_availability(rows, NEEDED, ("pace",), {})
    assert optional.may_predict.tolist() == [True, True, True, False, False, False]
    assert required.present[:, 0].tolist() == [True, True, True, False, False, False]
