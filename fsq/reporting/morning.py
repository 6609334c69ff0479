"""What an operator needs first: the newest date, its verdict, what opened, what to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from fsq.checking.freshness import OUTDATED, count_days_ahead, describe_age, measure_age
from fsq.contract import Contract
from fsq.diagnosis import Finding
from fsq.diagnosis.findings import Severity, Verdict
from fsq.incidents import Incident
from fsq.reporting.contents import Contents

_RECENT = 60  # dates that show how long a break may last
_MIN_GAPS = 5


@dataclass(frozen=True)
class Due:
    """When a newer date has to be there, for a page that is read long after it was made.

    Attributes:
        at: the moment, UTC.
        severity: what the store is then: red if somebody said how old it may be, else yellow.
    """

    at: datetime
    severity: Severity


@dataclass(frozen=True)
class Morning:
    """The state of the newest date.

    Attributes:
        newest: the date.
        verdict: that of the date, or red if the store is too old.
        ended: when the date was over, UTC.
        age: how long ago that was, in words.
        late: what is unusual about the age; None if nothing is.
        due: when it will be too old; None if it is, or if nothing says so.
        findings: those of the newest date, red and yellow, with ``since`` and ``opened``.
        earlier: how many red and yellow findings only earlier dates have.
        commands: what to run, each once, in order.
        incidents: those that are open in the ledger.
    """

    newest: date
    verdict: Verdict
    ended: datetime
    age: str
    late: str | None
    due: Due | None
    findings: list[dict[str, Any]]
    earlier: int
    commands: list[str]
    incidents: list[Incident]


def look_at_newest(made: Contents) -> Morning:
    """Sum up the newest date; a finding that the store is too old counts as one of it."""
    dx, now = made.dx, made.now
    contract = dx.contract
    dates = sorted(dx.days[contract.table.date].to_list())
    newest = dates[-1]
    age = measure_age(newest, contract, now)
    chosen = [f for f in dx.findings if f.severity != "info" and _is_now(f, newest)]
    overdue = any(f.kind == OUTDATED for f in chosen)
    verdict: Verdict = "red" if overdue else dx.dates[newest]
    ended = now.astimezone(UTC) - age if age else find_end(newest, contract)
    late = None if overdue or not made.is_open else _find_break(dates, age)
    others = [f for f in dx.findings if f.severity != "info" and f not in chosen]
    return Morning(
        newest,
        verdict,
        ended,
        describe_age(age, count_days_ahead(newest, contract, now)),
        late,
        None if overdue or late or not made.is_open else find_due(dates, ended, made.max_age),
        [_describe(f, dates) for f in chosen],
        len(others),
        list_commands(chosen),
        [i for i in made.incidents if i.state == "open"],
    )


def find_end(day: date, contract: Contract) -> datetime:
    """When a date is over, in the contract's zone."""
    early = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=3)
    return early - measure_age(day, contract, early)


def list_commands(findings: Sequence[Finding]) -> list[str]:
    """The commands that repair findings, each once: a job runs before what reads its table."""
    commands = [c for f in findings for c in f.remedy]
    # Of commands that several findings need, the last place is after all that it waits for.
    return list(dict.fromkeys(reversed(commands)))[::-1]


def name_anchor(finding: Finding) -> str:
    """What links call a finding; a cause may have several, which differ in their dates."""
    return f"finding-{finding.id}-{finding.dates[0]}-{finding.severity}"


def _is_now(finding: Finding, newest: date) -> bool:
    return newest in finding.dates or finding.kind == OUTDATED


def _describe(finding: Finding, dates: Sequence[date]) -> dict[str, Any]:
    """A finding, with the first date of those on which it has lasted without a break."""
    since, shows = dates[-1], set(finding.dates)
    for day in reversed(dates):
        if day not in shows:
            break
        since = day
    return {
        "anchor": name_anchor(finding),
        "severity": finding.severity,
        "title": finding.title,
        "since": since,
        "opened": since == dates[-1] and finding.kind != OUTDATED,
    }


def find_due(dates: Sequence[date], ended: datetime, max_age: timedelta | None) -> Due | None:
    """When a newer date has to be there: as somebody said, or after the longest break yet."""
    if max_age is not None:
        return Due(ended + max_age, "red")
    longest = _find_longest_break(dates)
    return None if longest is None else Due(ended + timedelta(days=longest + 1), "yellow")


def _find_longest_break(dates: Sequence[date]) -> int | None:
    """The most days from one date to the next; None of a few dates."""
    gaps = [(b - a).days for a, b in pairwise(dates[-_RECENT:])]
    return max(gaps) if len(gaps) >= _MIN_GAPS else None


def _find_break(dates: Sequence[date], age: timedelta) -> str | None:
    """What is unusual about the age: that no break lasted nearly as long."""
    longest = _find_longest_break(dates)
    if longest is None or age.days <= longest:
        return None
    usual = "a day" if longest == 1 else f"{longest} days"
    return f"no rows for {age.days} days, while dates are at most {usual} apart: did the job run?"
