"""Prints the oldest version of each requirement of fsq and its tests, as pip's constraints."""

import re
import tomllib
from itertools import chain
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
tools = {"dev", "docs"}  # they run beside fsq, not with it, and may need newer versions
needs = [*project["dependencies"], *chain(*(extras[e] for e in extras.keys() - tools))]
bounds = [
    found for text in needs if (found := re.match(r"([A-Za-z0-9_.-]+)(>=|==)([0-9.]+)", text))
]
fixed = {name for name, sign, _ in (b.groups() for b in bounds) if sign == "=="}
for name, sign, version in (b.groups() for b in bounds):
    if sign == ">=" and name not in fixed:
        print(f"{name}=={version}")
