"""``fsq check`` as people, scripts and webhooks see it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH
from fsq.demo import simulate_season
from fsq.diagnosis.findings import KINDS

BAD, GOOD = "2026-02-06", "2026-02-05"
JOB = "PlayerCompositeFactorsProcessor"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    rows = simulate_season("2025-26", seed=7).rows
    near = rows.filter(pl.col("game_date").is_between(date(2026, 1, 20), date(2026, 2, 10)))
    path = tmp_path_factory.mktemp("check") / "store"
    fsq.open_store(str(path)).replace(fsq.score(near))
    return str(path)


Run = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def call(*words: object) -> Run:
        status = main([str(w) for w in words])
        return (status, *capsys.readouterr())

    return call


def test_the_first_line_names_the_job_that_did_not_run(run: Callable[..., Run], store: str) -> None:
    status, told, _ = run("check", "--store", store, "--date", BAD)
    assert status == 1
    assert told.splitlines()[0].startswith(f"RED: {BAD}: {JOB} did not run")
    assert f"$ python -m data_processors.player_composite_factors --date {BAD}" in told
    assert f"--store {store} --start {BAD} --end {BAD} --force" in told
    prose = [line for line in told.splitlines() if not line.startswith("  $ ")]
    assert all(len(line) <= PIPE_WIDTH for line in prose)
    assert "\x1b" not in told


def test_the_neighbours_stay_quiet(run: Callable[..., Run], store: str) -> None:
    for day in (GOOD, "2026-02-07"):
        status, told, _ = run("check", "--store", store, "--date", day, "--fail-on", "yellow")
        assert status == 0, told
        assert told.startswith("GREEN")


def test_a_range_of_dates_has_a_line_for_each(run: Callable[..., Run], store: str) -> None:
    status, told, _ = run("check", "--store", store, "--start", "2026-02-04", "--end", BAD)
    assert status == 1
    assert "2026-02-04" in told
    assert f"did not run on {BAD}" in told.splitlines()[0]


def test_the_json_document_holds_what_the_docs_say(run: Callable[..., Run], store: str) -> None:
    status, told, people = run("check", "--store", store, "--date", BAD, "--json")
    document = json.loads(told)
    assert status == 1
    assert JOB in people
    assert document["schema"] == "fsq.check/1"
    assert document["findings"][0]["processor"] == JOB
    page = (Path(__file__).parents[2] / "docs" / "check-json.md").read_text(encoding="utf-8")
    names = {*document, *document["findings"][0]}
    assert {n for n in names if f"`{n}`" not in page} == set()


def test_every_kind_of_finding_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "check-json.md").read_text(encoding="utf-8")
    listed = page.split("| kind | says |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert listed == [f"| `{kind}` | {says} |" for kind, says in KINDS.items()]
    code = "".join(
        p.read_text("utf-8") for p in (Path(fsq.__file__).parent / "diagnosis").glob("*.py")
    )
    assert [k for k in KINDS if code.count(f'"{k}"') < 2] == []  # each is given somewhere


def test_markdown_is_a_summary(run: Callable[..., Run], store: str) -> None:
    status, told, _ = run("check", "--store", store, "--date", BAD, "--format", "markdown")
    assert status == 1
    assert told.startswith("## 🔴 RED")
    assert "| matchup | 33.3 |" in told


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["--date", "2027-01-01"], "it holds 2026-01-20 to 2026-02-10"),
        ([], "name --date"),
        (["--date", BAD, "--start", BAD], "exclude each other"),
        (["--start", BAD, "--end", GOOD], "swap them"),
        (["--date", BAD, "--webhook", "file:///etc/passwd"], "https://"),
    ],
)
def test_wrong_usage_is_status_2(
    run: Callable[..., Run], store: str, words: list[str], cure: str
) -> None:
    status, told, error = run("check", "--store", store, *words)
    assert (status, told) == (2, "")
    assert cure in error


def test_an_absent_store_is_status_3(run: Callable[..., Run], tmp_path: Path) -> None:
    status, _, error = run("check", "--store", tmp_path / "none", "--date", BAD)
    assert status == 3
    assert "backfill it first" in error


class Hook(BaseHTTPRequestHandler):
    """Takes the third try."""

    got: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.got.append(json.loads(body))
        self.send_response(200 if len(Hook.got) >= 3 else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[str]:
    Hook.got.clear()
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret-token"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_gets_the_document_after_retries(
    run: Callable[..., Run], store: str, hook: str
) -> None:
    status, told, error = run("check", "--store", store, "--date", BAD, "--webhook", hook, "--json")
    assert status == 1
    assert Hook.got[2] == json.loads(told)
    assert "Warning" not in error


def test_a_webhook_that_fails_is_told_without_its_path_and_changes_nothing(
    run: Callable[..., Run], store: str
) -> None:
    url = "http://127.0.0.1:1/secret-token"
    status, _, error = run("check", "--store", store, "--date", GOOD, "--webhook", url)
    assert status == 0
    assert "the webhook at 127.0.0.1 did not take the result" in error
    assert "secret-token" not in error
