"""Processes that were forked too late: a fork copies the memory of threads, but not the threads.

The child would wait for them forever, so fsq raises an error that says what to do. A fork before
the first use is fine, and so is importing fsq before it.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from fsq.errors import FsqError

# Threads of Polars, and of the runtime that delta-rs and Polars read files with.
_WORKERS = re.compile(r"polars-\d|tokio-rt|async-exec")
_TASKS = Path("/proc/self/task")
# Seconds for which Polars may need to add up a few numbers, on a machine with much else to do.
PATIENCE = 20.0


@dataclass
class _State:
    """What this process knows about itself."""

    was_used: bool = False
    had_threads: bool = False
    is_broken: bool = False
    is_doubtful: bool = False  # Polars was there before fsq, but none of its threads


_state = _State()


def require_whole_process() -> None:
    """Refuse to work in a process that was forked from one that had started threads.

    Raises:
        FsqError: it was; the message says how to start processes instead.
    """
    if _state.is_doubtful:
        _state.is_doubtful, _state.is_broken = False, not _can_compute()
    if _state.is_broken:
        raise FsqError(
            f"process {os.getpid()} was forked after fsq, Polars or Delta Lake had been used in "
            "its parent; their threads do not exist here, so it would hang. Start processes "
            'with multiprocessing.get_context("spawn"), or use fsq only after the fork (in '
            "gunicorn without --preload; in Airflow inside the task); importing it before is fine"
        )
    _state.was_used = True


def _can_compute() -> bool:
    """Whether Polars still works; it waits for ever if it had been used before a fork."""
    import polars as pl  # loaded long ago

    done = threading.Event()

    def compute() -> None:
        numbers = pl.DataFrame({"a": range(100)})
        numbers.sort("a", descending=True)
        numbers.lazy().group_by("a").len().collect(engine="in-memory")
        numbers.lazy().group_by("a").len().collect(engine="streaming")
        done.set()

    threading.Thread(target=compute, daemon=True).start()
    return done.wait(PATIENCE)


def _has_no_thread_of_polars() -> bool:
    if not _TASKS.is_dir():
        return True
    names = [path.read_text() for path in _TASKS.glob("*/comm")]
    return not any(name.startswith("polars") for name in names)


def _look_for_threads() -> None:
    if not _TASKS.is_dir():  # only Linux lists threads
        _state.had_threads = _state.was_used
        return
    try:
        names = [path.read_text() for path in _TASKS.glob("*/comm")]
    except OSError:  # a thread that ended meanwhile
        names = []
        _state.had_threads = _state.was_used
    _state.had_threads = _state.had_threads or any(map(_WORKERS.match, names))


def _mark_child() -> None:
    _state.is_broken = _state.is_broken or _state.had_threads


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_look_for_threads, after_in_child=_mark_child)
    # A fork before the import of fsq was not seen; whoever imported Polars has a thread of it.
    _state.is_doubtful = "polars" in sys.modules and _has_no_thread_of_polars()
