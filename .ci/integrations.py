"""Makes an environment for each tool that fsq plugs into: build/integrations/TOOL, with fsq in it.

These tools do not go together, so each has an environment of its own, with the versions of
``tests/integrations/requirements/TOOL.txt``. One whose versions have not changed is kept.

``--lock`` writes those files from the ``.in`` files beside them, with the newest versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/integrations"
REQUIREMENTS = ROOT / "tests/integrations/requirements"
# On the same disk, so that files are linked instead of copied; deleted in the end.
ENVIRONMENT = os.environ | {
    "UV_CACHE_DIR": str(PLACE / "cache"),
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_PROGRESS": "1",
}


def run(*command: str | Path) -> None:
    """Run a command in the checkout; its failure ends this program."""
    done = subprocess.run([*map(str, command)], cwd=ROOT, env=ENVIRONMENT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def find_uv() -> str:
    """The uv of this machine, else one of its own."""
    if found := shutil.which("uv"):
        return found
    own = PLACE / "uv/bin"
    if not (own / "uv").exists():
        run(sys.executable, "-m", "venv", own.parent)
        pip = (own / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--no-cache-dir", "--only-binary", ":all:", "uv>=0.9,<1")
    return str(own / "uv")


def make(uv: str, tool: str) -> None:
    """Make one environment, unless it is there with these versions."""
    lock, home = REQUIREMENTS / f"{tool}.txt", PLACE / tool
    made = home / "made.txt"  # written last
    text = lock.read_text("utf-8") + (ROOT / "pyproject.toml").read_text("utf-8")
    if made.exists() and made.read_text("utf-8") == text:
        return
    began = time.monotonic()
    python = home / "bin/python"
    run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, home)
    run(uv, "pip", "install", "--quiet", "--python", python, "--requirement", lock)
    run(uv, "pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", ".")
    made.write_text(text, "utf-8")
    print(f"{tool}: made in {time.monotonic() - began:.0f} s", flush=True)


def write_lock(uv: str, tool: str) -> None:
    """Write the newest versions of a tool that go with fsq's own requirements."""
    names = REQUIREMENTS / f"{tool}.in"
    lock = names.with_suffix(".txt")
    command = (uv, "pip", "compile", "--quiet", "--upgrade", "--universal", "--no-annotate")
    header = ("--custom-compile-command", "python .ci/integrations.py --lock")
    python = ("--python-version", "3.11")
    run(*command, *header, *python, "--output-file", lock, names, "pyproject.toml")


def main(words: list[str]) -> None:
    """Make or lock the environments of these tools, or of all."""
    work = write_lock if "--lock" in words else make
    tools = [w for w in words if not w.startswith("-")]
    PLACE.mkdir(parents=True, exist_ok=True)
    uv = find_uv()
    try:
        for tool in tools or sorted(p.stem for p in REQUIREMENTS.glob("*.in")):
            work(uv, tool)
    finally:
        shutil.rmtree(PLACE / "cache", ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
