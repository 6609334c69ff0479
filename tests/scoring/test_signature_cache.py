"""Each signature is scored once, and the cache never shows in the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import fsq
from fsq.demo import simulate_season
from fsq.scoring import signature_cache

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    season = simulate_season("2025-26", seed=3).rows
    return season.gather_every(40)


@pytest.mark.parametrize("most", [0, 1, 20])
def test_the_cache_does_not_change_the_answer(
    rows: pl.DataFrame, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = fsq.score(rows, now=NOW)
    monkeypatch.setattr(signature_cache, "_cache", {})
    monkeypatch.setattr(signature_cache, "_MAX_SIGNATURES", most)
    for part in (rows.slice(0, 300), rows.slice(200, 500)):
        fsq.score(part, now=NOW)
    assert_frame_equal(fsq.score(rows, now=NOW), wanted)


def test_contracts_do_not_share_signatures(rows: pl.DataFrame) -> None:
    strict = fsq.load_contract("v2_33features")
    lax = strict.model_copy(
        update={"feature_rules": strict.feature_rules.model_copy(update={"thin_penalty": 0.0})}
    )
    fsq.score(rows, contract=strict, now=NOW)
    after = fsq.score(rows, contract=lax, now=NOW)
    signature_cache._cache.clear()
    assert_frame_equal(after, fsq.score(rows, contract=lax, now=NOW))


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=30),
    st.booleans(),
)
def test_equal_columns_are_grouped_even_if_all_hashes_collide(
    columns: list[list[int]], collide: bool
) -> None:
    matrix = np.array(columns, dtype=np.uint16).T
    with pytest.MonkeyPatch.context() as patch:
        if collide:
            patch.setattr(
                signature_cache, "_factors", lambda width: np.zeros(width, dtype=np.uint64)
            )
        first, group = signature_cache.group_identical_columns(matrix)
    assert np.array_equal(matrix[:, first][:, group], matrix)
    assert len(first) == len({tuple(c) for c in columns})
