"""Templates are compiled once, and again where they have changed."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from fsq.reporting import templates


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled templates are kept."""
    monkeypatch.setattr(templates, "cache_from_source", lambda _: str(tmp_path / "module.pyc"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def render(text: str) -> str:
    """A page of a fresh environment, as in another process."""
    loader = jinja2.DictLoader({"page": text})
    made = jinja2.Environment(
        loader=loader, bytecode_cache=templates.KeptTemplates(), autoescape=True
    )
    return made.get_template("page").render(name="<b>")


def test_a_template_is_compiled_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = render("Dear {{ name }}")
    assert first == "Dear &lt;b&gt;"
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr(jinja2.Environment, "compile", lambda *_: pytest.fail("compiled again"))
    assert render("Dear {{ name }}") == first


def test_another_text_is_compiled(kept: Path) -> None:
    render("Dear {{ name }}")
    assert render("Hello {{ name }}") == "Hello &lt;b&gt;"


def test_what_is_not_whole_is_compiled_again(kept: Path) -> None:
    first = render("Dear {{ name }}")
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    for broken in (whole[:-9], whole[:10], b"", b"no code"):
        file.write_bytes(broken)
        assert render("Dear {{ name }}") == first
        assert file.read_bytes() == whole


def test_nothing_is_kept_where_python_keeps_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    render("Dear {{ name }}")
    assert list(kept.iterdir()) == []


def test_a_package_that_cannot_be_written_to_is_no_failure(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept / "file").touch()
    monkeypatch.setattr(templates, "cache_from_source", lambda _: str(kept / "file" / "m.pyc"))
    assert render("Dear {{ name }}") == "Dear &lt;b&gt;"
