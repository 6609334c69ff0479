"""A folder means the same whatever else lies in it, and whether files or folders say a value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fsq
from fsq.backfilling.files import scan_files
from tests.support import oracle
from tests.support.comparison import assert_same, to_oracle_rows
from tests.support.odd_inputs import hidden_paths, said_by_folders
from tests.support.oracle_contracts import V2
from tests.support.strategies import NOW, wide_frames

CONTRACT = fsq.load_contract("v2_33features")
ROWS = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@given(
    hidden=st.lists(hidden_paths(), max_size=4, unique=True),
    holds_rows=st.booleans(),
    pattern=st.sampled_from(["", "/*", "/**", "/**/*.parquet", "/*/*"]),
)
def test_what_is_hidden_is_never_read(
    place: Path, hidden: list[str], holds_rows: bool, pattern: str
) -> None:
    with TemporaryDirectory(dir=place) as folder:
        (Path(folder) / "deep").mkdir()
        ROWS.write_parquet(Path(folder) / "deep" / "0.parquet")
        for path in hidden:
            file = Path(folder) / path
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b"\0\5")
            except OSError:  # a folder and a file of one name, say
                assume(False)
            if holds_rows:
                ROWS.write_parquet(file)
        assert scan_files(f"{folder}{pattern}").collect().equals(ROWS)


@settings(max_examples=40)
@given(data=st.data())
def test_it_does_not_matter_whether_folders_or_files_say_a_value(
    place: Path, data: st.DataObject
) -> None:
    plain = data.draw(wide_frames(V2))
    kept, folders = data.draw(said_by_folders(plain))
    with TemporaryDirectory(dir=place) as folder:
        inside = Path(folder) / "rows" / folders
        inside.mkdir(parents=True)
        kept.write_parquet(inside / "0.parquet")
        rows = scan_files(str(Path(folder) / "rows"), CONTRACT).collect()
    scored = fsq.score(rows, now=NOW).select(V2.columns)
    want = oracle.score_rows(to_oracle_rows(plain, V2), V2, now=NOW)
    for i, (a, b) in enumerate(zip(scored.to_dicts(), want, strict=True)):
        assert_same(a, b, f"row {i}")
