"""What is said beside the result: ``-q``, ``-v``, ``--log-format json``, and help at any time."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.cli import Command

_log = logging.getLogger("fsq.tests")
DAYS = ("--start", "2026-01-10")


@pytest.fixture
def warned_store(short_store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of which the library warns when it is opened."""
    import fsq.stores

    opens = fsq.stores.open_store

    def warn_and_open(*words: object) -> object:
        _log.warning("a warning\nof two lines")
        return opens(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(fsq.stores, "open_store", warn_and_open)
    return short_store


def test_quiet_leaves_out_warnings_only(warned_store: str, run: Command) -> None:
    usual = run("trend", "--store", warned_store, *DAYS)
    assert usual.err.startswith("Warning: a warning")
    for quiet in ("-q", "--quiet"):
        told = run("trend", quiet, "--store", warned_store, *DAYS)
        assert (told.status, told.out, told.err) == (0, usual.out, "")
    assert run("-q", "trend", "--store", warned_store, "--last", "week").err.startswith("Error: ")


def test_a_log_of_json_has_one_object_per_line(warned_store: str, run: Command) -> None:
    told = run("trend", "--store", warned_store, *DAYS, "--json", "--log-format", "json")
    assert told.document["days"]
    (record,) = map(json.loads, told.err.splitlines())
    assert (record["level"], record["message"]) == ("warning", "a warning\nof two lines")
    assert datetime.fromisoformat(record["time"]).tzinfo is not None


def test_errors_of_a_json_log_keep_their_hint(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSQ_LOG_FORMAT", "json")
    told = run("trend", "--store", tmp_path / "none")
    record = json.loads(told.err)
    assert (told.status, record["level"]) == (3, "error")
    assert "there is no store" in record["message"]
    assert record["hint"]


@pytest.mark.parametrize("words", [["--log-format", "xml"], ["--log-format"], ["-q", "-v"]])
def test_what_no_command_can_do_is_refused(run: Command, words: list[str]) -> None:
    told = run("contract", "diff", "v2_33features", "v2_33features", *words)
    assert (told.status, told.out) == (2, "")


def test_after_two_dashes_words_are_no_options(run: Command) -> None:
    assert "-q" in run("contract", "show", "--", "-q").err


@pytest.mark.parametrize("text", ["x = [", '[check]\nno-such = "x"', 'store = ["a", "b"]'])
@pytest.mark.parametrize("words", [["-h"], [], ["check", "--help"], ["--version"]])
def test_help_needs_no_settings(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fsq.toml").write_text(text)
    assert run(*words).status == 0
    assert run("check", "--store", "d").status == 2
