"""Clocks that jump in the middle of a run, and that are behind in the next one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsq.backfilling import backfill
from fsq.incidents import read_incidents
from fsq.stores import open_store
from tests.soak.kills import CONTRACTS
from tests.soak.whole import DAYS, answer, origins, versions
from tests.support.clock import WITHOUT, run_with_jumps
from tests.support.faults import fall_back, fill_store, spoil
from tests.support.healthy_days import LAST, make_days

pytestmark = pytest.mark.skipif(WITHOUT is not None, reason=str(WITHOUT))

BACKFILL = """
import sys, time, fsq
from fsq.backfilling import backfill
source, store, days = sys.argv[1:]
moments = [time.time()]
def jump_once(now):
    if len(moments) == 1:
        jump(int(days))
    moments.append(time.time())
done = backfill(source, store, chunk_rows=40, progress=jump_once)
print(done.dates, done.seconds, moments[-1] - moments[0])
"""
CHANGE = """
import sys
from fsq.backfilling import backfill
source, store, contract = sys.argv[1:]
backfill(source, store, contract=contract, change_contract=True)
"""
CHECK = "import sys; from fsq.cli import main; main(sys.argv[1:])"


def name_store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "delta":
        return str(tmp_path / "store")
    return f"bigquery://{request.getfixturevalue('dataset')}.scored"


@pytest.mark.parametrize(("kind", "days"), [("delta", 400), ("delta", -400), ("bigquery", -1)])
def test_a_clock_that_jumps_between_commits(
    kind: str, days: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows, source = versions(160)[0], tmp_path / "rows.parquet"
    rows.write_parquet(source)
    store, calm = name_store(kind, request, tmp_path), str(tmp_path / "calm")
    backfill(source, calm)
    told = run_with_jumps(tmp_path, BACKFILL, str(source), store, str(days))
    dates, seconds, moved = map(float, told.split())
    assert dates == DAYS
    assert 0 < seconds < 300
    assert abs(moved - days * 86400) < 300
    assert origins(open_store(store).read().collect(), [answer(rows)]) == [0] * DAYS
    assert open_store(store).ledger() == open_store(calm).ledger()
    assert backfill(source, store).skipped == DAYS


@pytest.mark.parametrize("kind", ["delta", "bigquery"])
def test_the_last_commit_counts_whatever_its_time(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A store remembers what was done last, not what a clock says was last."""
    source = tmp_path / "rows.parquet"
    versions(80)[0].write_parquet(source)
    store = name_store(kind, request, tmp_path)
    backfill(source, store, contract=CONTRACTS[0])
    run_with_jumps(tmp_path, CHANGE, str(source), store, CONTRACTS[1], days=-1)
    assert open_store(store).contract.name == CONTRACTS[1]
    assert {e.contract for e in open_store(store).ledger().values()} == {CONTRACTS[1]}
    assert backfill(source, store).skipped == DAYS


def test_incidents_end_though_the_clock_was_put_back(tmp_path: Path) -> None:
    rows = make_days(10, 60, seed=2)
    store = fill_store(tmp_path, fall_back(rows, [LAST], 1.0))[1]
    words = ("check", "--record", "--store", store, "--date", str(LAST))
    run_with_jumps(tmp_path, CHECK, *words, days=1)
    spoil(store, rows)
    run_with_jumps(tmp_path, CHECK, *words)
    (incident,) = read_incidents(open_store(store))
    assert incident.state == "resolved"
    assert incident.ended_at is not None
    assert incident.ended_at < incident.opened_at
    told = json.loads(run_with_jumps(tmp_path, CHECK, "incidents", "--store", store, "--json"))
    assert [i["state"] for i in told["incidents"]] == ["resolved"]
