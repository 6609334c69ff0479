"""``fsq check --record`` and ``fsq incidents``, as an operator uses them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.support.cli import Command
from tests.support.faults import before, fall_back, fill_store
from tests.support.healthy_days import LAST, make_days

DAYS = [before(2), before(1), LAST]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose last three dates lack a table for a quarter of the rows."""
    return fill_store(tmp_path, fall_back(make_days(14, seed=2), DAYS, 0.25))[1]


def test_what_is_open_since_when_and_what_became_of_it(run: Command, store: str) -> None:
    for day in DAYS:
        checked = run("check", "--store", store, "--date", day, "--record")
        assert checked.status == 0  # yellow
    assert "1 incident open; `fsq incidents` lists them" in checked.out
    listed = run("incidents", "--store", store)
    assert listed.status == 0
    assert listed.out.startswith("1 open incident, 0 accepted incidents, 0 resolved incidents")
    assert f"since     {before(2)}, seen last on {LAST}" in listed.out
    document = json.loads(run("incidents", "--store", store, "--json").out)
    (incident,) = document["incidents"]
    assert (incident["state"], incident["kind"]) == ("open", "processor_wrote_part")
    assert incident["dates"] == [str(d) for d in DAYS]
    assert incident["id"] in checked.out + listed.out


def test_check_without_record_writes_nothing(run: Command, store: str) -> None:
    run("check", "--store", store)
    assert not (Path(store) / "_fsq").exists()
    assert json.loads(run("incidents", "--store", store, "--json").out)["incidents"] == []


def test_the_ids_of_findings_name_the_incidents(run: Command, store: str) -> None:
    checked = json.loads(run("check", "--store", store, "--record", "--json").out)
    (finding,) = [f for f in checked["findings"] if f["severity"] == "yellow"]
    (change,) = checked["changes"]
    assert (change["what"], change["id"]) == ("opened", finding["id"])
    assert checked["open_incidents"] == 1
    again = json.loads(run("check", "--store", store, "--record", "--json").out)
    assert again["changes"] == []


def test_an_accepted_incident_no_longer_fails_and_is_said(run: Command, store: str) -> None:
    strict = ("check", "--store", store, "--fail-on", "yellow")
    assert run(*strict, "--date", before(2), "--record").status == 1
    (incident,) = json.loads(run("incidents", "--store", store, "--json").out)["incidents"]
    accepted = run("incidents", "accept", incident["id"], "--why", "phased out", "--store", store)
    assert accepted.status == 0
    assert f"Accepted {incident['id']}" in accepted.out
    for day in DAYS:
        checked = run(*strict, "--date", day)
        assert checked.status == 0
        assert "accepted  phased out" in checked.out
    markdown = run(*strict, "--format", "markdown").out
    assert "Accepted: phased out" in markdown
    listed = run("incidents", "--store", store).out
    assert "ACCEPTED" in listed
    assert "phased out" in listed
    assert run("incidents", "--store", store, "--open").out == "0 open incidents\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("accept", "nothing", "--why", "x"), 2, "has no incident 'nothing'"),
        (("accept", "nothing", "--why", ""), 2, "say why it is normal"),
        (("accept", "nothing"), 2, "--why"),
    ],
)
def test_what_cannot_be_accepted_is_told(
    run: Command, store: str, words: tuple[str, ...], status: int, message: str
) -> None:
    refused = run("incidents", "--store", store, *words)
    assert refused.status == status
    assert message in refused.err


def test_a_store_that_is_not_there_has_no_incidents(run: Command, tmp_path: Path) -> None:
    missing = run("incidents", "--store", tmp_path / "none")
    assert missing.status == 3
    assert "there is no store" in missing.err
    assert run("incidents").status == 2


def test_what_was_repaired_meanwhile_is_history_again_the_next_morning(
    run: Command, tmp_path: Path
) -> None:
    rows = fall_back(make_days(14, seed=2), [before(2)], 1.0)
    source, store = fill_store(tmp_path, rows.filter(pl.col("game_date") <= before(2)))
    assert run("check", "--store", store, "--record").status == 1
    make_days(14, seed=2).write_parquet(source)
    run("backfill", "--source", source, "--store", store)
    morning = json.loads(run("check", "--store", store, "--record", "--json").out)
    (change,) = morning["changes"]
    assert (change["what"], change["dates"]) == ("resolved", [])
    assert change["how"] == "its dates were checked again and are healthy"
    assert [d["date"] for d in morning["dates"]] == [str(LAST)]


def test_what_was_not_repaired_stays_out_of_the_history(run: Command, store: str) -> None:
    for day in DAYS[:2]:
        run("check", "--store", store, "--date", day, "--record")
    run("check", "--store", store, "--record")
    (incident,) = json.loads(run("incidents", "--store", store, "--json").out)["incidents"]
    assert (incident["state"], incident["dates"]) == ("open", [str(d) for d in DAYS])
