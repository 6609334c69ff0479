"""A process whose wall clock jumps, and no other clock."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")
WITHOUT = (
    None
    if sys.platform == "linux" and shutil.which("cc")
    else "a clock is moved by a library, on Linux with a C compiler"
)
# Defines ``jump``, which moves the clock of the process by so many days.
_JUMP = """
import os, struct
def jump(days):
    with open(os.environ["FSQ_TEST_CLOCK"], "r+b") as file:
        file.write(struct.pack("l", days * 86400))
"""


def run_with_jumps(folder: Path, code: str, *words: str, days: int = 0) -> str:
    """Run code in which ``jump(days)`` moves the clock; what it prints.

    Args:
        folder: for the library.
        code: Python, with ``words`` in ``sys.argv``.
        words: for the code.
        days: by how much the clock is wrong from the start.
    """
    library, moved = folder / "clock.so", folder / "clock"
    if not library.exists():
        build = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(build, check=True)
    moved.write_bytes(struct.pack("l", days * 86400))
    preload = {"LD_PRELOAD": str(library), "FSQ_TEST_CLOCK": str(moved)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _JUMP + code, *words],
        env=os.environ | preload, stdout=subprocess.PIPE, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0
    return done.stdout
