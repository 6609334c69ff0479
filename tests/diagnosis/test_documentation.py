"""The page of the JSON document lists the checks as they are."""

from __future__ import annotations

from pathlib import Path

from fsq.diagnosis.documentation import update_page

PAGE = Path(__file__).parents[2] / "docs/check-json.md"


def test_the_page_is_current() -> None:
    """If not: ``python -m fsq.diagnosis.documentation docs/check-json.md``."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == update_page(page)
