"""Dates that are larger than what is read, scored and written at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import Progress, backfill
from fsq.errors import InputError
from fsq.stores import register_backend, unregister_backend
from tests.support.frames import wide
from tests.support.memory_store import TABLES, MemoryBackend

KEYS = ["game_date", "player_lookup"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = wide(180, 2)  # two dates of 90 rows


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsq.backfilling.writing.PART_ROWS", 25)
    monkeypatch.setattr("fsq.scoring.engine.PIECE_ROWS", 10)


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "rows.parquet"
    ROWS.write_parquet(path, row_group_size=40)
    return str(path)


@pytest.fixture(params=["delta", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "delta":
        yield str(tmp_path / "store")
        return
    backend = MemoryBackend()
    register_backend(backend)
    yield "memory://large"
    unregister_backend(backend)
    TABLES.clear()


@pytest.mark.parametrize("chunk_rows", [1, 1_000])
def test_a_date_in_parts_is_one_commit_with_the_same_rows(
    source: str, store: str, chunk_rows: int
) -> None:
    seen: list[Progress] = []
    done = backfill(source, store, now=NOW, chunk_rows=chunk_rows, progress=seen.append)
    assert [p.rows for p in seen] == ([90, 180] if chunk_rows == 1 else [180])
    opened = fsq.open_store(store)
    wanted = fsq.score(ROWS, now=NOW).sort(KEYS)
    assert_frame_equal(opened.read().sort(KEYS).collect(), wanted, check_column_order=False)
    assert done.tiers == dict(wanted["quality_tier"].value_counts().iter_rows())
    assert len(opened.ledger()) == 2
    assert backfill(source, store, now=NOW).skipped == 2


def test_files_have_the_rows_of_their_parts(source: str, tmp_path: Path) -> None:
    backfill(source, str(tmp_path / "store"), chunk_rows=1)
    heights = [pl.read_parquet(f).height for f in (tmp_path / "store").glob("*.parquet")]
    assert sorted(heights) == [15, 15, 25, 25, 25, 25, 25, 25]


def test_a_duplicate_in_another_part_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path, store = tmp_path / "rows.parquet", tmp_path / "store"
    pl.concat([ROWS, ROWS.head(1)]).write_parquet(path)
    with pytest.raises(InputError, match="duplicate keys: 1,"):
        backfill(str(path), str(store))
    assert not store.exists()
