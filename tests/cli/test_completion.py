"""What the shell offers after Tab: contracts, dates and keys."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

import fsq
from fsq.cli import main

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """What bash is told where the last word of a line is completed."""

    def ask(*words: object) -> list[str]:
        monkeypatch.setenv("_FSQ_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(map(str, ("fsq", *words))))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        with suppress(SystemExit):
            main([])
        told = capsys.readouterr()
        assert told.err == ""
        return [line for line in told.out.splitlines() if line]

    return ask


def test_contracts_are_offered(
    complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").touch()
    assert "v2_33features" in complete("contract", "show", "v2")
    assert complete("check", "--contract", "mi") == ["mine.toml"]


def test_dates_of_the_store_are_offered_newest_first(complete: Complete, short_store: str) -> None:
    dates = complete("check", "--store", short_store, "--date", "2026-01-1")
    assert dates == ["2026-01-12", "2026-01-11", "2026-01-10"]
    assert complete("trend", "--store", short_store, "--start", "y") == ["yesterday"]


def test_the_store_may_be_one_of_the_settings(
    complete: Complete, short_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fsq.toml").write_text(f"store = '{short_store}'")
    assert complete("check", "--date", "2026-01-12") == ["2026-01-12"]
    Path("fsq.toml").unlink()
    monkeypatch.setenv("FSQ_STORE", short_store)
    assert complete("check", "--date", "2026-01-12") == ["2026-01-12"]


def test_keys_of_the_newest_date_are_offered(complete: Complete, short_store: str) -> None:
    rows = fsq.open_store(short_store).read("2026-01-12", columns=["player_lookup"]).collect()
    keys = sorted(rows["player_lookup"].unique())
    assert complete("explain", "--store", short_store, keys[0][:2])[0] == keys[0]


def test_nothing_is_said_where_nothing_can_be_offered(
    complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete("check", "--store", "nowhere", "--date", "2026") == []
    Path("fsq.toml").write_text("x = [")
    assert complete("che") == ["check"]
    Path("fsq.toml").write_text('[check]\nno-such = "x"')
    assert complete("tre") == ["trend"]
