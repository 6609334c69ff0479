"""Commands as a page shows them: what they print, and with which status they exit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Shown(NamedTuple):
    """A command of a page.

    Attributes:
        line: as it stands there.
        status: with which it is to exit, by its comment; 0 without one.
        output: the parts that are shown of what it prints.
    """

    line: str
    status: int
    output: list[str]


def find_commands(text: str, name: str = "fsq") -> list[Shown]:
    """The commands of a page's console blocks that begin with a name, in order."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [shown for block in blocks for shown in _split(block) if shown.line.startswith(name)]


def _split(block: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        while line.endswith("\\"):
            more, _, output = output.partition("\n")
            line = f"{line}\n{more}"
        status = re.search(r"# exits with status (\d)", line)
        parts = [p.strip("\n") for p in re.split(r"^…$", output, flags=re.MULTILINE)]
        yield Shown(line, int(status[1]) if status else 0, [p for p in parts if p])


def run_shown(shown: Shown, folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a command in a folder; it prints what the page shows, and exits as the page says."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        shown.line,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path, **(environment or {})},
        capture_output=True,
        text=True,
    )
    told = done.stdout + done.stderr
    assert done.returncode == shown.status, (shown.line, told)
    for part in shown.output:
        assert part in told, (shown.line, part, told)
