"""Killing parts of a running Spark, and drivers that kill themselves at a chosen moment."""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

import fsq
from fsq.backfilling import Progress

MASTER = "local-cluster[2,1,2048]"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = ["game_date", "player_lookup"]
WITHOUT = (
    None
    if shutil.which("java") or os.environ.get("JAVA_HOME")
    else "Spark needs Java 17, and none is here"
)


def table(store: str) -> pl.DataFrame:
    """What a Delta store holds, in order of its keys."""
    return fsq.open_store(store).read().sort(KEYS).collect()


def descendants(pid: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if after_name[0] != "Z":
            parents.setdefault(int(after_name[1]), []).append(int(path.parent.name))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            found[child] = words
            waiting.append(child)
    return found


def executors() -> list[int]:
    """Spark's executors below this process."""
    below = descendants(os.getpid())
    return [p for p, words in below.items() if "CoarseGrainedExecutorBackend" in words]


def workers() -> list[int]:
    """The Python workers of the executors below this process: children of their daemons."""
    below = descendants(os.getpid())
    daemons = [p for p, words in below.items() if "pyspark.daemon" in words]
    return [child for d in daemons for child in descendants(d)]


class Killer:
    """Kills one of some processes once tasks are at work; pass ``progress`` to the backfill."""

    def __init__(self, victims: Callable[[], list[int]], delay: float) -> None:
        self.killed = 0
        self.landed = False  # before the last task was done
        self._victims, self._delay = victims, delay
        self._began, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def progress(self, now: Progress) -> None:
        (self._over if now.rows == now.total_rows else self._began).set()

    def _run(self) -> None:
        self._began.wait(120)
        time.sleep(self._delay)
        for pid in self._victims()[:1]:
            self.landed = not self._over.is_set()
            os.kill(pid, signal.SIGKILL)
            self.killed = pid

    def wait(self) -> None:
        self._thread.join(180)


def driver(
    master: str, source: str, store: str, run_id: str, die: str, patience: float = 300
) -> int:
    """Run a backfill in a process of its own, which kills itself; its exit status.

    Raises:
        AssertionError: it took more than ``patience`` seconds; says what its threads were doing.
    """
    words = [sys.executable, "-m", "tests.support.spark", master, source, store, run_id, die]
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(words, start_new_session=True, stdout=said, stderr=said)
        try:
            return child.wait(patience)
        except subprocess.TimeoutExpired:
            _ask_for_threads(child.pid)
            said.seek(0)
            raise AssertionError(f"{patience:.0f} s were not enough:\n{said.read()}") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # its JVM, of the same group, goes with it


def _ask_for_threads(pid: int) -> None:
    """Make a driver and its JVM print what each of their threads is doing."""
    os.kill(pid, signal.SIGUSR1)
    for child, words in descendants(pid).items():
        if words.partition(" ")[0].endswith("java"):
            os.kill(child, signal.SIGQUIT)
    time.sleep(5)


def _suicide() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _main() -> None:
    """A driver that dies: before its commit, after it, or so many seconds after tasks began."""
    import fsq.spark
    from fsq.stores import BatchWrite, open_batch_write

    faulthandler.register(signal.SIGUSR1)
    master, source, store, run_id, die = sys.argv[1:]
    opened = open_batch_write

    def dying(*given: object) -> BatchWrite:
        way = opened(*given)  # type: ignore[arg-type]
        commit = way.commit

        def commit_and_die(*given: object) -> None:
            if die == "after":
                commit(*given)  # type: ignore[arg-type]
            _suicide()

        if die in ("before", "after"):
            way.commit = commit_and_die  # type: ignore
        return way

    fsq.spark.open_batch_write = dying  # type: ignore
    timer = threading.Timer(float(die) if die[0].isdigit() else 1e6, _suicide)
    timer.daemon = True

    def began(now: Progress) -> None:
        if not timer.is_alive():
            timer.start()

    with fsq.spark.session(master) as spark:
        fsq.spark.backfill(
            spark, source, store, now=NOW, run_id=run_id, chunk_rows=20, progress=began
        )


if __name__ == "__main__":
    _main()
