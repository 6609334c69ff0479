"""What to check of a store, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import polars as pl

from fsq.diagnosis import Diagnosis, Finding
from fsq.diagnosis.findings import SEVERITIES, Verdict, find_worst
from fsq.incidents import Change, Incident
from fsq.intake.run_context import RunContext

FailOn = Literal["red", "yellow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What to check of a store, and how.

    Attributes:
        start: first date; None with ``end`` for the newest one.
        end: last date, included.
        run: what upstream reports of its run, for rows that do not say it themselves.
        source: what the repairing commands name as the source; None for the store's own.
        compare: whether ``source`` is read, and its rows compared with those that were scored.
        schedule: the events that were to take place: the contract's date, and its group.
        max_age: how long ago the newest date may have ended.
        record: enter what is found into the store's ledger of incidents.
        channels: names of those that are to be notified of what changes, if it is recorded.
        how: what made dates healthy again, for the ledger; a phrase.
        now: the clock, UTC; None for the current time.
    """

    start: date | None = None
    end: date | None = None
    run: RunContext | None = None
    source: str | None = None
    compare: bool = False
    schedule: pl.DataFrame | None = None
    max_age: timedelta | None = None
    record: bool = False
    channels: tuple[str, ...] = ()
    how: str | None = None
    now: datetime | None = None

    @property
    def moment(self) -> datetime:
        """The clock."""
        return self.now or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What a check of a store found.

    Attributes:
        store: its URI.
        dx: the diagnosis of the dates, with what was found of the store as a whole.
        newest: its newest date, if that was looked up.
        age: how long ago that date ended; nothing if it is not over.
        checked_at: when, UTC.
        changes: what opened, got worse or was resolved; None if nothing was recorded.
        open_incidents: how many are open after it; None if nothing was recorded.
        days_ahead: by how many days the newest date is ahead of today's, in the contract's zone.
        owed: incidents of which some channel is still to be notified, by this check or another.
    """

    store: str
    dx: Diagnosis
    newest: date | None
    age: timedelta | None
    checked_at: datetime
    changes: tuple[Change, ...] | None = None
    open_incidents: int | None = None
    days_ahead: int = 0
    owed: tuple[Incident, ...] = ()

    def has_failed(self, fail_on: FailOn) -> bool:
        """Whether the worst verdict is this one or worse."""
        return self.dx.verdict == "red" or (self.dx.verdict == "yellow" and fail_on == "yellow")

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON types, with what is known of the store."""
        hours = None if self.age is None else round(self.age.total_seconds() / 3600, 2)
        newest = None if self.newest is None else {"date": self.newest.isoformat()}
        changes = None
        if self.changes is not None:
            changes = [{"what": c.what} | c.incident.to_dict() for c in self.changes]
        return self.dx.to_dict() | {
            "newest": newest and newest | {"age_hours": hours, "days_ahead": self.days_ahead},
            "changes": changes,
            "open_incidents": self.open_incidents,
        }


def add_finding(dx: Diagnosis, finding: Finding) -> Diagnosis:
    """The diagnosis with one more finding, before those that are less severe or as severe."""
    rank = SEVERITIES.index(finding.severity)
    place = sum(SEVERITIES.index(f.severity) < rank for f in dx.findings)
    findings = (*dx.findings[:place], finding, *dx.findings[place:])
    verdicts: dict[date, Verdict] = dict(dx.dates)
    if finding.severity != "info":
        for day in finding.dates:
            verdicts[day] = find_worst([finding.severity, verdicts.get(day, "green")])
    ordered = {d: verdicts[d] for d in sorted(verdicts)}
    return replace(dx, dates=ordered, findings=findings, named=dx.named.move(place))
