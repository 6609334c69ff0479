"""What an operator needs first: the newest date, its verdict, what opened, what to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from fsq.checking.freshness import OUTDATED, describe_duration, measure_age
from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, Finding
from fsq.diagnosis.findings import Verdict
from fsq.incidents import Incident

_RECENT = 60  # dates that show how long a break may last


@dataclass(frozen=True)
class Morning:
    """The state of the newest date.

    Attributes:
        newest: the date.
        verdict: that of the date, or red if the store is too old.
        ended: when the date was over, UTC.
        age: how long ago that was, in words.
        late: what is unusual about the age; None if nothing is.
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
    findings: list[dict[str, Any]]
    earlier: int
    commands: list[str]
    incidents: list[Incident]


def look_at_newest(dx: Diagnosis, now: datetime, incidents: Sequence[Incident] = ()) -> Morning:
    """Sum up the newest date of a diagnosis.

    Args:
        dx: of the dates; a finding that the store is too old counts as one of the newest date.
        now: the clock, UTC.
        incidents: of the store's ledger.
    """
    contract = dx.contract
    dates = sorted(dx.days[contract.table.date].to_list())
    newest = dates[-1]
    age = measure_age(newest, contract, now)
    chosen = [f for f in dx.findings if f.severity != "info" and _is_now(f, newest)]
    overdue = any(f.kind == OUTDATED for f in chosen)
    verdict: Verdict = "red" if overdue else dx.dates[newest]
    others = [f for f in dx.findings if f.severity != "info" and f not in chosen]
    return Morning(
        newest,
        verdict,
        now.astimezone(UTC) - age if age else find_end(newest, contract),
        f"ended {describe_duration(age)} ago" if age else "not over yet",
        None if overdue else _find_break(dates, age),
        [_describe(f, dates) for f in chosen],
        len(others),
        list_commands(chosen),
        [i for i in incidents if i.state == "open"],
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


def _find_break(dates: Sequence[date], age: timedelta) -> str | None:
    """What is unusual about the age: that no break lasted nearly as long."""
    recent = dates[-_RECENT:]
    gaps = [(b - a).days for a, b in pairwise(recent)]
    if len(gaps) < 5 or age.days <= max(gaps):
        return None
    usual = "a day" if max(gaps) == 1 else f"{max(gaps)} days"
    return f"no rows for {age.days} days, while dates are at most {usual} apart: did the job run?"
