"""What the README shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsq.schema.columns import markdown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINKS = [t for t in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in t]


def test_there_is_something_to_test() -> None:
    assert PYTHON
    assert LINKS


@pytest.mark.parametrize("code", PYTHON)
def test_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("target", LINKS)
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_output_columns_are_those_of_the_schema() -> None:
    """If not: ``python -m fsq.schema.columns > docs/output-columns.md``."""
    assert (ROOT / "docs/output-columns.md").read_text(encoding="utf-8") == markdown()
