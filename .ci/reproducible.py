"""Builds wheel and sdist again, from the sdist and in another place, and fails if a byte differs.

So whoever has the sdist can find out that the wheel was made from it and from nothing else.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PLACE = Path(__file__).resolve().parent.parent / "build/again"


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_again(sdist: Path) -> Path:
    """Build from an unpacked sdist whose files are new, under another umask; the folder of both."""
    shutil.rmtree(PLACE, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(PLACE, filter="data")
    (source,) = PLACE.iterdir()
    (source / "PKG-INFO").unlink()  # written anew, at its place in the archive
    for path in source.rglob("*"):
        os.utime(path)
    out = PLACE / "dist"
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, umask=0o077)
    return out


def main(folder: str) -> int:
    """Print the hash of each distribution; 1 if a second build gives another one."""
    (sdist,) = Path(folder).resolve().glob("*.tar.gz")
    (wheel,) = Path(folder).resolve().glob("*.whl")
    again = build_again(sdist)
    different = []
    for path in (sdist, wheel):
        print(f"{hash_file(path)}  {path.name}", flush=True)
        if hash_file(path) != hash_file(again / path.name):
            different.append(path.name)
    for name in different:
        print(f"{name}: a second build gives other bytes; compare {again / name}", file=sys.stderr)
    if not different:
        shutil.rmtree(PLACE)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
