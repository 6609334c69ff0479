"""Prints the oldest version of each direct requirement, as pip's constraints."""

import re
import tomllib
from itertools import chain
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
needs = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
bounds = [
    found for text in needs if (found := re.match(r"([A-Za-z0-9_.-]+)(>=|==)([0-9.]+)", text))
]
fixed = {name for name, sign, _ in (b.groups() for b in bounds) if sign == "=="}
for name, sign, version in (b.groups() for b in bounds):
    if sign == ">=" and name not in fixed:
        print(f"{name}=={version}")
