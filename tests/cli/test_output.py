"""Lines and tables in a pipe look as rich draws them, whatever is in them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from fsq.cli import _output
from fsq.cli._output import Output
from tests.support.cli import Command

CELL = st.one_of(
    st.none(), st.integers(), st.floats(), st.booleans(), st.text(max_size=12), st.just("東京 ✓")
)


def draw(rows: list[list[object]], monkeypatch: pytest.MonkeyPatch, *, by_rich: bool) -> str:
    names = [f"c{i}" for i in range(len(rows[0]))]
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with monkeypatch.context() as changed:
        changed.setattr("sys.stdout", stream)
        if by_rich:
            changed.setattr("fsq.cli._tables.lay_out", lambda *_: None)
        Output().table(names, rows, numbers=" ".join(names[1:]))
    stream.flush()
    return stream.buffer.getvalue().decode()


def draw_rows(width: int) -> st.SearchStrategy[list[list[object]]]:
    row = st.lists(CELL, min_size=width, max_size=width)
    return st.lists(row, min_size=1, max_size=6)


@given(st.integers(1, 5).flatmap(draw_rows))
def test_a_table_looks_as_rich_draws_it(rows: list[list[object]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert draw(rows, patch, by_rich=False) == draw(rows, patch, by_rich=True)


LINE = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\t\n 東é")))


@given(st.one_of(LINE, st.just("fsq check " * 20), st.just("RED  2026-02-06\n"), st.just("")))
def test_a_line_looks_as_rich_prints_it(text: str) -> None:
    printed, expected = io.StringIO(newline=""), io.StringIO(newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", printed)
        Output().line(text)
    _output.console(expected).print(Text(_output.clean(text)), soft_wrap=True)
    assert printed.getvalue() == expected.getvalue()


def test_a_table_without_rows_has_its_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    Output().table(("date", "rows"), [], numbers="rows")
    assert stream.getvalue().splitlines()[0] == "date   rows"


def test_what_does_not_fit_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw([["x" * 100, 1]], monkeypatch, by_rich=False)
    assert max(map(len, drawn.splitlines())) <= _output.PIPE_WIDTH


def test_thousands_of_lines_take_no_time(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of a table passes through rich where the table fits."""
    monkeypatch.setattr(_output, "_make_rich_table", lambda *_: pytest.fail("drawn by rich"))
    assert run("contract", "show", "v2_33features").status == 0
