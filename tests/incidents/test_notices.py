"""What a channel is owed: the newest change, until it was told; and by which ledgers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fsq.incidents import Change, Incident, list_owed
from fsq.incidents.incident import What
from fsq.incidents.notices import owe_notices, settle_notices

NOW = datetime(2026, 2, 7, tzinfo=UTC)
DAY = date(2026, 2, 6)
INCIDENT = Incident(
    id="a1",
    kind="out_of_range",
    severity="red",
    place="",
    features=("pace",),
    upstream_table=None,
    processor=None,
    title="pace is wrong",
    cause="It is.",
    rows_affected=1,
    rows=2,
    first_date=DAY,
    last_date=DAY,
    dates=(DAY,),
    is_fault=True,
    opened_at=NOW,
    changed_at=NOW,
)
OTHER = replace(INCIDENT, id="a2")


def owe(known: list[Incident], what: What, *channels: str) -> list[Incident]:
    """The incidents, after the first one changed."""
    return owe_notices(known, [Change(what, known[0])], channels)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["opened"], "opened"),
        (["opened", "worse"], "opened"),
        (["worse", "worse"], "worse"),
        (["opened", "worse", "resolved"], "resolved"),
        (["worse", "resolved"], "resolved"),
    ],
)
def test_a_channel_hears_of_several_changes_at_once(changes: list[What], told: What) -> None:
    known = [INCIDENT, OTHER]
    for what in changes:
        known = owe(known, what, "slack", "mailto")
    assert known[0].owed == {"slack": told, "mailto": told}
    assert list_owed(known, "slack") == [Change(told, known[0])]
    assert known[1] is OTHER


def test_a_channel_that_was_told_is_owed_nothing_and_others_are() -> None:
    known = owe([INCIDENT, OTHER], "opened", "slack", "mailto")
    settled = settle_notices(known, list_owed(known, "slack"), "slack")
    assert [i.owed for i in settled] == [{"mailto": "opened"}, {}]
    assert list_owed(settled, "slack") == []


def test_what_changed_while_a_channel_was_told_is_still_owed() -> None:
    known = owe([INCIDENT], "opened", "slack")
    told = list_owed(known, "slack")
    (later,) = settle_notices(owe(known, "resolved", "slack"), told, "slack")
    assert later.owed == {"slack": "resolved"}


def test_nobody_is_owed_what_nobody_was_to_hear() -> None:
    assert owe([INCIDENT], "opened") == [INCIDENT]


def test_ledgers_keep_it_and_older_ones_have_none() -> None:
    (incident,) = owe([INCIDENT], "opened", "slack 2")
    row = incident.to_row()
    assert row["owed"] == '{"slack 2": "opened"}'
    assert Incident.from_row(row) == incident
    del row["owed"]
    assert Incident.from_row(row) == INCIDENT
