"""What the README shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsq.contract import load_contract
from fsq.contract.reference import describe_columns
from tests.support.pages import find_commands, run_shown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINKS = [t for t in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in t]
TOUR = README.partition("## A tour")[2].partition("\n## ")[0]
COMMANDS = find_commands(TOUR)


def test_there_is_something_to_test() -> None:
    assert PYTHON
    assert LINKS
    assert len(COMMANDS) == 5


def test_the_tour_runs_as_it_stands(tmp_path: Path) -> None:
    for command in COMMANDS:
        run_shown(command, tmp_path)


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
