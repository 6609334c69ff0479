from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest

from fsq.utils.display import Column, Display, Markup

EVIL = "<script>alert(1)</script>&\"'\n"
COLUMNS = (Column(EVIL), Column("rows", "right"), Column(EVIL, width="40%"))
SHOWN = Display(EVIL, COLUMNS, [(EVIL, "1", Markup("<b>bold</b>"))] * 2, [EVIL], [EVIL], "red")


class Elements(HTMLParser):
    """The elements of a text, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


@pytest.fixture(params=["Great Tables", "plain"])
def _by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "great_tables", None)
    else:
        pytest.importorskip("great_tables")


@pytest.mark.usefixtures("_by")
def test_words_are_escaped_and_markup_is_kept() -> None:
    html = SHOWN.to_html()
    found = Elements(html).found
    assert "script" not in found
    assert found.count("b") == 2
    assert found.count("table") == 1
    # Title, note, line below, two heads, two cells.
    assert html.count("&lt;script&gt;") >= 7
    assert "color:red" in html


@pytest.mark.usefixtures("_by")
def test_without_rows_there_is_no_table() -> None:
    assert "table" not in Elements(Display("all is well", COLUMNS, []).to_html()).found


@pytest.mark.usefixtures("_by")
def test_the_same_table_looks_the_same_again() -> None:
    assert SHOWN.to_html() == SHOWN.to_html()


def test_great_tables_sets_widths_and_sides() -> None:
    pytest.importorskip("great_tables")
    html = SHOWN.to_html()
    assert 'class="gt_table"' in html
    assert "width:40%" in html
    assert "gt_right" in html
