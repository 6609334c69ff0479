"""Processes that were forked too late: a fork copies the memory of threads, but not the threads.

The child would wait for them forever, so fsq raises an error that says what to do. A fork before
the first use is fine, and so is importing fsq before it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from fsq.errors import FsqError

# Threads of Polars, and of the runtime that delta-rs and Polars read files with.
_WORKERS = re.compile(r"polars-\d|tokio-rt|async-exec")
_TASKS = Path("/proc/self/task")


@dataclass
class _State:
    """What this process knows about itself."""

    was_used: bool = False
    had_threads: bool = False
    is_broken: bool = False


_state = _State()


def require_whole_process() -> None:
    """Refuse to work in a process that was forked from one that had started threads.

    Raises:
        FsqError: it was; the message says how to start processes instead.
    """
    if _state.is_broken:
        raise FsqError(
            f"process {os.getpid()} was forked after fsq, Polars or Delta Lake had been used in "
            "its parent; their threads do not exist here, so it would hang. Start processes "
            'with multiprocessing.get_context("spawn"), or use fsq only after the fork (in '
            "gunicorn without --preload; in Airflow inside the task); importing it before is fine"
        )
    _state.was_used = True


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
