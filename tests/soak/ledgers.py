"""Commands that write the ledger of incidents, killed: it is whole, and ends up the same."""

from __future__ import annotations

import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

import fsq
from fsq.incidents import read_incidents
from fsq.stores import open_store
from tests.soak.victims import Limits, Tally, finished
from tests.soak.whole import answer, origins
from tests.support.faults import FACTORS, ZONES, before, fall_back
from tests.support.healthy_days import LAST, make_days
from tests.support.receiver import Receiver, receive

# What one can tell of an incident that does not depend on the clock or on how often it was tried.
Told = list[tuple[str, str, tuple[object, ...]]]
# The first line on an incident in a notification.
_HEAD = re.compile(r"^([A-Z]+(?: WORSE)?) \[.*\((\S+)\)$", re.MULTILINE)
# Stands for a scheduler: the job makes healthy rows the source's, all at once.
_JOB = """#!{python}
import os, shutil
shutil.copy({healthy!r}, {source!r} + str(os.getpid()))
os.replace({source!r} + str(os.getpid()), {source!r})
"""


def tell(store: str) -> Told:
    """What the ledger says; reading it is a test, too."""
    incidents = read_incidents(open_store(store))
    assert len({i.id for i in incidents}) == len(incidents), incidents
    return [(i.id, i.state, i.dates) for i in incidents]


def damaged(*days: int) -> pl.DataFrame:
    """Healthy rows, and so many dates before the last one some that fell back to defaults."""
    rows = make_days(10, 60, seed=2)
    for at in days:
        rows = fall_back(rows, [before(at)], 1.0, FACTORS if at % 2 else ZONES)
    return rows


def recorded(new: Callable[[], str], limits: Limits) -> Tally:
    """Kill ``check --notify``, which notes that one fault is gone, and that another is there.

    Args:
        new: returns the URI of a store that does not exist yet.
        limits: how many kills.

    Raises:
        AssertionError: the ledger lost an incident, has one twice, or cannot be read; or nobody was
            notified of a change.
    """
    with receive() as receiver:
        return _killed_checks(new, receiver, limits)


def _killed_checks(new: Callable[[], str], receiver: Receiver, limits: Limits) -> Tally:
    earlier, later = fsq.score(damaged(1, 2)), fsq.score(damaged(0, 2))

    def older() -> str:
        store = open_store(new())
        store.replace(earlier)
        for day in (before(2), before(1)):
            finished([*check, str(day), "--store", store.uri], (1,))
        store.replace(later)
        receiver.got.clear()
        return store.uri

    check = ["check", "--record", "--date"]
    notify = ["--notify", f"json://{receiver.host}/"]
    tally, undisturbed = Tally(), older()
    states = [tell(undisturbed)]
    finished([*check, str(LAST), "--store", undisturbed, *notify], (1,))
    states.append(tell(undisturbed))
    assert [state for _, state, _ in states[1]] == ["resolved", "resolved", "open"], states
    changes = {what for what, _ in _told(receiver)}
    assert changes == {"OPENED", "RESOLVED"}
    told = set(_told(receiver))
    # The earlier fault is closed first, then the new one is opened.
    states.insert(1, states[1][:2])
    for _, victims in limits.rounds(tally):
        store = older()
        words = [*check, str(LAST), "--store", store, *notify]
        status = victims.ended("check", words, fine=(1,))
        found = tell(store)
        assert found in states, (found, states)
        if status is None:
            tally.killed(states.index(found), 2)
        finished(words, (1,))
        assert tell(store) == states[-1]
        assert set(_told(receiver)) == told, (receiver.got, told)
        assert not any(i.owed for i in read_incidents(open_store(store)))
        tally.repeats += len(_told(receiver)) - len(told)
    return tally


def _told(receiver: Receiver) -> list[tuple[str, str]]:
    """What somebody was notified of, each time: what happened, and the incident's id."""
    found = (_HEAD.findall(str(message["message"])) for message in receiver.got)
    return [head for heads in found for head in heads]


@dataclass(frozen=True)
class _Place:
    """A damaged store, its source, and the job that can repair the source."""

    store: str
    source: Path
    healthy: Path

    def is_repaired(self, answers: list[pl.DataFrame]) -> bool:
        """Whether the last date is healthy; every date is whole."""
        found = origins(open_store(self.store).read().collect(), answers)
        assert None not in found
        assert found[:-1] == [0] * (len(found) - 1)
        return found[-1] == 1


def repaired(folder: Path, limits: Limits) -> Tally:
    """Kill ``repair``, whose job mends the source and whose backfill scores it again.

    What it started when it was killed goes on, beside the run that repairs what is left.

    Raises:
        AssertionError: a date is mixed, or rows, ledgers or incidents differ in the end.
    """
    answers = [answer(rows) for rows in (damaged(0), damaged())]
    commands = folder / "bin"
    commands.mkdir()
    place = _Place(str(folder / "repaired"), folder / "source.parquet", folder / "healthy.parquet")
    damaged().write_parquet(place.healthy)
    script = commands / "run-processor"
    script.write_text(
        _JOB.format(python=sys.executable, healthy=str(place.healthy), source=str(place.source))
    )
    script.chmod(0o755)
    path, os.environ["PATH"] = os.environ["PATH"], f"{commands}{os.pathsep}{os.environ['PATH']}"
    try:
        return _killed_repairs(place, answers, limits)
    finally:
        os.environ["PATH"] = path


def _killed_repairs(place: _Place, answers: list[pl.DataFrame], limits: Limits) -> Tally:
    words = ["repair", "--yes", "--date", str(LAST), "--store", place.store]
    kept = f"{place.store}-{uuid.uuid4().hex[:8]}"

    def spoil() -> None:
        damaged(0).write_parquet(place.source)
        shutil.rmtree(place.store, ignore_errors=True)
        shutil.copytree(kept, place.store)

    damaged(0).write_parquet(place.source)
    finished(["backfill", "--source", str(place.source), "--store", place.store])
    shutil.copytree(place.store, kept)
    finished(words)
    undisturbed, ledger = tell(place.store), open_store(place.store).ledger()
    assert [state for _, state, _ in undisturbed] == ["resolved"]
    tally = Tally()
    for _, victims in limits.rounds(tally):
        spoil()
        status = victims.ended("repair", words)
        told = tell(place.store)
        done = bool(told) + place.is_repaired(answers) + (told == undisturbed)
        if status is None:
            tally.killed(done, 3)
        finished(words)
        assert place.is_repaired(answers)
        assert tell(place.store) in (undisturbed, [])
        assert open_store(place.store).ledger() == ledger
    return tally
