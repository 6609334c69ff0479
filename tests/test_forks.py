"""Processes that fork, as in Airflow and gunicorn: fsq works there, or says what to do."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import fsq
from tests.support.frames import wide

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")

CHILD = {
    "score": "fsq.score(rows)",
    "score lazily": "fsq.score(rows.lazy()).collect()",
    "open a store": "fsq.open_store(place + '/store')",
    "read an open store": "store.read().collect()",
    "write an open store": "store.replace(scored)",
    "diagnose": "fsq.diagnose(scored)",
    "training set": "fsq.training_set(scored, on_default='keep').frame",
    "training set made before": "ts.frame",
    "backfill": "fsq.backfill(place + '/rows.parquet', place + '/other')",
}
USED = {
    "fsq": "fsq.score(wide(4, 1))",
    "Polars": "pl.DataFrame({'a': [1, 2]}).lazy().group_by('a').len().collect()",
    "a store": "store.version()",
}
SCRIPT = """
import os, signal, sys
import polars as pl
import fsq
from tests.support.frames import wide
place, before, inside = sys.argv[1:]
rows = pl.read_parquet(place + "/rows.parquet") if before else None
if before:
    store, scored = fsq.open_store(place + "/store"), fsq.score(rows)
    ts = fsq.training_set(scored, on_default="keep")
    exec(before)
child = os.fork()
if not child:
    signal.alarm(60)
    if not before:
        rows = pl.read_parquet(place + "/rows.parquet")
        store, scored = fsq.open_store(place + "/store"), fsq.score(rows)
        ts = fsq.training_set(scored, on_default="keep")
    try:
        exec(inside)
    except fsq.FsqError as error:
        assert "spawn" in str(error) and "importing it before is fine" in str(error)
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forks")
    wide().write_parquet(folder / "rows.parquet")
    fsq.backfill(folder / "rows.parquet", folder / "store")
    return folder


def fork(place: Path, before: str, inside: str) -> int:
    """The exit status of a child that was forked after ``before``."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(place), before, inside],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("inside", CHILD)
def test_a_child_of_a_process_that_used_it_is_told_what_to_do(place: Path, inside: str) -> None:
    assert fork(place, USED["fsq"], CHILD[inside]) == 7


@pytest.mark.parametrize("before", ["Polars", "a store"])
def test_whatever_started_the_threads(place: Path, before: str) -> None:
    assert fork(place, USED[before], CHILD["score"]) == 7


def test_a_child_may_use_it_first(place: Path) -> None:
    assert fork(place, "", ";".join(CHILD.values())) == 0


def _score(records: int) -> int:
    return fsq.score(wide(records, 1)).height


def _fail(kind: int) -> None:
    raise ERRORS[kind]


ERRORS = [
    fsq.InputError(["no column a", "no column b"], "nothing was read"),
    fsq.ContractError("mine.toml", ["name: missing"]),
    fsq.StoreError("it is gone"),
    fsq.ModelIncompatibleError("m", ["no pace_score"], ["pace_score"], ["home_away"]),
    fsq.FsqError("no"),
]


def test_spawned_processes_work_and_deliver_errors() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_score, [3, 5]) == [3, 5]
        for kind, want in enumerate(ERRORS):
            with pytest.raises(type(want)) as raised:
                pool.apply(_fail, (kind,))
            assert str(raised.value) == str(want)


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_errors_survive_the_way_between_processes(error: fsq.FsqError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_fork_is_seen_though_only_polars_was_used(tmp_path: Path) -> None:
    """Before it, fsq was imported; what it computes with is loaded after it."""
    code = """
import os, signal
import fsq
import polars as pl
pl.DataFrame({"a": [1, 2]}).lazy().group_by("a").len().collect()
if not os.fork():
    signal.alarm(60)
    try:
        fsq.open_store("store").version()
        fsq.score(pl.DataFrame())
    except fsq.FsqError as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert told.stdout == "7\n", told.stderr


BEFORE_FSQ = """
import os, signal, sys
import polars as pl
{use}
if not os.fork():
    signal.alarm(60)
    import fsq, fsq.utils.forks
    fsq.utils.forks.PATIENCE = {patience}
    try:
        for _ in range(2):
            assert fsq.open_store("store").version() is None
    except fsq.FsqError as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.parametrize(
    ("use", "patience", "status"),
    [
        ("", 30, 0),
        ("pl.DataFrame({'a': [1]})", 30, 0),
        ("pl.DataFrame({'a': range(10**5)}).sort('a', descending=True)", 2, 7),
        ("pl.LazyFrame({'a': [1]}).group_by('a').len().collect(engine='streaming')", 2, 7),
    ],
)
def test_a_fork_before_the_import_of_fsq(
    use: str, patience: int, status: int, tmp_path: Path
) -> None:
    """As workers of a server that imports it where it is needed: what had been used shows."""
    code = BEFORE_FSQ.format(use=use, patience=patience)
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert told.stdout == f"{status}\n", told.stderr
