"""The ledger in BigQuery, and what reads it: the same incidents as in a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import fsq
from fsq.cli import main
from fsq.incidents import accept_incident, read_incidents, record_findings
from fsq.reporting.page import make_report
from tests.support.faults import before, fall_back
from tests.support.healthy_days import CONTRACT, LAST, make_days


def test_the_ledger_is_the_same_in_every_store(dataset: str, tmp_path: Path) -> None:
    rows = fall_back(make_days(8, 60, seed=2), [before(1), LAST], 0.125)
    scored = fsq.score(rows)
    stores = [str(tmp_path / "store"), f"bigquery://{dataset}.features"]
    ledgers = []
    for uri in stores:
        fsq.open_store(uri).replace(scored)
        for day in (before(1), LAST):
            assert main(["check", "--store", uri, "--date", str(day), "--record"]) == 0
        (incident,) = read_incidents(fsq.open_store(uri))
        accept = ["incidents", "--store", uri, "accept", incident.id, "--why", 'it\'s "known"']
        assert main(accept) == 0
        strict = ["check", "--store", uri, "--fail-on", "yellow", "--record"]
        assert main(strict) == 0
        (incident,) = read_incidents(fsq.open_store(uri))
        ledgers.append(incident.to_dict())
    unalike = {"opened_at", "changed_at", "accepted_at", "remedy"}
    first, second = ({k: v for k, v in i.items() if k not in unalike} for i in ledgers)
    assert first == second
    assert first["reason"] == 'it\'s "known"'


def test_a_report_takes_what_was_accepted(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"))
    store.replace(fsq.score(fall_back(make_days(8, seed=2), [LAST], 0.25)))
    dx = fsq.diagnose(store.read(), dates=[LAST])
    record_findings(store, dx)
    now = datetime(2026, 2, 11, tzinfo=UTC)
    assert 'class="finding yellow"' in make_report(store, CONTRACT, LAST, now=now)
    (incident,) = read_incidents(store)
    accept_incident(store, incident.id, "it is <known>")
    page = make_report(store, CONTRACT, LAST, now=now)
    assert 'class="finding yellow"' not in page
    assert "Accepted: it is &lt;known&gt;" in page
