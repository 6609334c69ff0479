"""``fsq repair``: a date's remedies are run once each, and what is still wrong is said."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

import fsq
from fsq.cli import main
from tests.support.cli import Command
from tests.support.faults import FACTORS, ZONES, before, fall_back, fill_store
from tests.support.healthy_days import LAST, make_days

JOBS = {FACTORS: "PlayerCompositeFactorsProcessor", ZONES: "TeamDefenseZoneAnalysisProcessor"}
# Stands for the scheduler: what a job does is a file of rows that becomes the source.
JOB = """#!{python}
import shutil, sys
from pathlib import Path
folder = Path({folder!r})
job = sys.argv[1]
with (folder / "log").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
print("running\\x1b[31m", job)
rows = folder / (job + ".parquet")
if not rows.exists():
    sys.exit("no such job")
shutil.copy(rows, folder / "rows.parquet")
"""


class Warehouse:
    """A source, its store, and the jobs that can repair the source."""

    def __init__(self, folder: Path, *tables: str) -> None:
        self.folder = folder
        self.healthy = make_days(12, seed=2)
        rows = self.healthy
        for table in tables:
            rows = fall_back(rows, [LAST], 1.0, table)
        self.source, self.store = fill_store(folder, rows)

    def can_repair(self, table: str, rows: pl.DataFrame | None = None) -> None:
        (self.healthy if rows is None else rows).write_parquet(
            self.folder / f"{JOBS[table]}.parquet"
        )

    @property
    def log(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Warehouse]:
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "run-processor"
    script.write_text(JOB.format(python=sys.executable, folder=str(tmp_path)))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    return lambda *tables: Warehouse(tmp_path, *tables)


def incidents(run: Command, store: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("incidents", "--store", store, "--json").document["incidents"]
    return found


def test_a_date_is_repaired_scored_and_checked_again(
    run: Command, make: Callable[..., Warehouse]
) -> None:
    warehouse = make(FACTORS)
    warehouse.can_repair(FACTORS)
    assert run("check", "--store", warehouse.store).status == 1
    done = run("repair", "--store", warehouse.store, "--date", LAST, "--yes")
    assert done.status == 0
    assert warehouse.log == [f"{JOBS[FACTORS]} --date {LAST}"]
    assert f"  running {JOBS[FACTORS]}" in done.out
    assert done.out.endswith("Repaired by 2 commands\n")
    assert run("check", "--store", warehouse.store).status == 0
    (incident,) = incidents(run, warehouse.store)
    assert incident["state"] == "resolved"
    assert incident["how"].startswith(f"repaired by `run-processor {JOBS[FACTORS]}")
    assert [r["exit_status"] for r in incident["repairs"]] == [0, 0]
    assert "ran       2" in run("incidents", "--store", warehouse.store).out


def test_every_job_runs_before_the_rows_are_scored_again(
    run: Command, make: Callable[..., Warehouse]
) -> None:
    warehouse = make(FACTORS, ZONES)
    warehouse.can_repair(FACTORS, fall_back(warehouse.healthy, [LAST], 1.0, ZONES))
    warehouse.can_repair(ZONES)
    done = run("repair", "--store", warehouse.store, "--yes", "--json")
    document = json.loads(done.out)
    words = [a["command"].split()[0] for a in document["attempts"]]
    assert words == ["run-processor", "run-processor", "fsq"]
    assert (document["before"], len(warehouse.log)) == ("red", 2)
    assert document["verdict"] in ("green", "red")
    assert document["exit_status"] == done.status


def test_a_job_that_fails_ends_the_repair(run: Command, make: Callable[..., Warehouse]) -> None:
    warehouse = make(FACTORS)
    done = run("repair", "--store", warehouse.store, "--date", LAST, "--yes")
    assert done.status == 1
    assert "  no such job" in done.out
    assert f"Failed with exit status 1: run-processor {JOBS[FACTORS]} --date {LAST}" in done.out
    assert "Still wrong: 1 finding" in done.out
    (incident,) = incidents(run, warehouse.store)
    assert incident["state"] == "open"
    assert [r["exit_status"] for r in incident["repairs"]] == [1]


def test_a_remedy_that_does_not_help_is_run_once(
    run: Command, make: Callable[..., Warehouse]
) -> None:
    warehouse = make(FACTORS)
    warehouse.can_repair(FACTORS, pl.read_parquet(warehouse.source))
    done = run("repair", "--store", warehouse.store, "--yes")
    assert (done.status, len(warehouse.log)) == (1, 1)
    assert "Still wrong: 1 finding; no remedy is run twice" in done.out


def test_what_a_repair_uncovers_is_repaired_in_another_round(
    run: Command, make: Callable[..., Warehouse]
) -> None:
    warehouse = make(FACTORS)
    warehouse.can_repair(FACTORS, fall_back(warehouse.healthy, [LAST], 1.0, ZONES))
    warehouse.can_repair(ZONES)
    done = run("repair", "--store", warehouse.store, "--yes")
    assert warehouse.log == [f"{JOBS[table]} --date {LAST}" for table in (FACTORS, ZONES)]
    assert done.status == 0
    assert done.out.endswith("Repaired by 4 commands\n")
    assert {i["state"] for i in incidents(run, warehouse.store)} == {"resolved"}


def test_a_command_that_is_not_there_is_told(
    run: Command, make: Callable[..., Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = make(FACTORS)
    monkeypatch.setenv("PATH", str(warehouse.folder))
    done = run("repair", "--store", warehouse.store, "--yes")
    assert done.status == 1
    assert "it cannot be started" in done.out
    assert incidents(run, warehouse.store)[0]["repairs"][0]["exit_status"] == 127


@pytest.mark.parametrize(("answer", "ran"), [(True, 1), (False, 0)])
def test_it_asks_first(
    run: Command,
    make: Callable[..., Warehouse],
    monkeypatch: pytest.MonkeyPatch,
    answer: bool,
    ran: int,
) -> None:
    warehouse = make(FACTORS)
    asked = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(typer, "confirm", confirm)
    done = run("repair", "--store", warehouse.store)
    assert asked == ["Run 2 commands?"]
    assert f"$ run-processor {JOBS[FACTORS]} --date {LAST}" in done.out
    assert (done.status, len(warehouse.log)) == (1, ran)


def test_nobody_to_ask_is_no_yes(
    run: Command, make: Callable[..., Warehouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = make(FACTORS)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = run("repair", "--store", warehouse.store)
    assert (done.status, warehouse.log) == (2, [])
    assert "say --yes" in done.err


def test_a_healthy_date_needs_nothing(run: Command, make: Callable[..., Warehouse]) -> None:
    warehouse = make(FACTORS)
    done = run("repair", "--store", warehouse.store, "--date", before(1))
    assert (done.status, done.out, warehouse.log) == (0, "Nothing to repair\n", [])


def test_what_is_accepted_is_not_repaired(run: Command, make: Callable[..., Warehouse]) -> None:
    warehouse = make(FACTORS)
    run("check", "--store", warehouse.store, "--record")
    (incident,) = incidents(run, warehouse.store)
    run("incidents", "accept", incident["id"], "--why", "known", "--store", warehouse.store)
    assert run("repair", "--store", warehouse.store, "--yes").status == 0
    assert warehouse.log == []


def test_without_a_source_nothing_is_run(
    run: Command, make: Callable[..., Warehouse], tmp_path: Path
) -> None:
    warehouse = make(FACTORS)
    warehouse.can_repair(FACTORS)
    lonely = str(tmp_path / "lonely")
    fsq.open_store(lonely).replace(fsq.score(pl.read_parquet(warehouse.source)))
    refused = run("repair", "--store", lonely, "--yes")
    assert (refused.status, warehouse.log) == (2, [])
    assert "name it with --source" in refused.err
    assert run("repair", "--store", lonely, "--yes", "--source", warehouse.source).status == 0


def remember_jobs(warehouse: Warehouse, rerun: str) -> Path:
    """Let the store remember a contract of another name with another job."""
    text = (Path(fsq.__file__).parent / "contract/shipped/v2_33features.toml").read_text()
    own = warehouse.folder / "mine.toml"
    own.write_text(text.replace("run-processor", rerun))
    options = ["--contract", str(own), "--force", "--change-contract"]
    assert (
        main(["backfill", "--source", warehouse.source, "--store", warehouse.store, *options]) == 0
    )
    return own


@pytest.mark.parametrize("rerun", ["touch {folder}/done", "fsq backfill --store {folder}/done"])
def test_jobs_that_only_the_store_names_are_not_run_unasked(
    run: Command, make: Callable[..., Warehouse], monkeypatch: pytest.MonkeyPatch, rerun: str
) -> None:
    warehouse = make(FACTORS)
    text = rerun.format(folder=warehouse.folder)
    own = remember_jobs(warehouse, text)
    refused = run("repair", "--store", warehouse.store, "--yes")
    assert refused.status == 2
    assert f"only the contract that {warehouse.store} remembers names `{text}" in refused.err
    assert not (warehouse.folder / "done").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("repair", "--store", warehouse.store).status == 1
    assert not (warehouse.folder / "done").exists()
    own.write_text(own.read_text().replace(text, "run-processor"))
    warehouse.can_repair(FACTORS)
    assert run("repair", "--store", warehouse.store, "--contract", own, "--yes").status == 0
    assert warehouse.log
    assert not (warehouse.folder / "done").exists()
