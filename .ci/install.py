"""Makes .venv with fsq, editable, and the extras that are named; everything stays in the checkout.

The versions are those of uv.lock. uv comes from the package index; where it cannot be had, pip
installs the same versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
# uv's cache: on the same disk, so that files are linked instead of copied; deleted in the end.
CACHE = ROOT / "build/uv-cache"
PIP = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
       "--no-cache-dir"]  # fmt: skip


def say(text: str) -> None:
    """Print a line at once, though the output be a file."""
    print(text, flush=True)


def make_environment() -> None:
    """Make .venv with the Python that runs this."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells a user of an older one
        sys.exit(
            f"fsq needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}"
        )
    if not PYTHON.exists():
        say(f"Making .venv with Python {sys.version.split()[0]}")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)


def find_uv() -> str | None:
    """The uv of this machine, else one in .venv; None if there is none to be had."""
    if found := shutil.which("uv"):
        return found
    own = VENV / "bin/uv"
    if not own.exists():
        say("Getting uv, which installs the rest")
        got = subprocess.run([*PIP, "--only-binary", ":all:", "uv>=0.9,<1"], check=False)
        if got.returncode:
            return None
    return str(own)


def install_with_uv(uv: str, extras: list[str]) -> bool:
    """Install what uv.lock says; whether it worked."""
    words = [w for extra in extras for w in ("--extra", extra)]
    environment = os.environ | {
        "UV_CACHE_DIR": str(CACHE),
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "" if sys.stderr.isatty() else "1",
    }
    environment.pop("VIRTUAL_ENV", None)
    # --inexact keeps what is there: another target, or a person, installed it.
    command = [uv, "sync", "--inexact", "--quiet", "--python", str(PYTHON), *words]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    finally:
        shutil.rmtree(CACHE, ignore_errors=True)


def list_pins() -> list[str]:
    """The packages of which uv.lock has one version, as pip's constraints."""
    import tomllib

    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    versions: dict[str, set[str]] = {}
    for package in lock["package"]:
        if "registry" in package["source"]:
            versions.setdefault(package["name"], set()).add(package["version"])
    return [f"{name}=={found.pop()}" for name, found in versions.items() if len(found) == 1]


def install_with_pip(extras: list[str]) -> None:
    """Install the versions of uv.lock, though without its hashes."""
    constraints = ROOT / "build/constraints.txt"
    constraints.parent.mkdir(exist_ok=True)
    constraints.write_text("\n".join(list_pins()) + "\n", "utf-8")
    what = f".[{','.join(extras)}]" if extras else "."
    subprocess.run(
        [*PIP, "--constraint", str(constraints), "--editable", what], cwd=ROOT, check=True
    )


def main(extras: list[str]) -> None:
    """Install fsq with these extras."""
    began = time.monotonic()
    make_environment()
    uv = find_uv()
    what = f"fsq with {', '.join(extras)}" if extras else "fsq"
    say(f"Installing {what} into .venv, as uv.lock says{'' if uv else ', with pip'}")
    if uv is None or not install_with_uv(uv, extras):
        if uv is not None:
            say("uv failed; trying it with pip")
        install_with_pip(extras)
    say(f"Installed in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
