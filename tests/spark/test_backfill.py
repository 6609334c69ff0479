"""Backfills on Spark with separate executors: the same table as on one machine, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from deltalake import write_deltalake
from polars.testing import assert_frame_equal

import fsq
import fsq.spark
from fsq.backfilling import BackfillResult, Progress, backfill
from fsq.errors import InputError, StoreError
from fsq.stores.delta.distributed import DeltaBatchWrite
from tests.support import column_cases as cases
from tests.support import spark as kills
from tests.support.any_table import CONTRACT as ANY
from tests.support.any_table import make_rows
from tests.support.frames import legacy, wide
from tests.support.object_stores import serve
from tests.support.spark import KEYS, MASTER, NOW, WITHOUT, Killer, table
from tests.support.warehouse import held, made, tables, upstream_rows

# One Spark for all of them, if the runner parts tests over processes.
pytestmark = [
    pytest.mark.skipif(WITHOUT is not None, reason=str(WITHOUT)),
    pytest.mark.xdist_group("spark"),
    # Before 4.2, Spark's driver leaves its own sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with fsq.spark.session(MASTER) as session:
        yield session


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("spark") / "rows.parquet"
    wide(160, 16).write_parquet(path)
    return str(path)


@pytest.fixture(scope="module")
def single(source: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same source's table as one machine makes it."""
    store = str(tmp_path_factory.mktemp("single") / "t")
    backfill(source, store, now=NOW)
    return store


def assert_same(store: str, single: str) -> None:
    assert_frame_equal(table(store), table(single))
    assert fsq.open_store(store).ledger() == fsq.open_store(single).ledger()


def test_executors_find_the_bucket_and_its_credentials(
    spark: Any, source: str, single: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session began without them, so they can only come from the driver."""
    with serve("s3") as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        pl.read_parquet(source).write_parquet(f"{served.bucket}/rows/a.parquet")
        store, rows = f"{served.bucket}/t", f"{served.bucket}/rows/*.parquet"
        result = fsq.spark.backfill(spark, rows, store, now=NOW)
        assert result.rows == 160
        assert_same(store, single)
        assert backfill(rows, store, now=NOW).rows == 0


def test_the_table_of_one_machine_and_its_ledger(
    spark: Any, source: str, single: str, tmp_path: Path
) -> None:
    store, seen = str(tmp_path / "t"), list[Progress]()
    plan = fsq.spark.backfill(spark, source, store, now=NOW, dry_run=True)
    assert [s.reason for s in plan.plan] == ["new"] * 16
    assert not Path(store).exists()
    done = fsq.spark.backfill(spark, source, store, now=NOW, chunk_rows=30, progress=seen.append)
    one = backfill(source, str(tmp_path / "one"), now=NOW)
    assert (done.rows, done.dates, done.skipped) == (160, 16, 0)
    assert (done.plan, done.tiers) == (one.plan, one.tiers)
    assert seen[-1] == Progress(160, 160, 16, 16)
    assert_same(store, single)
    assert len(list(Path(store).glob("*.parquet"))) == 6  # one for each task, and no other
    assert backfill(source, store, now=NOW).skipped == 16
    assert fsq.spark.backfill(spark, source, store, now=NOW).skipped == 16


def test_dates_are_replaced_in_files_that_hold_others_too(
    spark: Any, source: str, single: str, tmp_path: Path
) -> None:
    """The single machine's file holds every date; four are done anew, one of them is new."""
    store, rows = str(tmp_path / "t"), pl.read_parquet(source)
    early = str(tmp_path / "early.parquet")
    kept = rows.filter(pl.col("game_date") < date(2026, 1, 16))
    kept.with_columns(pace_score=pl.lit(7.5)).write_parquet(early)
    backfill(early, store, now=NOW)
    first = date(2026, 1, 13)
    done = fsq.spark.backfill(spark, source, store, now=NOW, chunk_rows=20, start=first)
    assert {s.day.day: s.reason for s in done.plan} == {
        13: "changed",
        14: "changed",
        15: "changed",
        16: "new",
    }
    replaced = pl.col("game_date") >= first
    assert_frame_equal(table(store).filter(replaced), table(single).filter(replaced))
    old = str(tmp_path / "old")
    backfill(early, old, now=NOW)
    assert_frame_equal(table(store).filter(~replaced), table(old).filter(~replaced))
    version = fsq.open_store(store).version()
    again = fsq.spark.backfill(spark, source, store, now=NOW, force=True, run_id="again")
    assert (again.rows, fsq.open_store(store).version()) == (160, (version or 0) + 1)
    assert_same(store, single)
    none = fsq.spark.backfill(spark, source, store, now=NOW, force=True, run_id="again")
    assert (none.rows, none.skipped) == (0, 16)
    assert fsq.open_store(store).version() == (version or 0) + 1


def test_paths_and_open_stores_as_on_one_machine(spark: Any, tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    wide().write_parquet(rows)
    result = fsq.spark.backfill(spark, rows, fsq.open_store(tmp_path / "store"), start="2026-01-03")
    assert (result.rows, result.dates) == (20, 2)
    again = fsq.spark.backfill(spark, rows, tmp_path / "store")
    assert (again.rows, again.skipped) == (20, 2)
    with pytest.raises(fsq.InputError, match="write the rows to a file"):
        fsq.spark.backfill(spark, cast("Any", wide()), tmp_path / "store")


def test_in_place_on_a_legacy_table(spark: Any, tmp_path: Path) -> None:
    path, other = str(tmp_path / "t"), str(tmp_path / "u")
    for store in (path, other):
        write_deltalake(store, legacy(wide()).to_arrow())
    backfill(other, other, now=NOW)
    assert fsq.spark.backfill(spark, path, path, now=NOW, chunk_rows=10).rows == 40
    assert fsq.spark.backfill(spark, path, path, now=NOW).skipped == 4
    assert_frame_equal(table(path), table(other), check_column_order=False)


def test_what_others_wrote_meanwhile_is_not_lost(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "t")
    write_deltalake(path, legacy(wide()).to_arrow())
    late = legacy(wide()).tail(1).with_columns(player_lookup=pl.lit("late")).to_arrow()
    wrote = threading.Event()

    def interfere(now: Progress) -> None:
        if not wrote.is_set():
            wrote.set()
            write_deltalake(path, late, mode="append", schema_mode="merge")

    with pytest.raises(StoreError, match="changed"):
        fsq.spark.backfill(spark, path, path, now=NOW, chunk_rows=10, progress=interfere)
    assert wrote.is_set()
    assert (table(path).height, table(path)["quality_tier"].null_count()) == (41, 41)
    assert not list(Path(path).glob("fsq-*"))
    fsq.spark.backfill(spark, path, path, now=NOW)
    assert (table(path).height, table(path)["quality_tier"].null_count()) == (41, 0)


def test_bad_rows_are_reported_as_on_one_machine(spark: Any, source: str, tmp_path: Path) -> None:
    rows, path = pl.read_parquet(source), str(tmp_path / "rows.parquet")
    late = pl.col("game_date") == rows["game_date"].max()
    typo = pl.when(late).then(pl.lit("typo")).otherwise("pace_score__source")
    rows.with_columns(pace_score__source=typo).write_parquet(path)
    with pytest.raises(InputError) as one:
        backfill(path, str(tmp_path / "t"))
    with pytest.raises(InputError) as many:
        fsq.spark.backfill(spark, path, str(tmp_path / "t"), chunk_rows=20)
    assert many.value.problems == one.value.problems
    assert not (tmp_path / "t").exists()
    words = fsq.spark.backfill(spark, path, str(tmp_path / "t"), on_unknown_source="default")
    assert words.unknown_sources == {"typo": 10}
    with pytest.raises(InputError, match="run id"):
        fsq.spark.backfill(spark, path, str(tmp_path / "t"), run_id="two words")


def test_a_table_that_spark_must_not_fill(spark: Any, source: str, tmp_path: Path) -> None:
    store = str(tmp_path / "t")
    write_deltalake(store, legacy(wide()).to_arrow(), partition_by=["game_date"])
    with pytest.raises(InputError, match="partitioned"):
        fsq.spark.backfill(spark, source, store)
    assert fsq.open_store(store).version() == 0


@pytest.mark.parametrize(
    "case", ["int as float", "whole float as int", "null as float", "whole ns as us"]
)
def test_a_column_of_another_type_is_stored_without_loss(
    spark: Any, tmp_path: Path, case: str
) -> None:
    store, (first, then) = str(tmp_path / "t"), cases.KEPT[case]
    for file in cases.write_rows(tmp_path / "source", first, then):
        fsq.spark.backfill(spark, file, store)
    assert cases.held(store, cases.FIRST) == cases.wanted(cases.FIRST, first)
    assert cases.held(store, cases.THEN) == cases.wanted(cases.THEN, then)


@pytest.mark.parametrize("case", ["float as int", "moment as date", "large unsigned"])
def test_a_column_that_would_lose_is_refused(spark: Any, tmp_path: Path, case: str) -> None:
    store = str(tmp_path / "t")
    first, then = cases.write_rows(tmp_path / "source", *cases.REFUSED[case])
    fsq.spark.backfill(spark, first, store)
    said = []
    for dry_run in (True, False):
        with pytest.raises(InputError, match="line is") as error:
            fsq.spark.backfill(spark, then, store, dry_run=dry_run)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert fsq.open_store(store).read().collect().height == 3


@pytest.mark.parametrize("victims", [kills.executors, kills.workers], ids=["executor", "worker"])
def test_a_killed_process_loses_and_doubles_nothing(
    spark: Any, source: str, single: str, tmp_path: Path, victims: Any
) -> None:
    store, killer = str(tmp_path / "t"), Killer(victims, 0.3)
    done = fsq.spark.backfill(
        spark, source, store, now=NOW, chunk_rows=10, progress=killer.progress
    )
    killer.wait()
    assert killer.killed
    assert done.rows == 160
    assert_same(store, single)


def test_a_driver_killed_at_its_commit_and_started_again(
    spark: Any, source: str, single: str, tmp_path: Path
) -> None:
    """Just before it and just after it; side by side, since starting takes the time."""
    stores = {die: str(tmp_path / die) for die in ("before", "after")}
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(kills.driver, "local[1]", source, s, "one", d) for d, s in stores.items()
        ]
        assert [end.result() for end in ends] == [-9, -9]
    for die, store in stores.items():
        assert len(fsq.open_store(store).ledger()) == (16 if die == "after" else 0)
        again = fsq.spark.backfill(spark, source, store, now=NOW, run_id="one", force=True)
        assert again.rows == (0 if die == "after" else 160)
        assert_same(store, single)


def both(spark: Any, calls: list[dict[str, Any]], monkeypatch: Any) -> list[BackfillResult]:
    """Two drivers whose commits start at one moment."""
    barrier, commit = threading.Barrier(2), DeltaBatchWrite.commit

    def together(self: DeltaBatchWrite, *given: Any) -> Any:
        barrier.wait(120)
        return commit(self, *given)

    monkeypatch.setattr(DeltaBatchWrite, "commit", together)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fsq.spark.backfill, spark, now=NOW, **call) for call in calls]
        return [job.result() for job in jobs]


def test_two_drivers_of_one_run(
    spark: Any, source: str, single: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "t")
    call = {"source": source, "store": store, "run_id": "one", "chunk_rows": 40}
    results = both(spark, [call, call], monkeypatch)
    assert sorted((r.rows, r.skipped) for r in results) == [(0, 16), (160, 0)]
    assert_same(store, single)
    assert len(list(Path(store).glob("*.parquet"))) == 4


def test_two_runs_over_dates_that_overlap(
    spark: Any, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "t")
    call = {"source": source, "store": store, "chunk_rows": 40}
    first = {**call, "end": date(2026, 1, 10)}
    second = {**call, "start": date(2026, 1, 5), "contract": "v2_33features_capped"}
    second["change_contract"] = True
    results = both(spark, [first, second], monkeypatch)
    assert [r.rows for r in results] == [100, 120]
    rows = table(store)
    assert rows.height == 160
    assert rows.select(KEYS).is_duplicated().sum() == 0
    kinds = rows.group_by("game_date").agg(pl.col("feature_schema_version").unique()).sort(KEYS[0])
    assert kinds["feature_schema_version"].list.len().to_list() == [1] * 16
    shared = kinds.filter(pl.col("game_date").dt.day().is_between(5, 10))
    assert shared["feature_schema_version"].n_unique() == 1  # one commit's, whichever was last


def test_bigquery(spark: Any, source: str, dataset: str) -> None:
    uri, one = f"bigquery://{dataset}.t", f"bigquery://{dataset}.one"
    done = fsq.spark.backfill(spark, source, uri, now=NOW, chunk_rows=60, run_id="r")
    backfill(source, one, now=NOW)
    assert (done.rows, done.dates) == (160, 16)
    assert_frame_equal(held(uri), held(one))
    assert fsq.open_store(uri).ledger() == fsq.open_store(one).ledger()
    again = fsq.spark.backfill(spark, source, uri, now=NOW, force=True, run_id="r")
    assert (again.rows, again.skipped) == (0, 16)
    assert not [t for t in tables(dataset) if "staging" in t]

    here, there = (made(dataset, upstream_rows(wide())) for _ in range(2))
    assert fsq.spark.backfill(spark, here, here, now=NOW, chunk_rows=20).rows == 40
    backfill(there, there, now=NOW)
    assert_frame_equal(held(here), held(there))


def cli(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fsq")), "backfill", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_the_command(source: str, tmp_path: Path) -> None:
    words = ["--source", source, "--engine", "spark", "--spark-master", "local[1]", "--json"]
    good, bare = [*words, "--store", str(tmp_path / "t")], [*words, "--store", str(tmp_path / "u")]
    without = str(Path(sys.base_prefix) / "bin" / "python3")
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(cli, *good), pool.submit(cli, *bare, PYSPARK_PYTHON=without)]
        done, refused = (job.result() for job in jobs)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["dates"], told["skipped"]) == (160, 16, 0)
    assert refused.returncode == 2, refused.stderr
    problems = json.loads(refused.stdout)["error"]["problems"]
    assert [p for p in problems if p.startswith("executors lack the Python package polars")]
    assert not (tmp_path / "u").exists()


def test_several_keys_and_dates_known_from_times(spark: Any, tmp_path: Path) -> None:
    rows = make_rows(dates=6, entities=40, incidents=False)
    source, order = str(tmp_path / "rows.parquet"), list(ANY.table.order)
    rows.drop(ANY.table.date).write_parquet(source)
    stores = [str(tmp_path / name) for name in ("spark", "one")]
    done = fsq.spark.backfill(spark, source, stores[0], contract=ANY, now=NOW, chunk_rows=60)
    one = backfill(source, stores[1], contract=ANY, now=NOW)
    assert (done.plan, done.tiers, done.rows) == (one.plan, one.tiers, rows.height)
    opened = [fsq.open_store(store) for store in stores]
    assert_frame_equal(*(store.read().sort(order).collect() for store in opened))
    assert {store.contract.version_hash for store in opened} == {ANY.version_hash}
    assert {store.source for store in opened} == {source}
    again = fsq.spark.backfill(spark, source, stores[0], start=one.plan[-2].day, force=True)
    assert (again.dates, fsq.open_store(stores[0]).read().collect().height) == (2, rows.height)
