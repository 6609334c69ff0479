"""Commands of a single commit, killed: a file, and migrations; all of it is there or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from fsq.schema.arrow import to_arrow
from fsq.stores import open_store
from tests.soak.victims import Limits, Tally, finished
from tests.soak.whole import DAYS, answer, origins, versions
from tests.support import warehouse
from tests.support.frames import legacy


def killed_files(folder: Path, limits: Limits) -> Tally:
    """Kill ``score`` to a file: it is the old one or the new one, bit by bit or row by row."""
    tally, out = Tally(), folder / "scored.parquet"
    rows = versions(9_000)
    sources, answers = [folder / f"file{i}.parquet" for i in range(2)], [answer(r) for r in rows]
    for version, source in zip(rows, sources, strict=True):
        version.write_parquet(source)
    for at, victims in limits.rounds(tally):
        if at % 6 == 0:
            out.unlink(missing_ok=True)
        before, new = out.read_bytes() if out.exists() else None, at % 2
        words = ["score", str(sources[new]), "--out", str(out)]
        status = victims.ended("file", words)
        after = out.read_bytes() if out.exists() else None
        if after != before:
            assert origins(pl.read_parquet(out), answers) == [new] * DAYS
        if status is None:
            tally.killed(int(after != before), 1)
        finished(words)
        assert origins(pl.read_parquet(out), answers) == [new] * DAYS
    tally.strays += sum(f.suffix == ".tmp" for f in folder.iterdir())
    return tally


def killed_migrations(
    older: Callable[[], str],
    columns: Callable[[str], list[str]],
    held: Callable[[str], pl.DataFrame],
    limits: Limits,
) -> Tally:
    """Kill ``schema migrate``: a table has its old columns or all new ones, and its rows."""
    tally, undisturbed = Tally(), older()
    finished(["schema", "migrate", undisturbed])
    wanted = columns(undisturbed)
    for _, victims in limits.rounds(tally):
        store = older()
        words, before, rows = ["schema", "migrate", store], columns(store), held(store)
        status = victims.ended("migration", words)
        left = columns(store)
        assert left in (before, wanted), left
        assert held(store).select(rows.columns).equals(rows)
        if status is None:
            tally.killed(int(left == wanted), 1)
        finished(words)
        assert columns(store) == wanted
        assert held(store).select(rows.columns).equals(rows)
    return tally


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
    )


def emulator_migrations(dataset: str, limits: Limits) -> Tally:
    """Kill migrations of legacy tables of the emulator."""
    rows = warehouse.upstream_rows(versions(200)[0])
    return killed_migrations(
        lambda: warehouse.made(dataset, rows, migrated=False),
        lambda store: warehouse.held(store).columns,
        warehouse.held,
        limits,
    )
