"""How jobs are named, labelled, limited, waited for, found again and cancelled."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError
from google.cloud import bigquery

import fsq
from fsq.cli import main
from fsq.errors import InputError, StoreError
from fsq.stores import open_store
from fsq.stores.bigquery import jobs
from fsq.stores.bigquery.client import open_clients
from fsq.stores.bigquery.names import TableName
from tests.support.frames import wide
from tests.support.rest_front import Answer, Request, failed_job, fronted, refusal
from tests.support.warehouse import held, made, tables

ROWS = fsq.score(wide(), now=datetime(2026, 3, 1, tzinfo=UTC))
FULL = "Resources exceeded: Too many DML statements outstanding against table p:d.t, limit is 20."
BEATEN = "Could not serialize access to table p:d.t due to concurrent update"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, which take no time but pass it."""
    pauses: list[float] = []
    monkeypatch.setattr(jobs, "sleep", pauses.append)
    monkeypatch.setattr(jobs, "monotonic", lambda: time.monotonic() + sum(pauses))
    return pauses


def test_jobs_are_named_labelled_and_limited(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "?location=US&label=team:ml&label=cost:x1&job_prefix=nightly_&max_bytes=5GB"
    with fronted(monkeypatch, emulator) as requests:
        open_store(f"bigquery://{dataset}.t{options}").replace(ROWS)
    sent = [r.body for r in requests if r.is_job]
    assert len(sent) >= 4
    for body in sent:
        assert body["configuration"]["labels"] == {"tool": "fsq", "team": "ml", "cost": "x1"}
        assert body["configuration"]["query"]["maximumBytesBilled"] == "5000000000"
        assert body["jobReference"]["jobId"].startswith("nightly_fsq_")
        assert body["jobReference"]["location"] == "US"
    assert len({b["jobReference"]["jobId"] for b in sent}) == len(sent)


def test_the_limit_may_come_from_the_environment(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSQ_MAX_BYTES", "10^10")
    with fronted(monkeypatch, emulator) as requests:
        open_store(f"bigquery://{dataset}.t").replace(ROWS)
    limits = {r.body["configuration"]["query"]["maximumBytesBilled"] for r in requests if r.is_job}
    assert limits == {"10000000000"}
    monkeypatch.setenv("FSQ_MAX_BYTES", "plenty")
    with pytest.raises(InputError, match="FSQ_MAX_BYTES: plenty is not a number"):
        open_store(f"bigquery://{dataset}.t").version()


@pytest.mark.parametrize(
    "query",
    ["label=Team:ml", "max_bytes=0", "max_bytes=-1", "nonsense=1", "staging=a.b.c", "location="],
)
def test_options_that_cannot_be_read_are_refused(query: str) -> None:
    with pytest.raises(InputError, match="they are location=EU"):
        TableName.parse(f"bigquery://p.d.t?{query}")


@pytest.mark.parametrize("message", [FULL, BEATEN])
def test_a_full_queue_is_waited_for_many_minutes(
    message: str,
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    clock: list[float],
) -> None:
    def busy(request: Request) -> Answer | None:
        if request.sql.lstrip().startswith("MERGE") and sum(clock) < 1_200:
            return failed_job(request, "invalidQuery", message)
        return None

    with fronted(monkeypatch, emulator, busy):
        assert open_store(f"bigquery://{dataset}.t").replace(ROWS).rows == 40
    assert sum(clock) >= 1_200


def test_a_queue_that_stays_full_is_given_up(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    def busy(request: Request) -> Answer | None:
        if request.sql.lstrip().startswith("MERGE"):
            return failed_job(request, "invalidQuery", FULL)
        return None

    uri = f"bigquery://{dataset}.t"
    with fronted(monkeypatch, emulator, busy), pytest.raises(StoreError, match="outstanding"):
        open_store(uri).replace(ROWS)
    assert 1_700 < sum(clock) < 2_000
    assert held(uri).height == 0
    assert not [t for t in tables(dataset) if "staging" in t]


def test_a_statement_that_is_wrong_is_not_repeated(dataset: str, clock: list[float]) -> None:
    with open_clients("p") as clients, pytest.raises(GoogleAPICallError):
        jobs.run_query(clients.tables, "SELECT nonsense")
    assert clock == []


def test_a_submission_whose_answer_is_lost_is_found_again(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client sends it again; the service knows its id by then."""
    seen: dict[str, int] = {}

    def known(request: Request) -> Answer | None:
        if not request.sql.lstrip().startswith("MERGE"):
            return None
        job_id = request.body["jobReference"]["jobId"]
        seen[job_id] = seen.get(job_id, 0) + 1
        again = refusal(409, "duplicate", f"Already Exists: Job {job_id}")
        return again if seen[job_id] > 1 else None

    def lose(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if request.sql.lstrip().startswith("MERGE"):
            return refusal(503, "backendError", "Try again.")
        return status, body

    uri = f"bigquery://{dataset}.t"
    with fronted(monkeypatch, emulator, known, lose):
        assert open_store(uri).replace(ROWS).rows == 40
    assert held(uri).height == 40
    assert set(seen.values()) == {2}


class Interrupted:
    """A client whose job does not end before it is interrupted."""

    location, job_prefix = "EU", "fsq_"

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.cancelled: list[tuple[str, str]] = []

    def query(self, sql: str, *, job_id: str, **_: Any) -> Interrupted:
        self.job_id = job_id
        return self

    def done(self, **_: Any) -> bool:
        return True

    def result(self, **_: Any) -> list[Any]:
        raise self.error

    def cancel_job(self, job_id: str, *, location: str, **_: Any) -> None:
        self.cancelled.append((job_id, location))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ConnectionError("gone")])
def test_a_job_is_cancelled_when_it_is_left(error: BaseException) -> None:
    client = Interrupted(error)
    with pytest.raises(type(error)):
        jobs.run_query(client, "MERGE")
    assert client.cancelled == [(client.job_id, "EU")]


def test_a_job_that_has_failed_is_not_cancelled() -> None:
    client = Interrupted(BadRequest("no"))
    with pytest.raises(BadRequest):
        jobs.run_query(client, "MERGE")
    assert client.cancelled == []


def test_an_interrupted_command_leaves_no_job_running(
    dataset: str, emulator: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, started = tmp_path / "rows.parquet", threading.Event()
    wide().write_parquet(source)
    merges: list[str] = []

    def run_for_ever(request: Request) -> Answer | None:
        path = request.path.partition("?")[0]
        if request.sql.startswith(f"MERGE `{dataset}.t`"):
            merges.append(request.body["jobReference"]["jobId"])
            return 200, request.body | {"status": {"state": "RUNNING"}}
        if merges and path.endswith(f"/{merges[0]}/cancel"):
            return 200, {"job": {"status": {"state": "DONE"}}}
        if merges and merges[0] in path:
            started.set()
            reference = {"projectId": "p", "jobId": merges[0], "location": "US"}
            state = {"status": {"state": "RUNNING"}, "jobReference": reference}
            return 200, state | {"jobComplete": False}
        return None

    with fronted(monkeypatch, emulator, run_for_ever) as requests:
        words = ["backfill", "--source", str(source), "--store", f"bigquery://{dataset}.t"]
        command = [sys.executable, "-m", "fsq", *words]
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A shell that runs the tests in the background has its children ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            assert started.wait(120)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
            process.wait()
    cancelled = [r.path for r in requests if r.path.partition("?")[0].endswith("/cancel")]
    assert len(cancelled) == 1
    assert merges[0] in cancelled[0]
    assert not [t for t in tables(dataset) if "staging" in t]
    assert held(f"bigquery://{dataset}.t").height == 0


def test_the_estimate_asks_for_a_dry_run(
    dataset: str,
    emulator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = made(dataset, ROWS, partitioning=bigquery.TimePartitioning("MONTH", field="game_date"))

    def say(request: Request, status: int, body: dict[str, Any]) -> Answer:
        if request.is_job and request.body["configuration"].get("dryRun"):
            sizes = {"totalBytesProcessed": "123456789012"}
            body = body | {"statistics": {**sizes, "query": sizes}}
        return status, body

    with fronted(monkeypatch, emulator, after=say) as requests:
        words = ("--source", uri, "--store", f"{uri}?location=US", "--dry-run", "--force", "--json")
        assert main(["backfill", *words]) == 0
    assert '"merge": 123' in capsys.readouterr().out.replace("\n", "")
    dry = [r.sql for r in requests if r.is_job and r.body["configuration"].get("dryRun")]
    assert len(dry) == 1
    assert "`game_date` BETWEEN DATE '2026-01-01' AND DATE '2026-01-04'" in dry[0]
