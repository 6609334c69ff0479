"""Commits that were made though their answer was lost: a bucket's retries and NFS make such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

import fsq
from fsq.backfilling import backfill
from fsq.errors import StoreError
from fsq.incidents import note_repair, read_incidents, record_findings
from fsq.stores import LedgerEntry, migrate, open_batch_write, open_store
from fsq.stores.delta.files import DeltaDataWriter
from fsq.stores.delta.store import DeltaStore
from fsq.stores.side import SideConflictError
from tests.soak.whole import DAYS, answer, origins, versions
from tests.support.faults import fall_back
from tests.support.frames import legacy, wide
from tests.support.healthy_days import LAST, make_days

OLD, NEW = versions(200)
ANSWERS = [answer(OLD), answer(NEW)]
# What a commit that was made may look like.
LOST: list[Exception] = [
    CommitFailedError("a file of that version exists"),
    DeltaError("error sending request"),
    OSError("timed out"),
]
Commit = Callable[..., None]


def lose(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[Commit], None]) -> list[int]:
    """Act in place of the so manieth commit of files, counted from 0; the versions made so far."""
    original, made = DeltaTable.create_write_transaction, list[int]()

    def acting(table: DeltaTable, *given: Any, **named: Any) -> None:
        made.append(table.version() + 1)
        if len(made) == at + 1:
            act(lambda: original(table, *given, **named))
        else:
            original(table, *given, **named)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", acting)
    return made


def commit_then(error: Exception) -> Callable[[Commit], None]:
    def act(commit: Commit) -> None:
        commit()
        raise error

    return act


def refuse_with(error: Exception) -> Callable[[Commit], None]:
    def act(commit: Commit) -> None:
        raise error

    return act


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "old.parquet", tmp_path / "new.parquet"]
    for rows, path in zip((OLD, NEW), paths, strict=True):
        rows.write_parquet(path)
    return paths


def state(store: Path) -> list[int | None]:
    return origins(open_store(store).read().collect(), ANSWERS)


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("error", LOST, ids=lambda e: type(e).__name__)
def test_a_backfill_goes_on(
    error: Exception, at: int, sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    backfill(sources[0], store)
    with monkeypatch.context() as patch:
        made = lose(patch, at, commit_then(error))
        done = backfill(sources[1], store, chunk_rows=50)
    assert done.dates == DAYS
    assert made == list(range(2, len(made) + 2))  # each was made once
    assert state(store) == [1] * DAYS
    assert backfill(sources[1], store).dates == 0


@pytest.mark.parametrize("error", LOST[1:], ids=lambda e: type(e).__name__)
def test_a_commit_that_was_not_made_leaves_nothing(
    error: Exception, sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    backfill(sources[0], store)
    with monkeypatch.context() as patch:
        lose(patch, 1, refuse_with(error))
        with pytest.raises(StoreError, match="cannot be written"):
            backfill(sources[1], store, chunk_rows=50)
    found = state(store)
    assert (found[0], found[-1]) == (1, 0)
    named = {Path(u).name for u in DeltaTable(str(store)).file_uris()}
    replaced = {Path(u).name for u in DeltaTable(str(store), version=1).file_uris()}
    assert {f.name for f in store.glob("*.parquet")} == named | replaced
    backfill(sources[1], store)
    assert state(store) == [1] * DAYS


def test_another_writer_may_be_next(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit follows the one whose answer was lost; both stand, and neither is made twice."""
    store, other = (
        tmp_path / "store",
        fsq.score(wide(5, 1).with_columns(game_date=date(2026, 5, 1))),
    )

    def act(commit: Commit) -> None:
        commit()
        fsq.open_store(store).replace(other)
        raise LOST[0]

    made = lose(monkeypatch, 0, act)
    assert backfill(sources[0], store).dates == DAYS
    assert len(made) == 1
    days = open_store(store).read().collect()["game_date"]
    assert (days == date(2026, 5, 1)).sum() == 5
    assert len(days) == OLD.height + 5


def run(store: DeltaStore, rows: pl.DataFrame) -> tuple[Any, Callable[[], Any]]:
    """A distributed write of these rows; and its commit."""
    write = open_batch_write(store, None)
    writer = write.create_writer(rows.clear())
    message, stray = (writer.write(task, iter([rows])) for task in (0, 0))
    assert stray.name != message.name
    entry = LedgerEntry("v2_33features", "v", "f", rows.height)
    ledger = dict.fromkeys(rows["game_date"].unique().to_list(), entry)
    return write, lambda: write.commit([message], ledger, "run")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DeltaStore]:
    store = open_store(tmp_path / "store")
    assert isinstance(store, DeltaStore)
    yield store
    # Whatever went wrong, what the table names is there.
    assert store.read().collect().height == 40


@pytest.mark.parametrize("error", LOST, ids=lambda e: type(e).__name__)
def test_a_distributed_run_is_committed(
    error: Exception, store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, commit = run(store, fsq.score(wide(40, 2)))
    lose(monkeypatch, 0, commit_then(error))
    assert commit().rows == 40
    write.abort()
    assert write.committed("run")


def test_files_are_kept_where_nobody_knows_whether_they_were_committed(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, commit = run(store, fsq.score(wide(40, 2)))

    def away(*_: object) -> None:
        raise StoreError("it cannot be reached")

    def act(commit: Commit) -> None:
        commit()
        monkeypatch.setattr(DeltaStore, "load_table", away)
        raise LOST[1]

    with monkeypatch.context() as patch:
        lose(patch, 0, act)
        with pytest.raises(StoreError):
            commit()
        write.abort()
    monkeypatch.undo()
    assert write.committed("run")


def test_a_run_stands_though_its_strays_cannot_be_deleted(
    store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, commit = run(store, fsq.score(wide(40, 2)))

    def fail(*_: object, **__: object) -> None:
        raise OSError("timed out")

    with monkeypatch.context() as patch:
        patch.setattr(DeltaDataWriter, "delete_files", fail)
        assert commit().rows == 40
    write.abort()


def test_the_ledger_of_incidents_has_each_entry_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who is to be notified of an incident is, though its entry seemed to be refused."""
    store = open_store(tmp_path / "store")
    store.replace(fsq.score(fall_back(make_days(8, 40, seed=2), [LAST])))
    save = DeltaStore.save_side

    def lossy(self: DeltaStore, name: str, *given: Any) -> None:
        save(self, name, *given)
        raise SideConflictError(self.uri, name)

    with monkeypatch.context() as patch:
        patch.setattr(DeltaStore, "save_side", lossy)
        changes = record_findings(store, fsq.diagnose(store.read(), dates=[LAST]))
        (incident,) = read_incidents(store)
        attempt = {"at": datetime.now(UTC).isoformat(), "command": "make", "exit_status": 0}
        note_repair(store, [incident.id], [attempt])
    assert [c.what for c in changes] == ["opened"]
    (incident,) = read_incidents(store)
    assert incident.repairs == (attempt,)


@pytest.mark.parametrize("in_place", [False, True])
def test_columns_that_another_writer_adds_at_the_same_time(
    in_place: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The columns are looked for again; in place, the rows must be read again, too."""
    store, source = str(tmp_path / "store"), tmp_path / "rows.parquet"
    rows = legacy(OLD)
    write_deltalake(store, rows.to_arrow())
    rows.write_parquet(source)
    failed = list[bool]()

    def late(*given: Any, **named: Any) -> None:
        if not failed:
            failed.append(True)
            migrate(store)
            raise CommitFailedError("Metadata changed since last commit.")
        write_deltalake(*given, **named)

    monkeypatch.setattr("fsq.stores.delta.commit.write_deltalake", late)
    if in_place:
        with pytest.raises(StoreError, match="another writer changed it"):
            backfill(store, store)
    assert backfill(store if in_place else str(source), store).dates == DAYS
    found = open_store(store).read().collect()
    assert (found.height, found["quality_tier"].null_count()) == (OLD.height, 0)
