"""Columns of records are looked up in pieces, whether those are in memory or in a file."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fsq.diagnosis import records
from fsq.diagnosis.records import Records

NAMES = [f"player{n % 7}" for n in range(40)]


@pytest.fixture(params=["in memory", "in a file", "not yet a piece"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The same records, added in five parts."""
    if request.param != "not yet a piece":
        monkeypatch.setattr(records, "_PIECE_ROWS", 15)
    if request.param == "in a file":
        monkeypatch.setattr(records, "_MOST_IN_MEMORY", 0)
    frame = pl.DataFrame({"player": NAMES, "points": range(40)})
    made = Records(frame.clear())
    for start in range(0, 40, 8):
        made.append(frame[start : start + 8])
    return made


@pytest.mark.parametrize(
    "positions",
    [[], [7], [3, 4, 5], [14, 15, 16, 17], [5, 3, 30, 3], [2, 2, 2], [39, 0], list(range(40))],
)
def test_records_are_taken_in_the_order_that_is_asked_for(
    kept: Records, positions: list[int]
) -> None:
    found = kept.take(np.array(positions, dtype=np.int64), ["points", "player"])
    assert found.columns == ["points", "player"]
    assert found.rows() == [(n, NAMES[n]) for n in positions]
    hashes = kept.hash(np.array(positions, dtype=np.int64), "player")
    assert hashes.tolist() == [kept.hash_all("player")[n] for n in positions]


def test_equal_values_and_no_others_have_equal_hashes(kept: Records) -> None:
    hashes = kept.hash_all("player")
    assert len(set(hashes.tolist())) == 7
    assert (hashes == hashes[np.arange(40) % 7]).all()


def test_what_is_added_later_is_found_too(kept: Records) -> None:
    assert kept["points"].to_list() == list(range(40))
    kept.append(pl.DataFrame({"player": ["james"], "points": [41]}))
    assert kept.take(np.array([40, 1]), ["player"]).to_series().to_list() == ["james", "player1"]
    assert kept["points"].to_list() == [*range(40), 41]
