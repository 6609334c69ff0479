"""Rows as other programs write them score as the oracle says of the plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.backfilling.files import scan_files
from tests.support import oracle
from tests.support.as_others_write import folders, rewritten, with_wide_decimals
from tests.support.comparison import assert_same, to_oracle_rows
from tests.support.oracle_contracts import V2
from tests.support.strategies import NOW, wide_frames


def compare(got: Any, plain: pl.DataFrame) -> None:
    scored = pl.DataFrame(got).select(V2.columns)
    want = oracle.score_rows(to_oracle_rows(plain, V2), V2, now=NOW)
    for i, (a, b) in enumerate(zip(scored.to_dicts(), want, strict=True)):
        assert_same(a, b, f"row {i}")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@given(data=st.data())
def test_other_names_dates_moments_and_keys(data: st.DataObject) -> None:
    plain = data.draw(wide_frames(V2))
    rows = data.draw(rewritten(plain, V2))
    is_lazy = data.draw(st.booleans())
    compare(
        fsq.score(rows.lazy(), now=NOW).collect() if is_lazy else fsq.score(rows, now=NOW), plain
    )


@given(rows=wide_frames(V2))
def test_decimals_of_76_digits(rows: pl.DataFrame) -> None:
    compare(fsq.score(with_wide_decimals(rows), now=NOW), rows)


@given(data=st.data())
def test_a_folder_of_files_that_drift(place: Path, data: st.DataObject) -> None:
    plain = data.draw(wide_frames(V2))
    with TemporaryDirectory(dir=place) as folder:
        written = data.draw(folders(plain, V2, Path(folder)))
        rows = scan_files(folder, fsq.load_contract("v2_33features")).collect()
    compare(fsq.score(rows, now=NOW), written)
