"""``fsq check`` as people and scripts see it, on a stored season."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fsq
from tests.support.cli import Command
from tests.support.receiver import Receiver, receive


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as started:
        yield started


@pytest.mark.parametrize("command", ["check", "explain"])
def test_help_holds_80_columns(run: Command, command: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_the_sixth_of_february(run: Command, season_store: str) -> None:
    result = run("check", "--store", season_store, "--date", "2026-02-06")
    assert result.status == 1
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0].startswith("RED  2026-02-06, 300 rows")
    assert "PlayerCompositeFactorsProcessor did not run: features 5-8" in result.out
    assert "run-processor PlayerCompositeFactorsProcessor --date 2026-02-06" in result.out
    assert "fsq backfill --source SOURCE --store" in result.out
    assert "fatigue_score" in result.out
    assert "\x1b" not in result.out
    assert all(len(line) <= 80 for line in lines if season_store not in line)


def test_its_neighbours_are_quiet(run: Command, season_store: str) -> None:
    for day in ("2026-02-05", "2026-02-07"):
        result = run("check", "--store", season_store, "--date", day)
        assert result.status == 0
        assert result.out.startswith("GREEN")


def test_only_the_date_and_its_history_decide(run: Command, season_store: str) -> None:
    """The date alone from the season_store says what a diagnosis of the whole season says of it."""
    whole = fsq.diagnose(fsq.open_store(season_store).read())
    for day in ("2025-11-28", "2025-12-10", "2026-01-05", "2026-02-21", "2026-03-18"):
        result = run("check", "--store", season_store, "--date", day, "--json").document
        kinds = sorted(f["kind"] for f in result["findings"])
        assert kinds == sorted(f.kind for f in whole.findings if day in map(str, f.dates))
        assert result["verdict"] == "red"


def test_json_is_one_document_with_the_documented_names(run: Command, season_store: str) -> None:
    result = run("check", "--store", season_store, "--date", "2026-02-06", "--json")
    assert result.status == 1
    data = result.document
    assert list(data) == [
        "store",
        "fail_on",
        "exit_status",
        "schema_version",
        "contract",
        "verdict",
        "dates",
        "findings",
        "not_evaluated",
        "newest",
        "changes",
        "open_incidents",
    ]
    assert data["exit_status"] == 1
    (day,) = data["dates"]
    assert day["date"] == "2026-02-06"
    assert len(day["features"]) == 33
    (finding,) = data["findings"]
    assert finding["processor"] == "PlayerCompositeFactorsProcessor"
    documented = (Path(__file__).parents[2] / "docs/check-json.md").read_text()
    names = [*data, *data["contract"], *day, *day["features"][0], *finding]
    names += data["not_evaluated"][0]
    assert [n for n in names if f"`{n}`" not in documented] == []


def test_every_kind_is_documented() -> None:
    from fsq.diagnosis.checks import list_kinds

    documented = (Path(__file__).parents[2] / "docs/check-json.md").read_text()
    assert [k for k in list_kinds() if f"`{k}`" not in documented] == []


def test_ranges_and_the_last_date(run: Command, season_store: str) -> None:
    result = run(
        "check", "--store", season_store, "--start", "2025-11-25", "--end", "2025-12-03", "--json"
    )
    (finding,) = [f for f in result.document["findings"] if f["severity"] == "red"]
    assert finding["dates"] == [
        "2025-11-26",
        "2025-11-28",
        "2025-11-29",
        "2025-11-30",
        "2025-12-01",
    ]
    shown = run("check", "--store", season_store, "--start", "2025-10-21", "--end", "2026-04-12")
    assert shown.status == 1
    assert shown.out.startswith("RED  10 of 166 dates, 2025-10-21 to 2026-04-12, ")
    assert all(len(line) <= 80 for line in shown.out.splitlines() if season_store not in line)
    last = run("check", "--store", season_store, "--json").document
    assert [d["date"] for d in last["dates"]] == ["2026-04-12"]


def test_fail_on_yellow(run: Command, season_store: str) -> None:
    words = ("check", "--store", season_store, "--date", "2025-10-25")
    assert run(*words).status == 0
    assert run(*words, "--fail-on", "yellow").status == 1


def test_a_date_without_rows_fails_and_a_range_without_rows_is_refused(
    run: Command, season_store: str
) -> None:
    result = run("check", "--store", season_store, "--date", "2026-02-15")
    assert result.status == 1
    assert "no rows at all" in result.out
    beyond = run("check", "--store", season_store, "--start", "2030-01-01", "--end", "2030-02-01")
    assert beyond.status == 2
    clash = run("check", "--store", season_store, "--date", "2026-02-06", "--end", "2026-02-07")
    assert clash.status == 2
    assert run("check", "--store", season_store + "-absent", "--date", "2026-02-06").status == 3
    assert run("check", "--store", season_store, "--contract", "v3_37features").status == 2


def test_markdown(run: Command, season_store: str) -> None:
    result = run("check", "--store", season_store, "--date", "2026-02-06", "--format", "markdown")
    assert result.status == 1
    assert result.out.startswith("## 🔴 fsq check: red\n")
    assert "| 🔴 red | PlayerCompositeFactorsProcessor did not run" in result.out


def test_a_webhook_gets_the_document(run: Command, season_store: str, receiver: Receiver) -> None:
    receiver.answers[:] = [503]  # the second try succeeds
    words = (
        "check",
        "--store",
        season_store,
        "--date",
        "2026-02-06",
        "--json",
        "--webhook",
        receiver.url,
    )
    result = run(*words)
    assert result.status == 1
    assert result.err.startswith("RED")
    assert [result.document] * 2 == receiver.got


def test_a_webhook_that_refuses_never_fails_the_check(
    run: Command, season_store: str, receiver: Receiver
) -> None:
    receiver.answers[:] = [404]
    result = run(
        "check", "--store", season_store, "--date", "2026-02-07", "--webhook", receiver.url
    )
    assert result.status == 0
    assert len(receiver.got) == 1
    assert "answered 404" in result.err
    assert "secret" not in result.err
    bad = run("check", "--store", season_store, "--webhook", "file:///etc/passwd")
    assert bad.status == 2
    assert "http" in bad.err


def test_check_loads_nothing_heavy(season_store: str) -> None:
    code = (
        "import sys; from fsq.cli import main; "
        f"s = main(['check', '--store', {season_store!r}, '--date', '2026-02-07']); "
        "print(s, [m for m in ('altair', 'grpc', 'great_tables', 'fsq.demo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("form", ["github", "junit", "prometheus", "openlineage"])
def test_other_tools_read_stdout(run: Command, season_store: str, form: str) -> None:
    words = ("check", "--store", season_store, "--date", "2026-02-06", "--format", form)
    result = run(*words)
    assert (result.status, result.err) == (1, "")
    begins = {"github": "::error ", "junit": "<?xml", "prometheus": "# HELP", "openlineage": "{"}
    assert result.out.startswith(begins[form])
    both = run(*words, "--json")
    assert both.document["verdict"] == "red"
    assert both.err.startswith(begins[form])
