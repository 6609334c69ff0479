"""The ledger of incidents: opened, got worse, resolved, accepted, and back again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.errors import InputError, StoreError
from fsq.incidents import (
    Change,
    accept_incident,
    list_accepted,
    list_excluded_dates,
    note_repair,
    read_incidents,
    record_findings,
)
from fsq.stores import Store
from tests.support.faults import FACTORS, ZONES, before, fall_back, number
from tests.support.healthy_days import LAST, make_days

NOW = datetime(2026, 2, 11, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def healthy() -> pl.DataFrame:
    return make_days(20, seed=2)


@pytest.fixture
def store(tmp_path: Path, healthy: pl.DataFrame) -> Store:
    opened = fsq.open_store(str(tmp_path / "store"))
    opened.replace(fsq.score(healthy))
    return opened


def spoil(store: Store, healthy: pl.DataFrame, *faults: tuple[list[date], float, str]) -> None:
    """Score these dates again, with faults."""
    rows = healthy
    for fault in faults:
        rows = fall_back(rows, *fault)
    store.replace(fsq.score(rows))


def check(store: Store, *days: date, hours: int = 0, how: str | None = None) -> list[Change]:
    """Check dates as a nightly job does, and record what is found."""
    dx = fsq.diagnose(
        store.read(),
        dates=list(days),
        not_history=list_excluded_dates(store),
        accepted=list_accepted(store),
    )
    return record_findings(store, dx, NOW + timedelta(hours=hours), how)


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(c.what, c.incident.kind) for c in changes]


def test_a_fault_is_one_incident_from_its_first_date_to_its_end(
    store: Store, healthy: pl.DataFrame
) -> None:
    spoil(store, healthy, ([before(n) for n in (3, 2, 1)], 0.25, FACTORS))
    assert told(check(store, before(4))) == []
    assert told(check(store, before(3))) == [("opened", "processor_wrote_part")]
    assert told(check(store, before(2))) == []
    assert told(check(store, before(1))) == []
    (lasting,) = read_incidents(store)
    assert (lasting.state, lasting.first_date, lasting.last_date) == ("open", before(3), before(1))
    assert lasting.dates == (before(3), before(2), before(1))
    assert list_excluded_dates(store) == [*lasting.dates]
    assert told(check(store, LAST, hours=5)) == [("resolved", "processor_wrote_part")]
    (ended,) = read_incidents(store)
    assert (ended.state, ended.how, ended.id) == ("resolved", f"gone on {LAST}", lasting.id)
    assert ended.ended_at == NOW + timedelta(hours=5)
    # The rows of its dates are still wrong.
    assert list_excluded_dates(store) == [*lasting.dates]


def test_a_repaired_date_is_history_again(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([LAST], 1.0, FACTORS))
    assert told(check(store, LAST)) == [("opened", "processor_wrote_nothing")]
    note_repair(store, [read_incidents(store)[0].id], [{"command": "run it", "exit_status": 0}])
    spoil(store, healthy)
    assert told(check(store, LAST, how="repaired by `run it`")) == [
        ("resolved", "processor_wrote_nothing")
    ]
    (ended,) = read_incidents(store)
    assert (ended.state, ended.how) == ("resolved", "repaired by `run it`")
    assert ended.repairs == ({"command": "run it", "exit_status": 0},)
    assert list_excluded_dates(store) == []


def test_it_says_when_something_got_worse(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(2)], 0.25, FACTORS), ([before(1)], 0.6, FACTORS))
    assert told(check(store, before(2))) == [("opened", "processor_wrote_part")]
    assert told(check(store, before(1))) == [("worse", "processor_wrote_part")]
    assert told(check(store, before(1))) == []
    assert read_incidents(store)[0].severity == "red"


def test_a_fault_that_returns_is_another_incident(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(3), before(1)], 0.25, FACTORS))
    for days in (3, 2, 1):
        check(store, before(days))
    first, second = read_incidents(store)
    assert (first.state, second.state) == ("resolved", "open")
    assert second.id == f"{first.id}-2"


def test_two_causes_are_two_incidents(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([LAST], 0.25, FACTORS), ([LAST], 1.0, ZONES))
    assert len(check(store, LAST)) == 2
    assert {i.upstream_table for i in read_incidents(store)} == {FACTORS, ZONES}


def test_what_is_accepted_is_normal_and_is_said(store: Store, healthy: pl.DataFrame) -> None:
    lasting = [before(n) for n in range(6)]
    spoil(store, healthy, (lasting, 0.25, FACTORS))
    check(store, before(5))
    (incident,) = read_incidents(store)
    accepted = accept_incident(store, incident.id, "the table is\nbeing phased out")
    assert accepted.state == "accepted"
    assert list_excluded_dates(store) == []
    normal: dict[str, Any] = {"accepted": list_accepted(store), "not_history": []}
    dx = fsq.diagnose(store.read(), dates=[before(5), before(4)], **normal)
    assert set(dx.dates.values()) == {"green"}
    (said,) = [f for f in dx.findings if f.accepted]
    assert (said.severity, said.accepted) == ("info", "the table is\nbeing phased out")
    assert "being phased out" in str(dx)
    # It lasts: the next dates are normal as well, and open no incident.
    for days in (4, 3, 2, 1, 0):
        assert check(store, before(days)) == []
    assert [i.state for i in read_incidents(store)] == ["accepted"]


def test_what_is_worse_than_accepted_is_a_finding(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(2), before(1)], 0.25, FACTORS), ([LAST], 1.0, FACTORS))
    check(store, before(2))
    accept_incident(store, read_incidents(store)[0].id, "known")
    assert check(store, before(1)) == []
    assert told(check(store, LAST)) == [("opened", "processor_wrote_nothing")]
    assert list_excluded_dates(store) == [LAST]


def test_an_acceptance_ends_with_its_incident(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(4), before(2)], 0.25, FACTORS))
    check(store, before(4))
    accept_incident(store, read_incidents(store)[0].id, "an outage that is known")
    check(store, before(3))
    assert told(check(store, before(2))) == [("opened", "processor_wrote_part")]
    assert list_excluded_dates(store) == [before(2)]


def test_what_was_not_evaluated_is_not_resolved(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(1)], 0.25, FACTORS))
    check(store, before(1))
    few = fsq.score(healthy.filter((pl.col("game_date") == LAST) & (number < 10)))
    assert record_findings(store, fsq.diagnose(few)) == []
    assert read_incidents(store)[0].state == "open"


def test_a_cause_under_another_name_is_not_gone(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(2)], 0.25, FACTORS), ([before(1)], 1.0, FACTORS))
    check(store, before(2))
    assert told(check(store, before(1))) == [("opened", "processor_wrote_nothing")]
    assert [i.state for i in read_incidents(store)] == ["open", "open"]
    check(store, LAST)
    assert [i.state for i in read_incidents(store)] == ["resolved", "resolved"]


def test_known_incidents_can_be_looked_after_alone(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(1)], 0.25, FACTORS), ([LAST], 0.25, ZONES))
    check(store, before(1))
    dx = fsq.diagnose(store.read(), dates=[before(1), LAST])
    (change,) = record_findings(store, dx, only_known=True)
    assert (change.what, change.incident.upstream_table) == ("resolved", FACTORS)
    assert len(read_incidents(store)) == 1


def test_the_order_of_checks_does_not_matter(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(3), before(2)], 0.25, FACTORS))
    check(store, before(2))
    check(store, before(3))
    (incident,) = read_incidents(store)
    assert (incident.first_date, incident.dates) == (before(3), (before(3), before(2)))


@pytest.mark.parametrize(("name", "why"), [("00000000", "known"), ("", "known"), (None, "  ")])
def test_only_what_is_known_is_accepted_and_with_a_reason(
    store: Store, healthy: pl.DataFrame, name: str | None, why: str
) -> None:
    spoil(store, healthy, ([LAST], 0.25, FACTORS))
    check(store, LAST)
    (incident,) = read_incidents(store)
    with pytest.raises(InputError, match="was not accepted"):
        accept_incident(store, incident.id if name is None else name, why)
    assert read_incidents(store) == [incident]
    assert accept_incident(store, incident.cause_id, "known").id == incident.id


@pytest.mark.parametrize(
    "damage",
    [
        pl.col("dates").str.replace("2026", "soon"),
        pl.lit("{").alias("features"),
        pl.lit(None, pl.String).alias("title_of_old"),
        pl.lit("[1, 2]").alias("dates"),
    ],
)
def test_a_ledger_that_makes_no_sense_is_one_clear_error(
    store: Store, healthy: pl.DataFrame, damage: pl.Expr
) -> None:
    spoil(store, healthy, ([LAST], 0.25, FACTORS))
    check(store, LAST)
    ledger = store.read_side("incidents")
    assert ledger is not None
    damaged = ledger.with_columns(damage)
    if "title_of_old" in damaged.columns:
        damaged = damaged.drop("title")
    store.write_side("incidents", damaged)
    for use in (read_incidents, list_excluded_dates, lambda s: accept_incident(s, "x", "y")):
        with pytest.raises(StoreError, match="its ledger of incidents cannot be read"):
            use(store)


def test_a_store_without_a_ledger_has_no_incident(store: Store) -> None:
    assert read_incidents(store) == []
    assert list_excluded_dates(store) == []
    assert list_accepted(store) == []


def test_a_range_tells_of_what_is_over_already(store: Store, healthy: pl.DataFrame) -> None:
    spoil(store, healthy, ([before(4), before(2)], 0.25, FACTORS))
    changes = check(store, *(before(n) for n in range(6)))
    assert told(changes) == [("opened", "processor_wrote_part")]
    (incident,) = read_incidents(store)
    assert (incident.state, incident.how) == ("resolved", f"gone on {before(1)}")
    assert incident.dates == (before(4), before(2))
