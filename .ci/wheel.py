"""Tries wheel and sdist in bare environments of every Python on this machine that fsq supports.

Each environment has fsq and what it needs, no extra: the main job must work, and what needs an
extra must say so in one line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/bare"
OLDEST = (3, 11)
CHECKED = "2025-11-20"
# Commands that must work, and those that lack an extra, with its name.
WORKS = (
    ("--version",),
    ("demo", "demo", "--season", "2025-26"),
    ("backfill", "--source", "demo/season_2025-26.parquet", "--store", "store",
     "--start", "2025-11-01", "--end", CHECKED),
    ("check", "--store", "store", "--date", CHECKED, "--json"),
    ("training-set", "--store", "store", "--out", "set.parquet"),
)  # fmt: skip
LACKS = (
    (("report", "--store", "store", "--out", "report.html"), "report"),
    (("trend", "--store", "store", "--out", "trend.svg"), "report"),
    (("check", "--store", "store", "--notify", "json://127.0.0.1:9/x"), "notify"),
    (("check", "--store", "bigquery://p.d.t"), "bigquery"),
    (("emulator",), "emulator"),
)


def find_pythons() -> dict[tuple[int, int], str]:
    """One interpreter of each supported version: on the PATH, or where pyenv keeps them."""
    folders = [Path(f) for f in os.environ.get("PATH", "").split(os.pathsep) if f]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += [Path(sys.executable).parent, *sorted(pyenv.glob("versions/*/bin"))]
    found: dict[tuple[int, int], str] = {}
    for path in (p for f in folders if f.is_dir() for p in sorted(f.glob("python3*"))):
        if re.fullmatch(r"python3(\.\d+)?", path.name) is None:
            continue
        code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
        ran = subprocess.run([str(path), "-c", code], capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            major, minor = map(int, ran.stdout.split())
            found.setdefault((major, minor), str(path))
    return {version: path for version, path in sorted(found.items()) if version >= OLDEST}


def run_fsq(python: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder of its own, away from the checkout's code.

    It finds no time zones of the machine, as in small containers.
    """
    command = [str(python.with_name("fsq")), *words]
    bare = os.environ | {"PYTHONTZPATH": ""}
    return subprocess.run(command, cwd=PLACE, env=bare, capture_output=True, text=True, check=False)


def try_package(package: Path, python: str, version: str) -> list[str]:
    """What went wrong with a wheel or an sdist under one Python."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    subprocess.run([python, "-m", "venv", str(PLACE / "venv")], check=True)
    inside = PLACE / "venv/bin/python"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(package)]
    subprocess.run([str(inside), *install], check=True)
    problems = []
    for words in WORKS:
        ran = run_fsq(inside, words)
        if ran.returncode > (words[0] == "check"):
            problems.append(f"fsq {' '.join(words)} exits with {ran.returncode}: {ran.stderr}")
    for words, extra in LACKS:
        ran = run_fsq(inside, words)
        said = f"pip install 'feature-store-quality[{extra}]'" in ran.stderr
        if ran.returncode != 2 or not said or "Traceback" in ran.stderr:
            problems.append(f"fsq {' '.join(words)} lacks an extra, but says: {ran.stderr}")
    return [f"{package.name}, Python {version}: {p}" for p in problems]


def main(folder: str) -> int:
    """Try the wheel with every Python, and the sdist with the oldest."""
    pythons = find_pythons()
    if not pythons:
        sys.exit("no Python 3.11 or newer was found")
    (wheel,) = Path(folder).resolve().glob("*.whl")
    (sdist,) = Path(folder).resolve().glob("*.tar.gz")
    jobs = [(wheel, version) for version in pythons] + [(sdist, min(pythons))]
    problems = []
    for package, version in jobs:
        name = ".".join(map(str, version))
        found = try_package(package, pythons[version], name)
        print(f"{package.name} with Python {name}: {'fails' if found else 'works'}", flush=True)
        problems += found
    shutil.rmtree(PLACE, ignore_errors=True)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
