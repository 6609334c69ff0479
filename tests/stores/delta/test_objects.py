"""Delta tables in buckets: what holds of a folder holds there, too, and commits are atomic."""

from __future__ import annotations

import gzip
import io
import json
import multiprocessing as mp
import os
from datetime import date
from pathlib import Path

import obstore
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from obstore.store import from_url
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import Progress, backfill
from fsq.backfilling.source import scan_source
from fsq.cli import main
from fsq.errors import FsqError, InputError, StoreError, StoreRefusedError
from fsq.schema.arrow import to_arrow
from fsq.stores import (
    LedgerEntry,
    get_capabilities,
    identify_table,
    is_store,
    migrate,
    open_batch_write,
    open_store,
)
from fsq.stores.objects.bucket import list_objects
from tests.soak import contention, kills
from tests.soak.victims import Limits, servers
from tests.soak.whole import answer, versions
from tests.support.frames import legacy, wide
from tests.support.object_stores import serve

pytestmark = pytest.mark.xdist_group("object stores")
KEYS = ["game_date", "player_lookup"]
STAMP = "quality_computed_at"


def put(uri: str, data: bytes) -> None:
    bucket, _, key = uri.removeprefix("x").rpartition("://")[2].partition("/")
    obstore.put(from_url(f"{uri.partition('://')[0]}://{bucket}"), key, data)


def parquet(rows: pl.DataFrame) -> bytes:
    rows.write_parquet(file := io.BytesIO())
    return file.getvalue()


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


def test_files_and_tables_in_a_bucket_are_sources(lake: str, tmp_path: Path) -> None:
    rows = versions(60)[0]
    wanted = answer(rows)
    days = rows.partition_by("game_date", as_dict=True)
    for (day,), part in days.items():
        put(f"{lake}/daily/game_date={day}/part 0.parquet", parquet(part.drop("game_date")))
    put(f"{lake}/daily/_SUCCESS", b"")
    put(f"{lake}/daily/_temporary/rows.parquet", parquet(rows))
    put(f"{lake}/one.parquet", parquet(rows))
    put(f"{lake}/other.txt", b"not data")
    write_deltalake(f"{lake}/table", to_arrow(rows))
    for at, source in enumerate(
        ("daily", "daily/", "daily/*", "daily/**/*.parquet", "one.parquet", "on?.parquet", "table")
    ):
        store = f"{lake}/from{at}" if at == 0 else str(tmp_path / f"store{at}")
        backfill(f"{lake}/{source}", store)
        found = open_store(store).read().drop(STAMP).sort(KEYS).collect()
        assert_frame_equal(found, wanted, check_column_order=False)


def test_text_files_in_a_bucket_are_sources(lake: str) -> None:
    rows = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    put(f"{lake}/t/rows.csv", rows.write_csv().encode())
    put(f"{lake}/z/rows.csv.gz", gzip.compress(rows.write_csv().encode()))
    put(f"{lake}/n/rows.ndjson", rows.write_ndjson().encode())
    rows.write_ipc_stream(stream := io.BytesIO())
    put(f"{lake}/a/rows.arrows", stream.getvalue())
    for folder in "tzna":
        assert_frame_equal(scan_source(f"{lake}/{folder}").collect(), rows)
    put(f"{lake}/t/empty.parquet", b"")
    put(f"{lake}/e/empty.parquet", b"")
    with pytest.raises(InputError, match="name one format"):
        scan_source(f"{lake}/t")
    with pytest.raises(InputError, match=r"e/empty\.parquet is empty"):
        scan_source(f"{lake}/e")
    with pytest.raises(InputError, match="no data files found there"):
        scan_source(f"{lake}/nothing")
    put(f"{lake}/d/rows.parquet", b"PAR1 damaged PAR1")
    with pytest.raises(InputError, match="cannot be read"):
        scan_source(f"{lake}/d").collect()


def test_files_of_a_lake_table_are_refused(lake: str) -> None:
    rows = wide(10, 2)
    write_deltalake(f"{lake}/house/table", to_arrow(rows))
    file = DeltaTable(f"{lake}/house/table").file_uris()[0].rpartition("/")[2]
    for source in ("house", "house/table/*.parquet", f"house/table/{file}", "*/table"):
        with pytest.raises(InputError, match="is a Delta table; its files cannot be read one by"):
            scan_source(f"{lake}/{source}")
    put(f"{lake}/ice/metadata/v1.metadata.json", b"{}")
    put(f"{lake}/ice/data/rows.parquet", parquet(rows))
    for source in ("ice", "ice/data", "ice/data/rows.parquet"):
        with pytest.raises(InputError, match="is a Iceberg table"):
            scan_source(f"{lake}/{source}")


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
    put(f"{lake}/rows.parquet", parquet(wide(40, 9)))
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


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_store_that_ignores_conditions_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide(10, 2).write_parquet(tmp_path / "rows.parquet")
    with serve(kind, conditions=False) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        store = f"{served.bucket}/careless/store"
        words = ["backfill", "--source", str(tmp_path / "rows.parquet"), "--store", store]
        assert main(words) == 3
        said = capsys.readouterr().err
        assert "ignores that an object must not be replaced" in said
        assert "nothing was written" in said
        assert list(list_objects(served.bucket)) == []
        with pytest.raises(StoreRefusedError):
            migrate(store, create=True)


def test_switches_that_make_writes_unsafe_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve("s3") as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        store = open_store(f"{served.bucket}/store")
        monkeypatch.setenv("AWS_S3_ALLOW_UNSAFE_RENAME", "true")
        with pytest.raises(StoreRefusedError, match="unset it"):
            store.replace(fsq.score(wide(4, 1)))
        monkeypatch.delenv("AWS_S3_ALLOW_UNSAFE_RENAME")
        monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
        with pytest.raises(StoreRefusedError, match="does not support conditional writes"):
            store.replace(fsq.score(wide(4, 1)))


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://key:secret@lake/store", "has credentials in it"),
        ("s3://key:se/secret@lake/store", "has credentials in it"),
        ("s3://key:secret/store", "has credentials in it"),
        ("az://lake/rows.parquet?sv=2024&sig=secret", "has credentials in it"),
        ("abfss://lake:secret@a.dfs.core.windows.net/store", "has credentials in it"),
        ("s3:///store", "names no bucket"),
        ("gs://lake/a//b", "empty part"),
        ("s3://lake/../b", "'..' in its path"),
        ("abfss://lake/store", "names no account"),
        ("az://lake/a%20b", "misread"),
        ("s3://lake?sig=secret/x", "has credentials in it"),
        ("ftp://lake/store", "ftp:// stores are not supported; use a folder or s3://"),
    ],
)
def test_uris_that_cannot_be_used(uri: str, said: str) -> None:
    with pytest.raises(FsqError) as error:
        open_store(uri)
    assert said in str(error.value)
    with pytest.raises(FsqError) as scanned:
        scan_source(uri)
    with pytest.raises(FsqError) as globbed:
        scan_source(f"{uri}*")
    for raised in (error, scanned, globbed):
        assert "secret" not in str(raised.value)


def test_one_place_has_one_name() -> None:
    names = {identify_table(u) for u in ("s3://lake/t", "s3a://lake/t/", "s3://lake/t//")}
    assert names == {"s3://lake/t"}
    assert identify_table("abfs://c@a.dfs.core.windows.net/t").startswith("abfss://")


def test_errors_say_what_to_do(lake: str, capsys: pytest.CaptureFixture[str]) -> None:
    scheme = lake.partition("://")[0]
    for command in (
        ["check", "--store"],
        ["trend", "--store"],
        ["backfill", "--store", "x", "--source"],
    ):
        assert main([*command, f"{scheme}://no-such-bucket/store"]) == 3
        said = capsys.readouterr().err
        assert "there is no such bucket; create it" in said
        assert "\x1b" not in said
    assert main(["check", "--store", f"{lake}/none"]) == 3
    assert "there is no store at" in capsys.readouterr().err


def test_missing_credentials_and_endpoints_are_named(
    object_stores: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in os.environ if n.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    assert main(["check", "--store", "az://lake/store"]) == 3
    said = capsys.readouterr().err
    assert "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY" in said
    options = ["aws_access_key_id=tester", "aws_secret_access_key=hush", "region=us-east-1"]
    words = [w for o in options for w in ("--storage-option", o)]
    endpoint = "--storage-option=endpoint_url=http://127.0.0.1:9"
    assert main(["check", "--store", "s3://lake/store", *words, endpoint]) == 3
    said = capsys.readouterr().err
    assert "set AWS_ALLOW_HTTP=true" in said
    assert "hush" not in said
    assert not any(n.startswith("AWS_") for n in os.environ)
    assert main(["check", "--store", "s3://lake/store", "--storage-option", "hush"]) == 2
    said = capsys.readouterr().err
    assert "NAME=VALUE" in said
    assert "hush" not in said


def test_options_on_the_command_line_are_enough(
    lake: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = servers()
    for name in options:
        monkeypatch.delenv(name)
    wide(10, 2).write_parquet(tmp_path / "rows.parquet")
    given = [
        w
        for name, value in options.items()
        for w in ("--storage-option", f"{name.lower()}={value}")
    ]
    words = ["backfill", "--source", str(tmp_path / "rows.parquet"), "--store", f"{lake}/store"]
    assert main([*given, *words]) == 0
    capsys.readouterr()
    assert main(["trend", "--store", f"{lake}/store", *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
