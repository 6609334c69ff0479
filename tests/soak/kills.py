"""Runs into stores, killed: every date stays whole, and the same command finishes the job."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

import fsq
from fsq.backfilling.plan import Step, group_steps
from fsq.errors import StoreError
from fsq.schema.arrow import to_arrow
from fsq.stores import LedgerEntry, migrate, open_store
from tests.soak.victims import Limits, Tally, finished
from tests.soak.whole import DAYS, STAMP, answer, origins, versions
from tests.support import warehouse
from tests.support.frames import legacy
from tests.support.v2 import COLUMN_NAMES

CONTRACTS = ("v2_33features", "v2_33features_capped")


@dataclass(frozen=True)
class Scene:
    """What is killed, and how one sees what it left.

    Args:
        words: the command that brings a store to a version, 0 or 1.
        answers: what a store must hold of each version.
        new: makes a store that holds no version yet; its URI.
        state: which version each date of a store is; None for none.
        commit_rows: how many rows a commit takes, by turns.
        rounds: how many rounds one store serves.
        strays: counts what killed runs left around a store.
        meanwhile: what another process does to the store at some moment.
    """

    words: Callable[[str, int], list[str]]
    answers: Sequence[pl.DataFrame]
    new: Callable[[], str]
    state: Callable[[str], list[int | None]]
    commit_rows: Sequence[int]
    rounds: int = 6
    strays: Callable[[str], int] = lambda store: 0
    meanwhile: Callable[[str], object] | None = None


def killed(scene: Scene, limits: Limits) -> Tally:
    """Kill the scene's command again and again; each time look, finish, and compare.

    Raises:
        AssertionError: a date is mixed or lost, a commit is there in part, or what the store
            holds or remembers in the end is not what an undisturbed run leaves.
    """
    tally, store, old = Tally(), "", None
    remembered = [_undisturbed(scene, new) for new in range(len(scene.answers))]
    for at, victims in limits.rounds(tally):
        if at % scene.rounds == 0:
            tally.strays += scene.strays(store) if store else 0
            store, old = scene.new(), None
        new = at % len(scene.answers)
        rows = scene.commit_rows[at // 2 % len(scene.commit_rows)]
        words = [*scene.words(store, new), "--commit-rows", str(rows)]
        meanwhile = scene.meanwhile
        status = victims.ended(
            f"{rows} rows", words, meanwhile and (lambda m=meanwhile, s=store: m(s))
        )
        found, commits = scene.state(store), _commits(scene.answers[new], rows)
        done = _done(found, commits, old, new)
        if status is None:
            tally.killed(done, len(commits))
        assert status != 0 or done == len(commits)
        finished(words)
        assert scene.state(store) == [new] * DAYS
        assert open_store(store).ledger() == remembered[new]
        old = new
    tally.strays += scene.strays(store) if store else 0
    return tally


def _undisturbed(scene: Scene, new: int) -> object:
    """What a store remembers after the command ran to its end."""
    store = scene.new()
    finished(scene.words(store, new))
    assert scene.state(store) == [new] * DAYS
    return open_store(store).ledger()


def _commits(rows: pl.DataFrame, most: int) -> list[int]:
    """How many dates each commit of a run takes."""
    days = rows.group_by("game_date").len().sort("game_date")
    steps = [
        Step(day, count, "new", LedgerEntry("", "", "", count)) for day, count in days.iter_rows()
    ]
    return [len(group) for group in group_steps(steps, most)]


def _done(found: list[int | None], commits: list[int], old: int | None, new: int) -> int:
    """How many commits are there: the first so many, and each as a whole."""
    assert set(found) <= {old, new}, (found, old, new)
    fresh, done = sum(state == new for state in found), 0
    assert [state == new for state in found] == [True] * fresh + [False] * (DAYS - fresh)
    while done < len(commits) and sum(commits[: done + 1]) <= fresh:
        done += 1
    assert sum(commits[:done]) == fresh, f"a part of a commit is there: {found}, {commits}"
    return done


def _inputs(folder: Path, records: int) -> tuple[list[str], list[pl.DataFrame]]:
    rows, sources = versions(records), []
    for i, version in enumerate(rows):
        path = folder / f"input{records}-{i}.parquet"
        version.write_parquet(path)
        sources.append(str(path))
    return sources, [answer(r) for r in rows]


def _state(answers: list[pl.DataFrame]) -> Callable[[str], list[int | None]]:
    def state(store: str) -> list[int | None]:
        target = open_store(store)
        if target.version() is None:
            return [None] * DAYS
        return origins(target.read().collect(), answers)

    return state


def into_delta(folder: Path, command: str, limits: Limits) -> Tally:
    """Kill ``score`` or ``backfill`` into Delta tables, by turns from two inputs."""
    sources, answers = _inputs(folder, 2400)
    return killed(
        Scene(
            words=lambda store, new: _command(command, sources[new], store),
            answers=answers,
            new=lambda: str(folder / f"store-{uuid.uuid4().hex[:8]}"),
            state=_state(answers),
            commit_rows=[1, 600],
            strays=_orphans,
        ),
        limits,
    )


def into_bucket(folder: Path, bucket: str, limits: Limits) -> Tally:
    """Kill backfills into Delta tables in an object store, by turns from two inputs."""
    sources, answers = _inputs(folder, 400)
    return killed(
        Scene(
            words=lambda store, new: _command("backfill", sources[new], store),
            answers=answers,
            new=lambda: f"{bucket}/killed-{uuid.uuid4().hex[:8]}",
            state=_state(answers),
            commit_rows=[1, 100],
        ),
        limits,
    )


def _command(command: str, source: str, store: str) -> list[str]:
    if command == "score":
        return ["score", source, "--out", store]
    return ["backfill", "--source", source, "--store", store]


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


def in_place_in_delta(folder: Path, limits: Limits) -> Tally:
    """Kill backfills of legacy Delta tables in place, that another process migrates meanwhile."""
    rows = legacy(versions(2400)[0])
    answers = [answer(rows)]

    def older() -> str:
        path = str(folder / f"legacy-{uuid.uuid4().hex[:8]}")
        write_deltalake(path, to_arrow(rows))
        return path

    def migrating(store: str) -> None:
        try:
            migrate(store)
        except StoreError as error:
            assert "run it again" in str(error)  # noqa: PT017 - others may win

    return killed(
        Scene(
            words=lambda store, new: ["backfill", "--source", store, "--store", store],
            answers=answers,
            new=older,
            state=lambda store: _in_place(store, rows, answers),
            commit_rows=[1, 600],
            rounds=1,
            strays=_orphans,
            meanwhile=migrating,
        ),
        limits,
    )


def _in_place(store: str, rows: pl.DataFrame, answers: list[pl.DataFrame]) -> list[int | None]:
    """The same of a table with upstream's own columns, which must be as they were."""
    found = open_store(store).read().collect()
    own = found.select(rows.columns).sort("game_date", "player_lookup")
    assert own.equals(rows.sort("game_date", "player_lookup"))
    if STAMP not in found.columns:
        return [None] * len(_commits(rows, 1))
    untouched = found.filter(pl.col(STAMP).is_null())
    for name in COLUMN_NAMES:
        empty = pl.col(name).is_null()
        if isinstance(found.schema[name], pl.List):
            empty |= pl.col(name).list.len() == 0  # as BigQuery reads an array back
        assert name in rows.columns or untouched.select(empty.all()).item(), name
    scored = found.filter(pl.col(STAMP).is_not_null())
    assert not {*untouched["game_date"]} & {*scored["game_date"]}
    return origins(scored, answers)


def into_emulator(folder: Path, dataset: str, limits: Limits) -> Tally:
    """Kill backfills into new tables of the emulator, by turns from two inputs."""
    sources, answers = _inputs(folder, 160)
    return killed(
        Scene(
            words=lambda store, new: _command("backfill", sources[new], store),
            answers=answers,
            new=lambda: f"bigquery://{dataset}.t{uuid.uuid4().hex[:8]}",
            state=_state(answers),
            commit_rows=[40],
            strays=lambda store: _staging(dataset, store),
        ),
        limits,
    )


def in_place_in_emulator(dataset: str, limits: Limits) -> Tally:
    """Kill backfills of upstream's tables in place, by turns with two contracts."""
    rows = warehouse.upstream_rows(versions(160)[0])
    scored = (fsq.score(rows, contract=c) for c in CONTRACTS)
    answers = [
        a.select("player_lookup", "game_date", *COLUMN_NAMES)
        .drop(STAMP)
        .sort("game_date", "player_lookup")
        for a in scored
    ]

    def words(store: str, new: int) -> list[str]:
        return [
            *_command("backfill", store, store),
            "--contract",
            CONTRACTS[new],
            "--change-contract",
        ]

    return killed(
        Scene(
            words=words,
            answers=answers,
            new=lambda: warehouse.made(dataset, rows),
            state=lambda store: _in_place(store, rows, answers),
            commit_rows=[40],
            strays=lambda store: _staging(dataset, store),
        ),
        limits,
    )


def _staging(dataset: str, store: str) -> int:
    """Staging tables that wait for the day that they expire."""
    name = store.rpartition(".")[2]
    return sum(
        t.startswith("_fsq_staging_") and t.endswith(f"__{name}") for t in warehouse.tables(dataset)
    )
