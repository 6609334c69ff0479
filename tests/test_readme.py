"""What the README shows works as shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsq.contract import load_contract
from fsq.contract.reference import describe_columns

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINKS = [t for t in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in t]
TOUR = README.partition("## A tour")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^\$ (fsq .*)$", TOUR, re.MULTILINE)


def test_there_is_something_to_test() -> None:
    assert PYTHON
    assert LINKS
    assert len(COMMANDS) == 5


def test_the_tour_runs_as_it_stands(tmp_path: Path) -> None:
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    for line in COMMANDS:
        command, _, comment = line.partition("#")
        expected = re.search(r"exits with status (\d)", comment)
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == int(expected[1] if expected else 0), (line, done.stderr)
        if "fsq check" in line:
            shown = TOUR.partition(line)[2].partition("```")[0].strip()
            for part in shown.split("…\n"):
                assert part.strip("…\n") in done.stdout


@pytest.mark.parametrize("code", PYTHON)
def test_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("target", LINKS)
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_output_columns_are_those_of_the_schema() -> None:
    """If not: ``python -m fsq.contract.reference > docs/output-columns.md``."""
    assert (ROOT / "docs/output-columns.md").read_text(encoding="utf-8") == describe_columns(
        load_contract()
    )
