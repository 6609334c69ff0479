"""The bundle of Vega is made once, and kept whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fsq.reporting import assets

pytest.importorskip("vl_convert")
MADE = "window.vegaEmbed = 1; '</script>'"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where bundles are kept; making one takes no time."""
    monkeypatch.setattr(assets, "cache_from_source", lambda _: str(tmp_path / "assets.pyc"))
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda *_, **__: MADE)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def make_bundle() -> str:
    return assets._make_vega_bundle.__wrapped__()


def test_it_is_made_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_bundle()
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda *_, **__: pytest.fail("made again"))
    assert make_bundle() == first
    assert "</script" not in first
    assert len(list(kept.iterdir())) == 1


def test_one_that_is_not_whole_is_made_again(kept: Path) -> None:
    first = make_bundle()
    (file,) = kept.iterdir()
    file.write_text(first[:-4])
    assert make_bundle() == first
    file.write_bytes(b"\xff\xfe")
    assert make_bundle() == first
    assert file.read_text() == first


def test_other_versions_make_their_own(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle()
    monkeypatch.setattr(assets, "version", lambda _: "99.0")
    make_bundle()
    assert len(list(kept.iterdir())) == 2


def test_none_is_kept_where_python_keeps_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    make_bundle()
    assert list(kept.iterdir()) == []


def test_a_package_that_cannot_be_written_to_is_no_failure(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept / "file").touch()
    monkeypatch.setattr(assets, "cache_from_source", lambda _: str(kept / "file" / "assets.pyc"))
    assert make_bundle()
