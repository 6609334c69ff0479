"""How commands that read a store have memory handed out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fsq.cli import _memory

_FREE_AND_TAKE = """
import resource, numpy as np, sys
from fsq.cli._memory import keep_freed_memory
kept = keep_freed_memory()
for _ in range(3):
    np.ones(500_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    np.ones(500_000)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(**environment: str) -> tuple[bool, int]:
    done = subprocess.run(
        [sys.executable, "-c", _FREE_AND_TAKE],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )
    kept, pages = done.stdout.split()
    return kept == "True", int(pages)


@pytest.mark.skipif(not _memory.keep_freed_memory(), reason="memory is handed out by no glibc")
def test_what_is_freed_is_used_again() -> None:
    kept, pages = run()
    assert kept
    assert pages < 1_000  # each array has about a thousand


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_"])
def test_what_users_choose_stays(name: str) -> None:
    kept, _ = run(**{name: "1"} if name != "GLIBC_TUNABLES" else {name: "glibc.malloc.perturb=0"})
    assert not kept


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "_is_chosen", lambda _: False)
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not _memory.keep_freed_memory()
