"""Commands killed at random moments: every date stays whole, and typed again they finish."""

from __future__ import annotations

import io
import multiprocessing as mp
import os
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from fsq.cli import main
from fsq.schema import to_arrow
from fsq.stores import open_store
from tests import warehouse
from tests.frames import legacy, wide
from tests.soak.whole import DAYS, answer, origins, versions

# Children are forked by a server that has loaded what takes long to load, so that one costs
# little. It has not loaded fsq, which makes Polars start threads that a fork would lose.
_SERVER = mp.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["numpy", "pyarrow.parquet", "pydantic", "typer", "rich.progress", "deltalake", "polars",
     "google.cloud.bigquery", "google.cloud.bigquery_storage_v1", "grpc"]
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """How many kills, and how long at most; ``rng`` is of the moments."""

    kills: int
    seconds: float
    rng: random.Random = field(default_factory=random.Random)

    def rounds(self) -> Iterator[tuple[int, Victims]]:
        """The rounds, numbered, with the commands to kill in them."""
        until, victims = time.monotonic() + self.seconds, Victims()
        try:
            for at in range(self.kills):
                if at and time.monotonic() > until:
                    return
                yield at, victims
        finally:
            victims.close()


@dataclass
class Tally:
    """What a series of kills came to."""

    kills: int = 0
    ended: int = 0  # they were done before the kill came
    strays: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = ", ".join(f"{n} {what}" for what, n in sorted(self.seen.items()))
        return f"{self.kills} kills ({self.ended} came too late), {told}; {self.strays} strays"


def _work(hear: Connection) -> None:
    import fsq
    from fsq.cli import main

    fsq.score(wide(8, 1))  # so that threads and caches are there before the clock starts
    hear.send("loaded")
    environment, words = hear.recv()
    os.environ.update(environment)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    sys.exit(main(words))


class Victims:
    """Commands to kill; the next one's process loads its modules while the last one works."""

    def __init__(self) -> None:
        self._next = self._loading()

    def _loading(self) -> tuple[ForkServerProcess, Connection]:
        hear, say = _SERVER.Pipe()
        child = _SERVER.Process(target=_work, args=(hear,), daemon=True)
        child.start()
        hear.close()
        return child, say

    def status(self, words: list[str], seconds: float) -> int | None:
        """The exit status of a command; None for one that was killed after so many seconds."""
        (child, say), self._next = self._next, self._loading()
        assert say.recv() == "loaded"
        self._began = time.perf_counter()
        say.send(({k: v for k, v in os.environ.items() if k.startswith("BIGQUERY_")}, words))
        child.join(seconds)
        status = child.exitcode
        if status is None:
            child.kill()  # SIGKILL
            child.join()
        child.close()
        say.close()
        return status

    def close(self) -> None:
        """End the one that waits."""
        child, say = self._next
        child.kill()
        child.join()
        child.close()
        say.close()

    def seconds(self, words: list[str]) -> float:
        """How long a command works, undisturbed; it must succeed."""
        status = self.status(words, 120)
        assert status == 0, f"{words} ended with {status}"
        return time.perf_counter() - self._began


def finished(words: list[str]) -> None:
    """The same command, undisturbed, in this process."""
    with redirect_stdout(io.StringIO()):
        status = main(words)
    assert status == 0, f"{words} ended with {status}"


def killed_stores(
    sources: list[str],
    answers: list[pl.DataFrame],
    new_store: Callable[[], str],
    strays: Callable[[str], int],
    limits: Limits,
) -> Tally:
    """Kill ``score`` and ``backfill`` into a store, by turns from an old and a new input.

    Args:
        sources: files of the inputs.
        answers: what a store must hold of each.
        new_store: makes the URI of a store that is not there yet.
        strays: counts what killed runs left around a store.
        limits: of the kills.
    """
    tally, store, old, took = Tally(), "", None, 3.0
    for at, victims in limits.rounds():
        if at % 10 == 0:
            tally.strays += strays(store) if store else 0
            store, old = new_store(), None
        new = at % 2
        words = [["backfill", "--source"], ["score"]][at // 2 % 2]
        words = [*words, sources[new], "--out" if words == ["score"] else "--store", store]
        words += ["--commit-rows", str(answers[0].height // 3)]
        status = victims.status(words, limits.rng.uniform(0, took))
        assert status in (None, 0), status
        tally.kills += status is None
        tally.ended += status == 0
        found = _origins(store, answers)
        assert set(found) <= {old, new}, (found, old, new)
        fresh = sum(o == new for o in found)
        state = "left all dates new" if fresh == DAYS else "left some dates new"
        tally.seen[state if fresh else "left all dates old"] += 1
        if at % 10 == 0:
            took = victims.seconds(words)
        else:
            finished(words)
        assert _origins(store, answers) == [new] * DAYS
        old = new
    tally.strays += strays(store) if store else 0
    return tally


def _origins(store: str, answers: list[pl.DataFrame]) -> list[int | None]:
    target = open_store(store)
    if target.version() is None:
        return [None] * DAYS
    return origins(target.read().collect(), answers)


def killed_files(folder: Path, limits: Limits) -> Tally:
    """Kill ``score`` to a file: it is the old one or the new one, bit by bit or row by row."""
    tally, out, took = Tally(), folder / "scored.parquet", 2.0
    sources, answers = _inputs(folder, 9_000)
    for at, victims in limits.rounds():
        before, new = out.read_bytes() if out.exists() else None, at % 2
        words = ["score", sources[new], "--out", str(out)]
        status = victims.status(words, limits.rng.uniform(0, took))
        assert status in (None, 0), status
        tally.kills += status is None
        tally.ended += status == 0
        after = out.read_bytes() if out.exists() else None
        if after == before:
            tally.seen["left the old file"] += 1
        else:
            assert origins(pl.read_parquet(out), answers) == [new] * DAYS
            tally.seen["left the new file"] += 1
        tally.strays += sum(f.suffix == ".tmp" for f in folder.iterdir())
        if at % 10 == 0:
            took = victims.seconds(words)
        else:
            finished(words)
        assert origins(pl.read_parquet(out), answers) == [new] * DAYS
    return tally


def killed_migrations(
    older: Callable[[], str],
    columns: Callable[[str], list[str]],
    held: Callable[[str], pl.DataFrame],
    limits: Limits,
) -> Tally:
    """Kill ``schema migrate``: a table has its old columns or all new ones, and its rows."""
    tally, took = Tally(), 0.0
    for _, victims in limits.rounds():
        store = older()
        words, before, rows = ["schema", "migrate", store], columns(store), held(store)
        if not took:
            took = victims.seconds(["schema", "migrate", older()])
        status = victims.status(words, limits.rng.uniform(0, took))
        assert status in (None, 0), status
        tally.kills += status is None
        tally.ended += status == 0
        left = columns(store)
        finished(words)
        after = columns(store)
        assert left in (before, after)
        assert set(before) < set(after)
        assert held(store).select(rows.columns).equals(rows)
        tally.seen["left the old schema" if left == before else "left the new schema"] += 1
    return tally


def _inputs(folder: Path, records: int) -> tuple[list[str], list[pl.DataFrame]]:
    rows, sources = versions(records), []
    for i, version in enumerate(rows):
        path = folder / f"input{records}-{i}.parquet"
        version.write_parquet(path)
        sources.append(str(path))
    return sources, [answer(r) for r in rows]


def delta_stores(folder: Path, limits: Limits) -> Tally:
    """Kill ``score`` and ``backfill`` into Delta tables."""
    return killed_stores(
        *_inputs(folder, 2400), lambda: str(folder / f"store-{uuid.uuid4().hex[:8]}"), _orphans,
        limits,
    )  # fmt: skip


def _orphans(store: str) -> int:
    """Files that the table does not name now nor named before."""
    folder = Path(store)
    if not DeltaTable.is_deltatable(store):
        return sum(f.is_file() for f in folder.rglob("*"))
    table = DeltaTable(store)
    named = set()
    for version in range(table.version() + 1):
        named |= {Path(u).name for u in DeltaTable(store, version=version).file_uris()}
    data = sum(f.is_file() and f.name not in named for f in folder.iterdir())
    return data + sum(f.suffix != ".json" for f in (folder / "_delta_log").iterdir())


def emulator_stores(folder: Path, dataset: str, limits: Limits) -> Tally:
    """Kill ``score`` and ``backfill`` into tables of the emulator."""

    def strays(store: str) -> int:
        name = store.rpartition(".")[2]
        return sum(t.startswith(f"{name}__fsq_staging") for t in warehouse.tables(dataset))

    return killed_stores(
        *_inputs(folder, 160), lambda: f"bigquery://{dataset}.t{uuid.uuid4().hex[:8]}", strays,
        limits,
    )  # fmt: skip


def delta_migrations(folder: Path, limits: Limits) -> Tally:
    """Kill migrations of legacy Delta tables."""
    rows = to_arrow(legacy(versions(200)[0]))

    def older() -> str:
        path = str(folder / f"older-{uuid.uuid4().hex[:8]}")
        write_deltalake(path, rows)
        return path

    return killed_migrations(
        older,
        lambda store: [f.name for f in DeltaTable(store).schema().fields],
        lambda store: open_store(store).read().collect(),
        limits,
    )  # fmt: skip


def emulator_migrations(dataset: str, limits: Limits) -> Tally:
    """Kill migrations of legacy tables of the emulator."""
    rows = warehouse.upstream_rows(versions(200)[0])
    return killed_migrations(
        lambda: warehouse.made(dataset, rows, migrated=False),
        lambda store: warehouse.held(store).columns,
        warehouse.held,
        limits,
    )  # fmt: skip
