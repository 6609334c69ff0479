"""Lists what the wheel needs, as CycloneDX: packages, uv.lock's versions, licences, who needs whom.

The tool and the wheel get an environment each, so that the list holds nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from install import list_pins

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/sbom"
TOOL = "cyclonedx-bom==7.5.0"


def make_environment(name: str, *install: str) -> Path:
    """Make an environment without pip, install into it, and return its Python."""
    place = PLACE / name
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", place], check=True)
    python = place / "bin/python"
    pip = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-cache-dir",
           "--disable-pip-version-check", *install]  # fmt: skip
    subprocess.run([sys.executable, *pip], check=True)
    return python


def write_root(version: str) -> Path:
    """Write what the list says of fsq itself: pyproject.toml names a file in place of a version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    kept = {k: project[k] for k in ("name", "description", "license", "dependencies")}
    # JSON's texts and lists of texts are also TOML's.
    lines = [f"{k} = {json.dumps(v)}" for k, v in (kept | {"version": version}).items()]
    urls = [f"{k} = {json.dumps(v)}" for k, v in project["urls"].items()]
    path = PLACE / "pyproject.toml"
    path.write_text("\n".join(["[project]", *lines, "[project.urls]", *urls, ""]), "utf-8")
    return path


def main(folder: str) -> int:
    """Write ``build/sbom/<name of the wheel>.cdx.json``."""
    (wheel,) = Path(folder).resolve().glob("*.whl")
    name, version = wheel.name.split("-")[:2]
    PLACE.mkdir(parents=True, exist_ok=True)
    pins = PLACE / "constraints.txt"
    pins.write_text("\n".join(list_pins()) + "\n", "utf-8")
    tool = make_environment("tool", TOOL)
    fsq = make_environment("wheel", "--constraint", str(pins), str(wheel))
    out = PLACE / f"{name}-{version}.cdx.json"
    command = [str(tool.with_name("cyclonedx-py")), "environment", "--output-reproducible",
               "--mc-type", "library", "--pyproject", str(write_root(version)),
               "--output-file", str(out), str(fsq)]  # fmt: skip
    subprocess.run(command, check=True)
    print(out.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
