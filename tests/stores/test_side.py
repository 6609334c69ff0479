"""Side tables: what was written is read again, and racing writers lose nothing of each other's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

import fsq
from fsq.errors import InputError, StoreError
from fsq.stores import Store, open_store, register_backend, unregister_backend
from fsq.stores.side import SideConflictError, SideTables
from tests.support.frames import wide
from tests.support.memory_store import TABLES, MemoryBackend

MEMORY = MemoryBackend()
AT = datetime(2026, 2, 7, 1, 2, 3, 4, UTC)
SCHEMA: dict[str, pl.DataType] = {
    "name": pl.String(), "count": pl.Int64(), "share": pl.Float64(), "open": pl.Boolean(),
    "day": pl.Date(), "at": pl.Datetime("us", "UTC"),
}  # fmt: skip
ROWS = pl.DataFrame(
    [
        ("it's `x` ünïcode\n", 3, 0.1, True, date(2026, 2, 6), AT),
        (None, None, None, None, None, None),
        ("", -(2**62), -1e300, False, date(1, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)),
    ],
    schema=SCHEMA,
    orient="row",
)  # fmt: skip


@pytest.fixture(params=["delta", "bigquery", "memory"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store of each kind, with rows."""
    if request.param == "delta":
        where = str(tmp_path / "a store")
    elif request.param == "bigquery":
        dataset = request.getfixturevalue("dataset")
        where = f"bigquery://{dataset}.t{uuid.uuid4().hex[:8]}"
    else:
        register_backend(MEMORY)
        where = "memory://features"
    open_store(where).replace(fsq.score(wide(4, 2)))
    yield where
    if request.param == "memory":
        unregister_backend(MEMORY)
        TABLES.clear()


@pytest.fixture
def store(uri: str) -> Store:
    return open_store(uri)


def test_what_was_written_is_read_again(store: Store, uri: str) -> None:
    assert store.read_side("incidents") is None
    rows = store.read().collect()
    for frame in (ROWS, ROWS.reverse(), ROWS.clear(), ROWS[:1]):
        store.write_side("incidents", frame)
        read = open_store(uri).read_side("incidents")
        assert read is not None
        assert_frame_equal(read, frame)
    assert store.read_side("profile") is None
    assert_frame_equal(open_store(uri).read().collect(), rows, check_row_order=False)


def test_a_later_release_may_add_columns(store: Store) -> None:
    store.write_side("incidents", ROWS)
    wider = ROWS.with_columns(pl.lit("why").alias("note"))
    store.write_side("incidents", wider)
    read = store.read_side("incidents")
    assert read is not None
    assert_frame_equal(read.select(wider.columns), wider)


def test_racing_writers_lose_nothing_of_each_others(uri: str) -> None:
    def add(name: str) -> None:
        def change(old: pl.DataFrame | None) -> pl.DataFrame:
            new = pl.DataFrame({"name": [name]})
            return new if old is None else pl.concat([old, new])

        open_store(uri).update_side("incidents", change)

    names = [f"writer {i}" for i in range(4)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    read = open_store(uri).read_side("incidents")
    assert read is not None
    assert sorted(read["name"]) == names


@pytest.mark.parametrize("present", [False, True])
def test_a_version_that_is_outdated_is_refused(store: SideTables, *, present: bool) -> None:
    if present:
        store.write_side("incidents", ROWS)
    before = store.load_side("incidents")
    since = None if before is None else before.version
    store.save_side("incidents", ROWS[:1], since)
    with pytest.raises(SideConflictError, match="another writer changed its incidents"):
        store.save_side("incidents", ROWS, since)
    read = store.read_side("incidents")
    assert read is not None
    assert_frame_equal(read, ROWS[:1])


def test_equal_rows_make_no_new_version(store: SideTables) -> None:
    store.write_side("incidents", ROWS)
    before = store.load_side("incidents")
    store.write_side("incidents", ROWS)
    after = store.load_side("incidents")
    assert before is not None
    assert after is not None
    assert before.version == after.version


def test_a_vacuum_of_the_store_leaves_them(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    store.replace(fsq.score(wide(4, 2)))
    store.write_side("incidents", ROWS)
    store.replace(fsq.score(wide(4, 2, seed=1)))
    removed = DeltaTable(store.uri).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert removed
    read = store.read_side("incidents")
    assert read is not None
    assert_frame_equal(read, ROWS)


def test_only_a_store_with_rows_has_side_tables(tmp_path: Path) -> None:
    empty = open_store(str(tmp_path / "none"))
    assert empty.read_side("incidents") is None
    with pytest.raises(StoreError, match="backfill it first"):
        empty.write_side("incidents", ROWS)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["", "../up", "Upper", "a b", "x" * 41, "ledger", "origin"])
def test_names_that_cannot_be_kept_are_refused(store: Store, name: str) -> None:
    for refused in (lambda: store.read_side(name), lambda: store.write_side(name, ROWS)):
        with pytest.raises(InputError, match="side table"):
            refused()


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"a": [[1]]}),
        pl.DataFrame({"a;b": [1]}),
        pl.DataFrame({"a": [1.0, float("nan")]}),
        pl.DataFrame({"a": [None, float("-inf")]}),
        pl.DataFrame(),
    ],
)
def test_columns_that_cannot_be_kept_are_refused(store: Store, frame: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="incidents cannot be kept"):
        store.write_side("incidents", frame)
    assert store.read_side("incidents") is None


def test_a_damaged_side_table_is_an_error_of_the_store(tmp_path: Path) -> None:
    place = tmp_path / "store"
    store = open_store(str(place))
    store.replace(fsq.score(wide(4, 2)))
    store.write_side("incidents", ROWS)
    (file,) = (place / "_fsq" / "incidents").glob("*.parquet")
    for damage in (b"", b"no Parquet", file.read_bytes()[:-9]):
        file.write_bytes(damage)
        with pytest.raises(StoreError, match="incidents cannot be read"):
            store.read_side("incidents")
    file.unlink()
    with pytest.raises(StoreError, match="incidents cannot be read"):
        store.read_side("incidents")
