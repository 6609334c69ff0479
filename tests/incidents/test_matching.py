"""What a check means for known incidents, from findings alone: without a store or rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.findings import Finding, Verdict
from fsq.diagnosis.named import NamedRows
from fsq.diagnosis.records import Records
from fsq.incidents.incident import Incident
from fsq.incidents.matching import Change, compare_with_findings
from tests.support.healthy_days import CONTRACT

DAYS = [date(2026, 2, 1) + timedelta(days=i) for i in range(9)]
NOW = datetime(2026, 2, 10, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)
TABLE = "player_composite_factors"
FINDING = Finding(
    "upstream_table_missing", "yellow", "no records", (DAYS[3],), ("fatigue_score", "pace_score"),
    30, 120, TABLE, None, "the job ran late", {}, ("run it",), TABLE,
)  # fmt: skip
MISSING = Finding(
    "missing_rows", "red", "rows are missing", (DAYS[3],), (), 60, 120, None, None, "", {}, ()
)


def _diagnose(
    *findings: Finding,
    days: list[date] | None = None,
    verdict: Verdict = "green",
    lacking: tuple[dict[str, Any], ...] = (),
    filled: list[date] | None = None,
) -> Diagnosis:
    """A diagnosis of dates; all of them have rows, or those that are ``filled``."""
    none = pl.DataFrame()
    nobody = NamedRows.of(Records.of(none), {})
    dates = dict.fromkeys(days or [DAYS[3]], verdict)
    there = [*dates] if filled is None else filled
    rows = pl.DataFrame({"game_date": pl.Series(there, dtype=pl.Date)})
    return Diagnosis(CONTRACT, dates, findings, lacking, rows, none, nobody, none)


def _open(finding: Finding = FINDING) -> Incident:
    (incident,), _ = compare_with_findings([], _diagnose(finding), NOW)
    return incident


def _follow(
    incident: Incident, dx: Diagnosis, **options: Any
) -> tuple[list[Incident], list[tuple[str, str]]]:
    incidents, changes = compare_with_findings([incident], dx, LATER, **options)
    return incidents, [_tell(c) for c in changes]


def _tell(change: Change) -> tuple[str, str]:
    return change.what, change.incident.id


def test_an_incident_opens_as_its_finding_describes_it() -> None:
    lasting = replace(FINDING, dates=(DAYS[2], DAYS[3]))
    (incident,), changes = compare_with_findings([], _diagnose(lasting, days=DAYS[2:4]), NOW)
    assert [_tell(c) for c in changes] == [("opened", lasting.id)]
    assert (incident.first_date, incident.last_date) == (DAYS[2], DAYS[3])
    assert (incident.opened_at, incident.changed_at, incident.state) == (NOW, NOW, "open")
    for name in ("kind", "severity", "place", "features", "title", "cause", "remedy", "rows"):
        assert getattr(incident, name) == getattr(lasting, name)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"dates": (DAYS[4],)}, True),  # an open one lasts
        ({"features": ("pace_score",)}, True),
        ({"features": ("usage_spike_score",)}, False),
        ({"features": ()}, False),
        ({"kind": "feature_missing"}, False),
        ({"place": "player_daily_cache"}, False),
    ],
)
def test_a_finding_belongs_to_the_incident_of_its_cause(change: dict[str, Any], same: bool) -> None:
    finding = replace(FINDING, **change)
    incidents, told = _follow(_open(), _diagnose(finding, days=[*finding.dates]))
    assert len(incidents) == (1 if same else 2)
    assert ("opened" in {what for what, _ in told}) != same


def test_findings_about_rows_have_no_features_in_common() -> None:
    incidents, told = _follow(_open(MISSING), _diagnose(MISSING))
    assert (len(incidents), told) == (1, [])
    assert incidents[0].changed_at == NOW


def test_several_incidents_are_told_apart_and_all_are_followed() -> None:
    info = replace(FINDING, severity="info", kind="feature_missing")
    other = replace(FINDING, kind="default_rise")
    incidents, changes = compare_with_findings([], _diagnose(info, MISSING, FINDING, other), NOW)
    assert [i.kind for i in incidents] == [MISSING.kind, FINDING.kind, other.kind]
    assert [c.what for c in changes] == ["opened"] * 3
    again, changes = compare_with_findings(
        incidents, _diagnose(FINDING, other), LATER, skipped=[MISSING.kind]
    )
    assert again == incidents
    assert changes == []
    again, changes = compare_with_findings(incidents, _diagnose(other), LATER)
    assert [i.state for i in again] == ["resolved", "open", "open"]  # the last two have one cause
    assert [_tell(c) for c in changes] == [("resolved", MISSING.id)]


@pytest.mark.parametrize("day", [DAYS[3], DAYS[4]])
@pytest.mark.parametrize("verdict", ["red", "green"])
def test_a_date_without_rows_is_rid_of_nothing(day: date, verdict: Verdict) -> None:
    """Neither one that is missed, nor one on which nothing was to take place."""
    overdue = replace(MISSING, kind="store_outdated", dates=(day,))
    for findings in ((), (overdue,)):
        dx = _diagnose(*findings, days=[day], verdict=verdict, filled=[])
        (incident, *_), told = _follow(_open(), dx)
        assert (incident.state, incident.dates) == ("open", (DAYS[3],))
        assert [what for what, _ in told] == ["opened"] * len(findings)


def test_rows_were_missed_on_a_date_that_is_none() -> None:
    rest_day = _diagnose(days=[DAYS[3]], filled=[])
    ((incident,), told) = _follow(_open(MISSING), rest_day)
    assert (incident.state, told) == ("resolved", [("resolved", MISSING.id)])
    for dx in (
        _diagnose(days=[DAYS[3]], verdict="red", filled=[]),
        _diagnose(days=[DAYS[4]], filled=[]),
    ):
        assert _follow(_open(MISSING), dx)[0][0].state == "open"


def test_what_only_known_incidents_are_looked_after_for_opens_none() -> None:
    unknown = replace(FINDING, kind="default_rise")
    assert _follow(_open(), _diagnose(FINDING, unknown), only_known=True) == ([_open()], [])


@pytest.mark.parametrize(
    ("change", "worse"),
    [
        ({"severity": "red"}, True),
        ({"rows_affected": 60}, True),
        ({"rows_affected": 59}, False),
        ({"rows_affected": 10}, False),
        ({"severity": "yellow", "rows": 40}, True),
    ],
)
def test_it_is_worse_if_graver_or_of_many_more_rows(change: dict[str, Any], worse: bool) -> None:
    incidents, told = _follow(_open(), _diagnose(replace(FINDING, **change)))
    assert told == ([("worse", FINDING.id)] if worse else [])
    assert incidents[0].rows_affected == change.get("rows_affected", 30)


def test_an_older_date_that_is_checked_again_says_nothing_of_today() -> None:
    older = replace(FINDING, dates=(DAYS[1],), title="older", rows_affected=1, severity="red")
    ((incident,), _) = _follow(_open(), _diagnose(older, days=[DAYS[1]]))
    assert (incident.title, incident.rows_affected) == (FINDING.title, 30)
    assert (incident.first_date, incident.last_date) == (DAYS[1], DAYS[3])
    assert incident.dates == (DAYS[1], DAYS[3])
    assert incident.severity == "red"


def test_it_is_gone_once_a_later_date_is_healthy() -> None:
    ((incident,), told) = _follow(_open(), _diagnose(days=[DAYS[2]]))
    assert (incident.state, told) == ("open", [])
    ((incident,), told) = _follow(_open(), _diagnose(days=[DAYS[4], DAYS[5]]))
    assert (incident.state, incident.how, told) == (
        "resolved", f"gone on {DAYS[4]}", [("resolved", FINDING.id)]
    )  # fmt: skip
    assert (incident.ended_at, incident.dates) == (LATER, (DAYS[3],))


@pytest.mark.parametrize(
    ("how", "said"),
    [(None, "its dates were checked again and are healthy"), ("repaired", "repaired")],
)
def test_it_is_gone_once_its_dates_are_healthy(how: str | None, said: str) -> None:
    ((incident,), told) = _follow(_open(), _diagnose(), how=how)
    assert (incident.how, incident.dates) == (said, ())
    assert told == [("resolved", FINDING.id)]
    # Told once.
    assert _follow(incident, _diagnose()) == ([incident], [])


@pytest.mark.parametrize(
    ("check", "features", "day", "gone"),
    [
        (FINDING.kind, [], DAYS[4], False),
        (FINDING.kind, ["pace_score", "unlike"], DAYS[4], False),
        (FINDING.kind, ["unlike"], DAYS[4], True),
        (FINDING.kind, [], DAYS[5], True),
        ("stale_data", [], DAYS[4], True),
    ],
)
def test_what_was_not_evaluated_is_not_healthy(
    check: str, features: list[str], day: date, gone: bool
) -> None:
    lacking = {"check": check, "reason": "", "dates": [day], "features": features}
    ((incident,), _) = _follow(_open(), _diagnose(days=[DAYS[4]], lacking=(lacking,)))
    assert (incident.state == "resolved") == gone


def test_a_date_of_which_nothing_is_known_is_not_healthy() -> None:
    ((incident,), _) = _follow(_open(), _diagnose(days=[DAYS[4]], verdict="unknown"))
    assert incident.state == "open"


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"features": ("pace_score",)}, False),  # it has another name now
        ({"features": ("usage_spike_score",)}, True),
        ({"features": ()}, True),  # rows are missing, which is another cause
        ({"features": ("pace_score",), "severity": "info"}, True),
    ],
)
def test_a_cause_under_another_name_is_not_gone(change: dict[str, Any], gone: bool) -> None:
    now = replace(FINDING, kind="feature_missing", dates=(DAYS[4],), **change)
    incidents, _ = _follow(_open(), _diagnose(now, days=[DAYS[4]], verdict="yellow"))
    assert (incidents[0].state == "resolved") == gone


def test_missing_rows_under_another_name_are_not_gone() -> None:
    now = replace(MISSING, kind="no_rows", dates=(DAYS[4],))
    incidents, _ = _follow(_open(MISSING), _diagnose(now, days=[DAYS[4]], verdict="red"))
    assert [i.state for i in incidents] == ["open", "open"]


def test_a_fault_that_returns_is_a_new_incident_unless_its_dates_are_the_same() -> None:
    ((ended,), _) = _follow(_open(), _diagnose(days=[DAYS[4]]))
    later = replace(FINDING, dates=(DAYS[6],))
    (_, new), told = _follow(ended, _diagnose(later, days=[DAYS[6]]))
    assert (new.id, told) == (f"{FINDING.id}-2", [("opened", f"{FINDING.id}-2")])
    third, _ = compare_with_findings(
        [ended, replace(new, ended_at=NOW)],
        _diagnose(replace(FINDING, dates=(DAYS[8],)), days=[DAYS[8]]),
        LATER,
    )
    assert third[-1].id == f"{FINDING.id}-3"
    assert _follow(ended, _diagnose(FINDING)) == ([ended], [])


def test_what_is_worse_than_was_accepted_is_a_new_incident() -> None:
    known = replace(_open(), accepted_at=NOW, reason="phased out")
    said = replace(FINDING, severity="info", accepted="phased out")
    assert _follow(known, _diagnose(said)) == ([known], [])
    incidents, told = _follow(known, _diagnose(replace(FINDING, severity="red")))
    assert told == [("opened", f"{FINDING.id}-2")]
    assert [i.state for i in incidents] == ["accepted", "open"]
    # What was accepted elsewhere opens none.
    assert compare_with_findings([], _diagnose(said), NOW) == ([], [])
