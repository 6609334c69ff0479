"""Records in order, range by range, beside Polars' own order of the whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from fsq.diagnosis import records
from fsq.diagnosis.records import Records
from fsq.training import sorting
from fsq.training.sorting import sort_records

_ROWS = 1_000
_RNG = np.random.default_rng(5)
COLUMNS = pl.DataFrame(
    {
        "name": [
            None if i % 50 == 0 else f"p{n}" for i, n in enumerate(_RNG.integers(0, 90, 1000))
        ],
        "one": ["nba"] * _ROWS,
        "mostly": ["p1" if n else f"q{i}" for i, n in enumerate(_RNG.integers(0, 20, _ROWS))],
        "number": _RNG.integers(-3, 3, _ROWS),
        "float": np.where(_RNG.random(_ROWS) < 0.1, np.nan, _RNG.integers(-3, 3, _ROWS)),
        "day": [date(2026, 1, 1) + timedelta(int(n)) for n in _RNG.integers(0, 4, _ROWS)],
        "id": _RNG.permutation(_ROWS),
    }
).with_columns(
    category=pl.col("name").cast(pl.Categorical),
    rank=pl.col("name").cast(pl.Enum([f"p{n}" for n in range(90, -1, -1)])),
)


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_PIECE_ROWS", 70)
    monkeypatch.setattr(sorting, "_AT_ONCE", 40)
    monkeypatch.setattr(sorting, "_SAMPLE", 25)


def split(frame: pl.DataFrame) -> Records:
    made = Records(frame.clear())
    for part in frame.iter_slices(30):
        made.append(part)
    return made


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize(
    "by",
    [
        ["name", "id"],
        ["one", "id"],
        ["mostly", "id"],
        ["day", "name", "number", "id"],
        ["float", "number", "id"],
        ["category", "id"],
        ["rank", "id"],
    ],
    ids=lambda by: by[0],
)
@pytest.mark.parametrize("some", [False, True], ids=["all", "some"])
def test_ranges_come_in_the_order_of_the_whole(by: list[str], some: bool) -> None:
    every: Any = np.arange(_ROWS, dtype=np.uint32)
    positions = every[::3] if some else every
    want = positions[COLUMNS[positions].select(pl.arg_sort_by(by)).to_series().to_numpy()]
    found = sort_records(split(COLUMNS), by, positions if some else None)
    assert found.tolist() == want.tolist()


@pytest.mark.usefixtures("few_at_once")
def test_no_column_that_tells_leaves_the_order() -> None:
    assert sort_records(split(COLUMNS), ["one"]).tolist() == list(range(_ROWS))


@pytest.mark.usefixtures("few_at_once")
def test_nothing_has_an_order() -> None:
    assert sort_records(Records(COLUMNS.clear()), ["name", "id"]).tolist() == []
