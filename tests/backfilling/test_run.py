from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import Progress, backfill
from tests.support.frames import legacy, wide
from tests.support.real_data import SEASONS, needs_seasons

KEYS = ["game_date", "player_lookup"]


def table(path: Path) -> pl.DataFrame:
    rows = fsq.open_store(str(path)).read().sort(KEYS).collect()
    return rows.select(pl.exclude("quality_computed_at"))


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "rows.parquet"
    wide(days=8).write_parquet(path)
    return str(path)


def test_a_second_run_skips_and_a_changed_row_redoes_its_date(source: str, tmp_path: Path) -> None:
    store = str(tmp_path / "t")
    assert backfill(source, store).rows == 40
    assert (backfill(source, store).rows, backfill(source, store).skipped) == (0, 8)
    rows = pl.read_parquet(source)
    rows[3, "pace_score"] = 7.5
    rows.write_parquet(source)
    again = backfill(source, store)
    assert (again.dates, again.rows, again.skipped) == (1, 5, 7)
    assert [s.reason for s in again.plan if s.reason] == ["changed"]
    assert backfill(source, store, force=True).dates == 8
    assert backfill(source, store, contract="v2_33features_capped", change_contract=True).dates == 8
    run = fsq.RunContext(None, None, {date(2026, 1, 2): fsq.RunContext("again", [])})
    assert backfill(source, store, contract="v2_33features_capped", run=run).dates >= 1


def test_a_dry_run_writes_nothing(source: str, tmp_path: Path) -> None:
    result = backfill(source, str(tmp_path / "t"), dry_run=True, start=date(2026, 1, 3))
    assert [s.reason for s in result.plan] == ["new"] * 6
    assert not (tmp_path / "t").exists()


def test_bad_rows_of_any_date_stop_it_before_it_writes(tmp_path: Path) -> None:
    rows = wide(days=8)
    late = pl.col("game_date") == rows["game_date"].max()
    typo = pl.when(late).then(pl.lit("typo")).otherwise("pace_score__source")
    path = tmp_path / "rows.parquet"
    rows.with_columns(typo.alias("pace_score__source")).write_parquet(path)
    with pytest.raises(fsq.InputError, match="typo"):
        backfill(str(path), str(tmp_path / "t"), chunk_rows=5)
    assert not (tmp_path / "t").exists()
    done = backfill(str(path), str(tmp_path / "t"), on_unknown_source="default")
    assert done.unknown_sources == {"typo": 5}


def test_in_place_on_a_legacy_table(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, legacy(wide()).to_arrow())
    assert backfill(path, path, chunk_rows=10).rows == 40
    assert backfill(path, path).rows == 0
    scored = fsq.open_store(path).read().collect()
    assert {"features", "feature_names", "quality_tier"} <= set(scored.columns)
    assert scored["feature_quality_detail"].list.len().unique().to_list() == [33]


def test_in_place_loses_no_row_of_another_writer(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    from deltalake import write_deltalake

    rows = legacy(wide())
    write_deltalake(path, rows.to_arrow())
    late = rows.tail(1).with_columns(player_lookup=pl.lit("late")).to_arrow()

    def interfere(now: Progress) -> None:
        if now.dates == 1:
            write_deltalake(path, late, mode="append", schema_mode="merge")

    with pytest.raises(fsq.StoreError, match="another writer"):
        backfill(path, path, chunk_rows=10, progress=interfere)
    assert fsq.open_store(path).read().collect().height == 41
    backfill("file://" + path, path, chunk_rows=10)
    table = fsq.open_store(path).read().collect()
    assert (table.height, table["quality_tier"].null_count()) == (41, 0)
    assert backfill(path, "file://" + path).rows == 0


def test_a_wide_table_is_not_scored_in_place(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    from deltalake import write_deltalake

    write_deltalake(path, wide().to_arrow())
    with pytest.raises(fsq.InputError, match="its own store"):
        backfill(path, path)
    assert fsq.open_store(path).version() == 0
    assert backfill(path, str(tmp_path / "u")).rows == 40


def test_a_table_whose_columns_have_other_names_is_not_scored_in_place(tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    rows = legacy(wide()).rename({"player_lookup": "Player_Lookup"})
    write_deltalake(path, rows.to_arrow())
    with pytest.raises(fsq.InputError, match="rename them first: 'Player_Lookup' to player_lookup"):
        backfill(path, path)
    assert fsq.open_store(path).version() == 0
    assert backfill(path, str(tmp_path / "u")).rows == 40


CHILD = """
import sys
from fsq.backfilling import backfill
backfill(sys.argv[1], sys.argv[2], chunk_rows=5, progress=lambda p: print(p.dates, flush=True))
"""


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_kill_and_run_again(source: str, tmp_path: Path, after: int) -> None:
    """A run killed after some commits, then run again, gives the table of an unbroken run."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    backfill(source, str(whole))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, source, str(broken)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(after):
        child.stdout.readline()
    if after == 0:
        time.sleep(0.3)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    done = len(fsq.open_store(str(broken)).ledger())
    assert done >= after
    again = backfill(source, str(broken))
    assert again.skipped == done
    assert again.dates == 8 - done
    assert_frame_equal(table(broken), table(whole))


def test_duckdb_and_polars_agree(source: str, tmp_path: Path) -> None:
    backfill(source, str(tmp_path / "t"))
    files = str(tmp_path / "t" / "*.parquet")
    query = (
        "select count(*), avg(feature_quality_score), "
        "sum(len(feature_quality_detail))::bigint from read_parquet(?)"
    )
    count, mean, structs = duckdb.execute(query, [files]).fetchall()[0]
    rows = fsq.open_store(str(tmp_path / "t")).read().collect()
    assert (count, structs) == (40, 40 * 33)
    polars_mean = rows["feature_quality_score"].mean()
    assert isinstance(polars_mean, float)
    assert abs(mean - polars_mean) < 1e-9


@needs_seasons
def test_real_seasons(tmp_path: Path) -> None:
    store = str(tmp_path / "t")
    rows = sum(backfill(str(path), store).rows for path in SEASONS)
    assert rows == sum(pl.scan_parquet(p).select(pl.len()).collect().item() for p in SEASONS)
    stored = fsq.open_store(store).read()
    lengths = stored.select(pl.col("feature_quality_detail").list.len()).collect().to_series()
    assert lengths.len() == rows
    assert lengths.unique().to_list() == [33]
