"""No writer of a store, a settings file or a reason commands a CI system through fsq's log."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.utils.text import defuse
from tests.support.cli import Command
from tests.support.faults import before, fall_back, fill_store
from tests.support.healthy_days import LAST, make_days

OWNED = (
    "a\n::error::owned\r\n  ::set-output name=x::y ##[add-mask]z\n##vso[task.setvariable]w\x1b[31m"
)


def list_commands(text: str) -> list[str]:
    """What the runners of GitHub, Azure and TeamCity would carry out."""
    lines = [line.lstrip() for line in re.split(r"\r\n|[\r\n]", text)]
    return [s for s in lines if s.startswith("::") or re.search(r"##\w*\[", s)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with open incidents, whose writer put a command into everything that it remembers."""
    monkeypatch.chdir(tmp_path)
    days = [before(2), before(1), LAST]
    store = fill_store(tmp_path, fall_back(make_days(14, seed=2), days, 0.6))[1]
    opened: Any = fsq.open_store(store)
    opened._source = OWNED
    opened.replace(opened.read(LAST, LAST).collect())
    assert fsq.open_store(store).source == OWNED
    return store


def safe(done: Any) -> Any:
    """The result of a command, once nothing in it is a command to somebody else."""
    assert done.status != 70
    assert not list_commands(done.out + done.err)
    assert "\x1b" not in done.out + done.err
    return done


def test_a_remembered_source_commands_nothing(run: Command, store: str) -> None:
    told = safe(run("check", "--store", store, "--record"))
    assert "owned" in told.out  # it is shown, as a word
    for form in ("markdown", "junit", "prometheus", "openlineage"):
        safe(run("check", "--store", store, "--format", form))
    annotations = run("check", "--store", store, "--format", "github").out.splitlines()
    begins = re.compile(r"::(error|warning|notice) title=fsq [\w]+%3A [^,:]*::")
    assert all(begins.match(line) for line in annotations[:-1])
    assert not list_commands(annotations[-1])
    document = safe(run("check", "--store", store, "--json"))
    assert OWNED in json.loads(document.out)["findings"][0]["remedy"][-1]
    for words in (["incidents"], ["repair"], ["repair", "--yes"], ["report", "--out", "r.html"]):
        safe(run(*words, "--store", store))
    assert "<::error" not in Path("r.html").read_text()


def test_a_ledger_of_incidents_commands_nothing(run: Command, store: str) -> None:
    run("check", "--store", store, "--record")
    opened = fsq.open_store(store)
    ledger = opened.read_side("incidents")
    assert ledger is not None
    texts = [name for name, kind in ledger.schema.items() if kind == pl.String]
    assert len(texts) >= 10
    for name in texts:
        opened.write_side("incidents", ledger.with_columns(pl.lit(OWNED).alias(name)))
        for words in (["incidents"], ["incidents", "--json"], ["check"]):
            safe(run(*words, "--store", store))
        safe(run("incidents", "accept", OWNED, "--why", OWNED, "--store", store))


def test_a_reason_stays_a_reason(run: Command, store: str) -> None:
    run("check", "--store", store, "--record")
    (known,) = json.loads(run("incidents", "--store", store, "--json").out)["incidents"]
    safe(run("incidents", "accept", known["id"], "--why", OWNED, "--store", store))
    for words in ([], ["--json"]):
        assert "owned" in safe(run("incidents", "--store", store, *words)).out
    for form in ("text", "markdown", "junit", "prometheus", "openlineage"):
        safe(run("check", "--store", store, "--date", LAST, "--format", form))
    safe(run("report", "--store", store, "--out", "r.html"))


def test_a_profile_of_somebody_else_commands_nothing(run: Command, store: str) -> None:
    safe(run("profile", "learn", "--store", store))
    opened = fsq.open_store(store)
    profile = opened.read_side("profile")
    assert profile is not None
    for name in profile.columns:
        opened.write_side("profile", profile.with_columns(pl.lit(OWNED).alias(name)))
        for words in (["profile", "show"], ["profile", "show", "--json"], ["check"]):
            safe(run(*words, "--store", store))


@pytest.mark.parametrize(
    "settings",
    [
        "{} = 1",
        "store = {}",
        "[{}]\nstore = 'x'",
        "[env.{}]\nstore = 'x'",
        "[check]\n{} = {}",
        "max-age = {}",
        "contract = {}",
        "notify = [{}]",
        "webhook = {}",
        "run-context = {}",
        "start = {}",
        "last = {}",
        "schedule = {}",
        "format = {}",
        "store = '--yes'",
        "store = '; DROP TABLE t; --'",
        "contract = '<script>alert(1)</script>'",
        "store = 'a\n::error::owned",
        "::error::owned",
    ],
)
def test_settings_command_nothing(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = json.dumps(OWNED)
    Path("fsq.toml").write_text(settings.replace("{}", text))
    for words in (["config"], ["config", "--json"], ["config", "--env", "prod"], ["check"]):
        assert safe(run(*words)).status != 1
    assert [p.name for p in tmp_path.iterdir()] == ["fsq.toml"]  # nothing ran, nothing was written


@given(st.text() | st.text("ab:#[ \n\r\t\x0b\x85\u2028]"))
def test_no_line_is_a_command(text: str) -> None:
    told = defuse(text)
    assert not [s for s in told.split("\n") if s.lstrip().startswith("::")]
    assert not re.search(r"##\w*\[", told)


@pytest.mark.parametrize("text", ["a::b", "# ## title\n", "C:\\rows", "rows: 5\n- x::y"])
def test_other_text_stays(text: str) -> None:
    assert defuse(text) == text
