"""Delta tables in buckets: what holds of a folder holds there, too, and commits are atomic."""

from __future__ import annotations

import multiprocessing as mp
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import Progress, backfill
from fsq.cli import main
from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores import (
    LedgerEntry,
    get_capabilities,
    is_store,
    migrate,
    open_batch_write,
    open_store,
)
from fsq.stores.objects.bucket import PROBE, list_objects
from tests.soak import contention, kills
from tests.soak.victims import Limits, servers
from tests.soak.whole import versions
from tests.support.frames import legacy, wide
from tests.support.object_stores import make_parquet, put

pytestmark = pytest.mark.xdist_group("object stores")
KEYS = ["game_date", "player_lookup"]
STAMP = "quality_computed_at"


def test_a_bucket_holds_what_a_folder_holds(lake: str, tmp_path: Path) -> None:
    rows, folder, store = versions(80)[0], str(tmp_path / "store"), f"{lake}/nba/a store"
    source = tmp_path / "rows.parquet"
    rows.write_parquet(source)
    first = [backfill(source, uri, chunk_rows=100) for uri in (folder, store)]
    assert first[0].rows == first[1].rows == rows.height
    again = backfill(source, f"{store}/")
    assert (again.rows, again.skipped) == (0, first[1].dates)
    opened, on_disk = open_store(store), open_store(folder)
    assert opened.ledger() == on_disk.ledger()
    assert opened.source == on_disk.source == str(source)
    found = opened.read().drop(STAMP).sort(KEYS).collect()
    assert_frame_equal(found, on_disk.read().drop(STAMP).sort(KEYS).collect())
    day = max(rows["game_date"].to_list())
    field = "feature_quality_detail.feature_category"
    one = opened.read(day, day, [*KEYS, field]).collect()
    assert_frame_equal(one.sort(KEYS), on_disk.read(day, day, [*KEYS, field]).collect().sort(KEYS))
    assert is_store(store)
    assert not is_store(f"{lake}/nba")
    assert get_capabilities(store).remote


def test_a_table_in_a_bucket_is_scored_in_place_and_migrated(lake: str) -> None:
    rows = legacy(versions(60)[0])
    write_deltalake(f"{lake}/table", to_arrow(rows))
    assert migrate(f"{lake}/table", dry_run=True).added
    assert migrate(f"{lake}/table").added
    backfill(f"{lake}/table", f"{lake}/table", chunk_rows=100)
    found = open_store(f"{lake}/table").read().collect()
    assert found.height == rows.height
    assert found["quality_tier"].null_count() == 0
    assert migrate(f"{lake}/new", create=True).created


def test_commands_work_on_a_bucket(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"{lake}/store"
    put(f"{lake}/rows.parquet", make_parquet(wide(40, 9)))
    assert main(["backfill", "--source", f"{lake}/rows.parquet", "--store", store]) == 0
    assert main(["check", "--store", store, "--record", "--json"]) in (0, 1)
    assert main(["incidents", "--store", store]) == 0
    assert main(["profile", "learn", "--store", store]) in (0, 2)
    assert main(["trend", "--store", store, "--store-summary"]) == 0
    capsys.readouterr()
    assert main(["score", f"{lake}/rows.parquet", "--out", f"{lake}/scored"]) == 0
    assert (
        open_store(f"{lake}/scored").read().collect().height
        == open_store(store).read().collect().height
    )
    beside = {o.uri.removeprefix(f"{lake}/").partition("/")[0] for o in list_objects(lake)}
    assert beside == {"store", "scored", "rows.parquet", "feature_quality_daily"}
    assert open_store(store).read_side("incidents") is not None


def test_executors_fill_a_table_in_a_bucket(lake: str) -> None:
    """What Spark's tasks do, without Spark: files first, then one commit of the driver."""
    old, new = (fsq.score(v) for v in versions(60))
    store = open_store(f"{lake}/table")
    store.replace(old)
    days = sorted(new["game_date"].unique())[:3]
    scored = new.filter(pl.col("game_date").is_in(days))
    write = open_batch_write(store, None)
    writer = write.create_writer(scored.clear())
    messages = [writer.write(i, [scored.filter(game_date=day)]) for i, day in enumerate(days)]
    assert store.read().collect().height == old.height
    writer.write(9, [scored])  # an attempt that Spark gave up
    ledger = {day: LedgerEntry("c", "v", "f", 1) for day in days}
    result = write.commit(messages, ledger, "run")
    assert result is not None
    assert write.commit(messages, ledger, "run") is None
    rest = old.filter(~pl.col("game_date").is_in(days))
    wanted = pl.concat([rest, scored.select(rest.columns)]).sort(KEYS)
    assert_frame_equal(store.read().collect().select(rest.columns).sort(KEYS), wanted)
    files = {o.uri for o in list_objects(store.uri) if "fsq-" in o.uri}
    assert files <= set(DeltaTable(store.uri).file_uris())
    aborted = open_batch_write(store, None)
    aborted.create_writer(scored.clear()).write(0, [scored])
    aborted.abort()
    assert {o.uri for o in list_objects(store.uri) if "fsq-" in o.uri} == files


def test_something_else_is_not_overwritten(lake: str) -> None:
    put(f"{lake}/notes/readme.md", b"hello")
    with pytest.raises(StoreError, match="is not a Delta table; name another folder"):
        open_store(f"{lake}/notes")


def test_a_probe_that_a_killed_writer_left_is_no_table(lake: str) -> None:
    put(f"{lake}/table/{PROBE}0123456789abcdef", b"fsq")
    store = open_store(f"{lake}/table")
    assert store.version() is None
    assert store.replace(wide_scored("0")).rows == 12
    put(f"{lake}/other/_fsq/incidents", b"fsq")
    with pytest.raises(StoreError, match="is not a Delta table"):
        open_store(f"{lake}/other")


def _add(uri: str, name: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    store = open_store(uri)
    store.replace(wide_scored(name))
    store.update_side(
        "incidents", lambda old: pl.concat([*([] if old is None else [old]), _side(name)])
    )


def wide_scored(name: str) -> pl.DataFrame:
    day = date(2026, 1, 1 + int(name))
    return fsq.score(wide(12, 1).with_columns(game_date=pl.lit(day)))


def _side(name: str) -> pl.DataFrame:
    return pl.DataFrame({"name": [name]})


def test_six_racing_writers_lose_nothing(lake: str) -> None:
    """Each creates the table, or adds its date; and notes itself in the same side table."""
    context = mp.get_context("forkserver")
    names = [str(i) for i in range(6)]
    writers = [
        context.Process(target=_add, args=(f"{lake}/race", name, servers()), daemon=True)
        for name in names
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 6
    store = open_store(f"{lake}/race")
    wanted = pl.concat([wide_scored(name) for name in names]).drop(STAMP)
    found = store.read().drop(STAMP).collect().select(wanted.columns)
    assert_frame_equal(found.sort(KEYS), wanted.sort(KEYS))
    noted = store.read_side("incidents")
    assert noted is not None
    assert sorted(noted["name"]) == names


def test_killed_backfills_leave_whole_dates(lake: str, tmp_path: Path) -> None:
    assert kills.into_bucket(tmp_path, lake, Limits(2, 4)).kills


def test_writers_and_readers_meet(lake: str, tmp_path: Path) -> None:
    meeting = contention.met(tmp_path, f"{lake}/met", 40, 1, writers=2)
    assert meeting.writes[0] > 1
    assert meeting.reads > 1


def test_a_backfill_in_place_gives_way_to_another_writer(lake: str) -> None:
    rows = legacy(versions(60)[0])
    write_deltalake(f"{lake}/table", to_arrow(rows))
    other = fsq.score(versions(60)[1])

    def interfere(now: Progress) -> None:
        if now.dates == 1:
            open_store(f"{lake}/table").replace(other)

    with pytest.raises(StoreError, match="another writer changed it"):
        backfill(f"{lake}/table", f"{lake}/table", chunk_rows=1, progress=interfere)
