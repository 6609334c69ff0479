"""Commands in processes of their own, killed at moments drawn evenly from their whole duration."""

from __future__ import annotations

import io
import itertools
import multiprocessing as mp
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from fsq.cli import main
from fsq.stores.objects.uri import PREFIXES
from tests.support.frames import wide

# Children are forked by a server that has loaded what takes long to load, so that one costs
# little. It has not loaded fsq, which makes Polars start threads that a fork would lose.
_SERVER = mp.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "numpy",
        "pyarrow.parquet",
        "pydantic",
        "typer",
        "rich.progress",
        "deltalake",
        "polars",
        "google.cloud.bigquery",
        "google.cloud.bigquery_storage_v1",
        "grpc",
        "apprise",
        "requests",
    ]
)
# A duration is measured anew after so many commands, since the machine has other work too.
_MEASURED = 8
_STAGES = ("before the first commit", "between commits", "within the last", "after the last")


@dataclass
class Tally:
    """What a series of kills came to."""

    kills: int = 0
    late: int = 0  # the command was done before its kill came
    told: int = 0  # it ended by itself with status 3, since another one changed the table
    strays: int = 0
    repeats: int = 0  # people were notified again of what they had heard
    moments: Counter[tuple[int, int]] = field(default_factory=Counter)  # commits done, of how many

    def killed(self, done: int, of: int) -> None:
        """Note how many of a killed command's commits were there."""
        self.kills += 1
        self.moments[done, of] += 1

    def stages(self) -> Counter[str]:
        """How many kills came at which stage of the work."""
        out: Counter[str] = Counter()
        for (done, of), count in self.moments.items():
            at = 0 if done == 0 else 3 if done == of else 2 if done == of - 1 else 1
            out[_STAGES[at]] += count
        return out

    def __str__(self) -> str:
        stages = self.stages()
        lines = [
            f"{self.kills} kills, every date whole; {self.strays} strays; "
            f"{self.told} gave way to another writer"
        ]
        lines += [
            f"    {s:26}{stages[s]:5} {'#' * round(40 * stages[s] / max(1, self.kills))}"
            for s in _STAGES
        ]
        lines.append(f"    {'already finished':26}{self.late:5} (not counted)")
        if self.repeats:
            lines.append(f"    {'notified again':26}{self.repeats:5}")
        exact = ", ".join(f"{d} of {n}: {c}" for (d, n), c in sorted(self.moments.items()))
        return "\n".join([*lines, f"    commits done: {exact}"])


@dataclass(frozen=True)
class Limits:
    """How many kills that count, and how long at most; ``rng`` is of the moments."""

    kills: int
    seconds: float
    rng: random.Random = field(default_factory=random.Random)

    def rounds(self, tally: Tally) -> Iterator[tuple[int, Victims]]:
        """The rounds, numbered, with the commands to kill in them; until one kill at least."""
        until, victims = time.monotonic() + self.seconds, Victims(self.rng, tally)
        try:
            for at in itertools.count():
                late = time.monotonic() > until
                if tally.kills >= self.kills or (late and (tally.kills or at > 20)):
                    return
                yield at, victims
        finally:
            victims.close()


def servers() -> dict[str, str]:
    """The variables of this process by which another one finds the servers of the tests."""
    prefixes = ("BIGQUERY_", "PATH", *PREFIXES)
    return {k: v for k, v in os.environ.items() if k.startswith(prefixes)}


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
    """Commands to kill; the next one's process loads its modules while what is left is checked."""

    def __init__(self, rng: random.Random, tally: Tally) -> None:
        self._rng, self._tally = rng, tally
        self._next = self._loading()
        self._took: dict[str, float] = {}
        self._due: Counter[str] = Counter()

    def _loading(self) -> tuple[ForkServerProcess, Connection]:
        hear, say = _SERVER.Pipe()
        child = _SERVER.Process(target=_work, args=(hear,), daemon=True)
        child.start()
        hear.close()
        return child, say

    def ended(
        self,
        kind: str,
        words: list[str],
        meanwhile: Callable[[], object] | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> int | None:
        """The exit status of a command; None for one that was killed in the midst of its work.

        The first command of a kind runs undisturbed, and now and then another one: so it is
        known how long they take.

        Args:
            kind: commands of one kind take the same time.
            words: the command.
            meanwhile: to be done at some moment before the kill.
            fine: with which exit statuses it may end by itself.
        """
        self._due[kind] -= 1
        measured = self._due[kind] < 0
        seconds = 120.0 if measured else self._rng.uniform(0, 1.05 * self._took[kind])
        other = None
        if meanwhile and not measured:
            other = threading.Timer(self._rng.uniform(0, seconds), meanwhile)
            other.start()
        status, took = self._status(words, seconds)
        if other:
            other.join()
        allowed = (None, *fine, 3) if other else (None, *fine)
        assert status in allowed, f"{words} ended with {status}"
        if measured:
            self._due[kind] = _MEASURED
        elif status is not None:
            self._tally.late += status in fine
            self._tally.told += status == 3
        if status in fine:
            self._took[kind] = took
        return status

    def _status(self, words: list[str], seconds: float) -> tuple[int | None, float]:
        """A command's exit status, None if it was killed after so many seconds; and its time."""
        child, say = self._next
        assert say.recv() == "loaded"
        began = time.perf_counter()
        say.send((servers(), words))
        child.join(seconds)
        child.kill()  # SIGKILL; nothing for one that has ended
        child.join()
        took, status = time.perf_counter() - began, child.exitcode
        child.close()
        say.close()
        self._next = self._loading()
        return (None if status == -signal.SIGKILL else status), took

    def close(self) -> None:
        """End the one that waits."""
        child, say = self._next
        child.kill()
        child.join()
        child.close()
        say.close()


def finished(words: list[str], fine: tuple[int, ...] = (0,)) -> None:
    """The same command, undisturbed, in this process."""
    with redirect_stdout(io.StringIO()):
        status = main(words)
    assert status in fine, f"{words} ended with {status}"
