"""Disks that are full, read-only or gone: a clear error, and every date is whole."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.backfilling import Progress, backfill
from fsq.cli import main
from fsq.incidents import read_incidents
from fsq.stores import open_store
from fsq.stores.bigquery.client import open_clients
from tests.soak.whole import DAYS, answer, origins, versions
from tests.support.faults import fall_back
from tests.support.healthy_days import LAST, make_days

OLD, NEW = versions(800)
ANSWERS = [answer(OLD), answer(NEW)]
MOUNTS = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="needs root to mount"
)


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / "old.parquet"), str(tmp_path / "new.parquet")]
    OLD.write_parquet(paths[0])
    NEW.write_parquet(paths[1])
    return paths


def state(store: Path) -> list[int | None]:
    return origins(open_store(str(store)).read().collect(), ANSWERS)


def backfilled(source: str, store: Path, *words: str) -> int:
    return main(["backfill", "--source", source, "--store", str(store), *words])


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def leave_room(disk: Path, kilobytes: int) -> None:
    used = shutil.disk_usage(disk).used // 1024
    subprocess.run(["mount", "-o", f"remount,size={used + kilobytes}k", str(disk)], check=True)


@MOUNTS
@pytest.mark.parametrize("left", [100, 1000])
def test_a_full_disk(left: int, sources: list[str], tmp_path: Path) -> None:
    """It is full at once, or after a commit; room made, the same command finishes."""
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=20m", "tmpfs"):
        store = disk / "store"
        assert backfilled(sources[0], store) == 0
        leave_room(disk, left)
        assert backfilled(sources[1], store, "--commit-rows", "200") == 3
        found = state(store)
        assert set(found) <= {0, 1}
        assert (1 in found) == (left == 1000)
        leave_room(disk, 100)  # files that were not committed are gone
        assert main(["score", sources[1], "--out", str(disk / "scored.parquet")]) == 3
        assert [f.name for f in disk.iterdir()] == ["store"]
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert backfilled(sources[1], store) == 0
        assert state(store) == [1] * DAYS


@MOUNTS
def test_a_full_disk_has_no_room_for_incidents(tmp_path: Path) -> None:
    """They are recorded as a whole or not at all, and once there is room."""
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "size=20m", "tmpfs"):
        store = open_store(disk / "store")
        store.replace(fsq.score(fall_back(make_days(8, 40, seed=2), [LAST])))
        for words in (["check", "--record"], ["repair", "--yes"]):
            for left in (0, 12):
                leave_room(disk, left)
                assert main([*words, "--store", store.uri]) == 3
                assert read_incidents(store) == []
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert main(["check", "--record", "--store", store.uri]) == 1
        assert [i.state for i in read_incidents(store)] == ["open"]


@MOUNTS
def test_a_read_only_store(sources: list[str], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    store = disk / "store"
    backfilled(sources[0], store)
    with mounted(disk, "--bind", "-o", "ro", str(disk)):
        assert backfilled(sources[1], store) == 3
        assert backfilled(sources[1], disk / "other") == 3
        assert main(["score", sources[1], "--out", str(disk / "scored.parquet")]) == 3
        assert main(["schema", "migrate", str(disk / "other"), "--create"]) == 3
        assert main(["trend", "--store", str(store), "--out", str(disk / "t.svg")]) == 3
        assert main(["trend", "--store", str(store)]) == 0
        assert state(store) == [0] * DAYS
    assert backfilled(sources[1], store) == 0
    assert state(store) == [1] * DAYS


def test_files_that_may_not_grow(sources: list[str], tmp_path: Path) -> None:
    """What a full disk does, wherever limits of processes are known."""
    store, out = tmp_path / "store", tmp_path / "out.parquet"
    backfilled(sources[0], store)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = str(Path(sys.executable).with_name("fsq"))
    for words in (
        ["backfill", "--source", sources[1], "--store", str(store)],
        ["score", sources[1], "--out", str(out)],
    ):
        done = subprocess.run([command, *words], preexec_fn=limited, capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*out*"))
    assert state(store) == [0] * DAYS


def after_two(act: Callable[[], object]) -> Callable[[Progress], None]:
    """Do it after the second commit."""
    seen: list[Progress] = []

    def progress(now: Progress) -> None:
        seen.append(now)
        if len(seen) == 2:
            act()

    return progress


def test_a_store_that_vanishes_is_not_made_anew(sources: list[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(fsq.StoreError, match="disappeared"):
        backfill(
            sources[0], str(store), chunk_rows=200, progress=after_two(lambda: shutil.rmtree(store))
        )
    assert not store.exists()
    assert backfill(sources[0], str(store)).dates == DAYS
    assert state(store) == [0] * DAYS


def test_a_table_that_vanishes_is_not_made_anew(
    sources: list[str], dataset: str, tmp_path: Path
) -> None:
    uri = f"bigquery://{dataset}.gone"

    def dropped() -> None:
        with open_clients("p") as clients:
            clients.tables.delete_table(f"{dataset}.gone")

    with pytest.raises(fsq.StoreError, match="disappeared"):
        backfill(sources[0], uri, chunk_rows=200, progress=after_two(dropped))
    assert backfill(sources[0], uri).dates == DAYS
    assert origins(open_store(uri).read().collect(), ANSWERS) == [0] * DAYS


def test_a_source_that_vanishes(sources: list[str], tmp_path: Path) -> None:
    store, source = tmp_path / "store", Path(sources[0])
    content = source.read_bytes()
    with pytest.raises(fsq.StoreError, match="can no longer be read"):
        backfill(str(source), str(store), chunk_rows=100, progress=after_two(source.unlink))
    assert {0, None} >= set(state(store))
    source.write_bytes(content)
    backfill(str(source), str(store))
    assert state(store) == [0] * DAYS


def test_a_store_whose_files_are_gone(
    sources: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    backfilled(sources[0], store)
    for file in store.glob("*.parquet"):
        file.unlink()
    for words in (["check", "--date", "2026-01-03"], ["trend"]):
        assert main([words[0], "--store", str(store), *words[1:]]) == 3
        assert "Error: " in capsys.readouterr().err
    assert backfilled(sources[1], store) == 3
    assert pl.read_parquet(sources[1]).height == NEW.height
