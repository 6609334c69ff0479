from __future__ import annotations

import multiprocessing as mp
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.stores import LedgerEntry, WriteResult
from tests.support.frames import wide

KEYS = ["game_date", "player_lookup"]


def scored(seed: int = 0) -> pl.DataFrame:
    return fsq.score(wide(seed=seed))


def test_replace_is_idempotent_and_touches_no_other_date(tmp_path: Path) -> None:
    store, rows = fsq.open_store(str(tmp_path / "t")), scored()
    first = rows.filter(pl.col("game_date") == date(2026, 1, 1))
    assert store.replace(rows.head(0)) == WriteResult(0, 0, -1)
    assert store.replace(rows).rows == 40
    assert store.replace(rows.head(0)) == WriteResult(0, 0, store.version() or -1)
    before = store.read().sort(KEYS).collect()
    assert_frame_equal(before, rows.sort(KEYS))
    store.replace(first)
    assert_frame_equal(store.read().sort(KEYS).collect(), before)
    fewer = first.head(3)
    store.replace(fewer)
    after = store.read().sort(KEYS).collect()
    assert_frame_equal(after.filter(pl.col("game_date") == date(2026, 1, 1)), fewer.sort(KEYS))
    rest = pl.col("game_date") > date(2026, 1, 1)
    assert_frame_equal(after.filter(rest), before.filter(rest))


def test_read_pushes_dates_and_columns_down(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "t"))
    store.replace(scored())
    rows = store.read(date(2026, 1, 2), date(2026, 1, 3), ["game_date", "quality_tier"])
    plan = rows.explain()
    assert "PROJECT 2/" in plan
    assert "SELECTION" in plan
    assert rows.collect().height == 20
    with pytest.raises(fsq.StoreError, match="lacks the columns"):
        store.read(columns=["nothing"])


def test_an_older_table_is_evolved(tmp_path: Path) -> None:
    path, rows = tmp_path / "t", scored()
    old = rows.filter(pl.col("game_date") == date(2026, 1, 1)).drop(
        "quality_alerts", "vegas_quality_pct"
    )
    write_deltalake(str(path), old.to_arrow())
    store = fsq.open_store(str(path))
    store.replace(rows.filter(pl.col("game_date") != date(2026, 1, 1)))
    table = store.read().collect()
    assert table.height == 40
    assert table.filter(pl.col("quality_alerts").is_null()).height == 10


def test_bad_rows_and_bad_places_write_nothing(tmp_path: Path) -> None:
    store, rows = fsq.open_store(str(tmp_path / "t")), scored()
    with pytest.raises(fsq.InputError, match="duplicate keys"):
        store.replace(pl.concat([rows, rows.head(1)]))
    assert not (tmp_path / "t").exists()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(fsq.StoreError, match="not a Delta table"):
        fsq.open_store(str(tmp_path / "notes"))
    with pytest.raises(fsq.StoreError, match="there is no store"):
        store.read()


def test_the_ledger_is_in_the_history_and_forgets_what_others_touch(tmp_path: Path) -> None:
    path, rows = tmp_path / "t", scored()
    store = fsq.open_store(str(path))
    day = date(2026, 1, 1)
    entry = LedgerEntry("v2_33features", "abc", "f1", 10)
    store.replace(rows.filter(pl.col("game_date") == day), {day: entry})
    assert store.ledger() == {day: entry}
    store.replace(rows.filter(pl.col("game_date") != day))
    assert store.ledger() == {day: entry}
    write_deltalake(str(path), store.read().head(1).collect().to_arrow(), mode="append")
    assert store.ledger() == {}


def test_the_ledger_forgets_an_overwrite_by_nothing(tmp_path: Path) -> None:
    path, rows = str(tmp_path / "t"), scored()
    store, day = fsq.open_store(path), date(2026, 1, 1)
    entry = {day: LedgerEntry("v2_33features", "abc", "f1", 10)}
    nothing = rows.head(0).to_arrow()
    for predicate in (None, f"game_date = '{day}'"):
        store.replace(rows, entry)
        assert store.ledger() == entry
        write_deltalake(path, nothing, mode="overwrite", predicate=predicate)
        assert store.ledger() == {}


def test_the_ledger_outlives_what_moves_no_row_and_the_cleaning_of_the_log(tmp_path: Path) -> None:
    path, rows = str(tmp_path / "t"), scored()
    store, day = fsq.open_store(path), date(2026, 1, 1)
    entry = {day: LedgerEntry("v2_33features", "abc", "f1", 10)}
    for _, of_day in rows.group_by("game_date"):
        store.replace(of_day, entry)
    table = DeltaTable(path)
    table.optimize.compact()
    table.vacuum()
    table.create_checkpoint()
    table.cleanup_metadata()
    assert store.ledger() == entry


def test_the_metadata_of_others_is_a_change_by_others(tmp_path: Path) -> None:
    path, rows = str(tmp_path / "t"), scored()
    store, day = fsq.open_store(path), date(2026, 1, 1)
    for text in ("hello", "[]", '{"2026-01-01": [1]}', '{"hello": null}'):
        store.replace(rows, {day: LedgerEntry("v2_33features", "abc", "f1", 10)})
        properties = CommitProperties(custom_metadata={"fsq": text})
        write_deltalake(path, rows.to_arrow(), mode="append", commit_properties=properties)
        assert store.ledger() == {}


def test_a_creator_that_was_killed_leaves_no_table(tmp_path: Path) -> None:
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)
    store = fsq.open_store(str(tmp_path / "t"))
    assert (store.ledger(), store.version()) == ({}, None)
    assert store.replace(scored()).rows == 40


def test_a_place_where_no_table_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "_delta_log").write_text("in the way")
    with pytest.raises(fsq.StoreError, match="cannot be written"):
        fsq.open_store(str(tmp_path / "t")).replace(scored())
    assert [f.name for f in (tmp_path / "t").iterdir()] == ["_delta_log"]


def test_what_cannot_be_stored_is_told_and_changes_nothing(tmp_path: Path) -> None:
    path, rows = str(tmp_path / "t"), scored()
    write_deltalake(path, rows.head(1).with_columns(quality_tier=pl.lit(3)).to_arrow())
    store = fsq.open_store(path)
    with pytest.raises(fsq.InputError, match="quality_tier is String in the rows and Int32"):
        store.replace(rows)
    with pytest.raises(fsq.InputError, match="no column game_date"):
        fsq.open_store(str(tmp_path / "new")).replace(rows.drop("game_date"))
    assert (store.version(), store.read().collect().height) == (0, 1)


def test_rows_of_an_outdated_version_are_refused(tmp_path: Path) -> None:
    path, rows = str(tmp_path / "t"), scored()
    store = fsq.open_store(path)
    first = rows.filter(pl.col("game_date") == date(2026, 1, 1))
    store.replace(rows)
    base = store.version()
    write_deltalake(
        path, first.head(1).with_columns(player_lookup=pl.lit("late")).to_arrow(), mode="append"
    )
    with pytest.raises(fsq.StoreError, match="another writer"):
        store.replace(first, since=base)
    assert store.read().collect().height == 41
    assert store.replace(first, since=store.version()).rows == 10


def _replace_day(path: str, at: int) -> None:
    rows = scored()
    days = rows["game_date"].unique().sort()
    fsq.open_store(path).replace(rows.filter(pl.col("game_date") == days[at]))


def test_concurrent_writers_lose_nothing(tmp_path: Path) -> None:
    """Eight processes create and fill one table; each date is written twice."""
    path = str(tmp_path / "t")
    context = mp.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(_replace_day, [(path, i % 4) for i in range(8)])
    table = fsq.open_store(path).read().sort(KEYS).collect()
    without = pl.exclude("quality_computed_at")
    assert_frame_equal(table.select(without), scored().sort(KEYS).select(without))
