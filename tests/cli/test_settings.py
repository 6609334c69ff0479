"""Options from the environment and from settings files: which one holds, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.stores import open_store
from tests.support.cli import Command
from tests.support.frames import wide

TOML = """
store = "here"
[check]
fail-on = "yellow"
notify = ["slack://token-a/token-b/token-c"]
[env.prod]
store = "there"
[env.prod.check]
max-age = "36h"
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FSQ_STORE", "FSQ_ENV", "FSQ_FAIL_ON"):
        monkeypatch.delenv(name, raising=False)


def _list(run: Command, *words: str) -> dict[str, tuple[str, str]]:
    found = run(*words, "config", "--json").document["settings"]
    return {s["option"]: (s["value"], s["from"].rpartition("/")[2]) for s in found}


def test_nothing_is_set_without_a_file(run: Command) -> None:
    told = run("config")
    assert (told.status, _list(run)) == (0, {})
    assert told.out.startswith("no settings")


def test_the_environment_comes_before_the_file(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fsq.toml").write_text(TOML)
    assert _list(run)["store"] == ("here", "fsq.toml")
    assert "max-age" not in _list(run)
    assert _list(run, "--env", "prod")["store"] == ("there", "fsq.toml [env.prod]")
    assert _list(run, "--env=prod")["max-age"] == ("36h", "fsq.toml [env.prod]")
    monkeypatch.setenv("FSQ_ENV", "prod")
    assert _list(run)["store"][0] == "there"
    monkeypatch.setenv("FSQ_STORE", "elsewhere")
    assert _list(run)["store"] == ("elsewhere", "FSQ_STORE")


def test_secrets_of_channels_are_not_shown(run: Command) -> None:
    Path("fsq.toml").write_text(TOML)
    told = run("config")
    assert "slack://…" in told.out
    assert "token" not in told.out


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("end = 2026-02-05", None),
        ("max-age = 36", "'36' is not a duration"),
        ("last = 3", "write a number of days"),
        ("start = [1]", "start takes one value, not a list"),
        ("notify = 'nonsense'", "notify"),
        ("record = 'maybe'", "record"),
    ],
)
def test_values_are_read_as_if_they_were_typed(
    setting: str, problem: str | None, run: Command
) -> None:
    open_store("here").replace(fsq.score(wide(), now=datetime(2026, 3, 1, tzinfo=UTC)))
    Path("fsq.toml").write_text(f"store = 'here'\n[check]\n{setting}")
    told = run("check")
    assert told.status in ((0, 1) if problem is None else (2,)), told.err
    if problem is not None:
        assert problem in told.err


@pytest.mark.parametrize("name", ["fsq.toml", "pyproject.toml"])
def test_a_command_takes_its_store_from_the_nearest_file(
    name: str, run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store("here").replace(fsq.score(wide(), now=datetime(2026, 3, 1, tzinfo=UTC)))
    table = "[tool.fsq]" if name == "pyproject.toml" else ""
    Path(name).write_text(f'{table}\nstore = "here"\n')
    Path("below").mkdir()
    before = run("trend", "--store", "here").out
    monkeypatch.chdir("below")
    assert run("trend").out == before
    told = run("trend", "--store", "nowhere")
    assert (told.status, "nowhere" in told.err) == (3, True)
    monkeypatch.setenv("FSQ_STORE", "nothing")
    assert "nothing" in run("trend").err


def test_a_setting_may_decide_the_exit_status(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store("here").replace(fsq.score(wide(), now=datetime(2026, 3, 1, tzinfo=UTC)))
    words = ("check", "--store", "here", "--date", "2026-02-06")
    verdict = run(*words, "--json").document["verdict"]
    assert verdict in ("red", "yellow")
    strict, lenient = ("red", "red") if verdict == "red" else ("yellow", "red")
    monkeypatch.setenv("FSQ_FAIL_ON", strict)
    assert run(*words).status == 1
    if verdict == "yellow":
        assert run(*words, "--fail-on", lenient).status == 0
    monkeypatch.setenv("FSQ_FAIL_ON", "purple")
    assert run(*words).status == 2


@pytest.mark.parametrize(
    ("text", "words", "problem"),
    [
        (
            "[check]\nfial-on = 'red'",
            ("check", "--store", "s"),
            "`fsq check` has no option fial_on",
        ),
        ("sotre = 's'", ("config",), "sotre is no option of any command"),
        ("[chekc]\nstore = 's'", ("config",), "there is no command chekc"),
        ("store = ", ("config",), "fsq.toml"),
        ("env = 1", ("config",), "write environments as [env.NAME]"),
        ("store = 's'", ("--env", "prod", "config"), "no environment prod; it has: none"),
        (None, ("--env", "prod", "config"), "no fsq.toml that states the environment prod"),
        (None, ("check", "--env"), "--env needs a name"),
    ],
)
def test_what_a_file_cannot_say(
    text: str | None, words: tuple[str, ...], problem: str, run: Command
) -> None:
    if text is not None:
        Path("fsq.toml").write_text(text)
    told = run(*words)
    assert (told.status, told.out) == (2, "")
    assert problem in told.err
    assert len(told.err.splitlines()) < 20


def test_what_must_be_said_each_time_is_no_setting(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FSQ_YES", "FSQ_FORCE", "FSQ_JSON"):
        monkeypatch.setenv(name, "1")
    assert _list(run) == {}
    Path("fsq.toml").write_text("yes = true")
    assert "yes is no option" in run("config").err


def test_dates_may_be_relative(run: Command) -> None:
    rows = wide()
    today = datetime.now(UTC).date()
    ages = pl.col("game_date").max() - pl.col("game_date")
    recent = rows.with_columns(game_date=pl.lit(today) - ages)
    open_store("here").replace(fsq.score(recent))
    days = [d["game_date"] for d in run("trend", "--store", "here", "--json").document["days"]]
    assert days[-1] == today.isoformat()
    ask = ("trend", "--store", "here", "--json")
    last = run(*ask, "--last", "1d").document["days"]
    assert [d["game_date"] for d in last] == [today.isoformat()]
    assert run(*ask, "--start", "today").document["days"] == last
    yesterday = (today - timedelta(days=1)).isoformat()
    named = run(*ask, "--end", "yesterday").document["days"]
    assert [d["game_date"] for d in named] == [d for d in days if d <= yesterday]
    assert run(*ask, "--last", "1d", "--start", "today").status == 2
