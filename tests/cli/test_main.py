"""``python -m fsq`` is the command, exit status included."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fsq


@pytest.mark.parametrize(
    ("words", "status", "out"),
    [(["--version"], 0, f"fsq {fsq.__version__}\n"), (["nonsense"], 2, "")],
)
def test_python_m_fsq(words: list[str], status: int, out: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fsq", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (status, out)
