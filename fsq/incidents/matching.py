"""What a check means for the known incidents: opened, got worse, resolved, or nothing new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from fsq.diagnosis import Diagnosis
from fsq.diagnosis.findings import SEVERITIES, Finding, Severity
from fsq.incidents.incident import Incident, What

# It got worse if it affects so much larger a share of the rows.
_WORSE_BY = 0.25


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an incident: it was opened, got worse, or was resolved."""

    what: What
    incident: Incident


def compare_with_findings(
    known: Sequence[Incident],
    dx: Diagnosis,
    now: datetime,
    how: str | None = None,
    skipped: Collection[str] = (),
    *,
    only_known: bool = False,
) -> tuple[list[Incident], list[Change]]:
    """The incidents after a check, and what has changed.

    Args:
        known: the incidents so far.
        dx: what the check found.
        now: UTC.
        how: what made dates healthy again, if something was done; a phrase.
        skipped: kinds of findings that the check did not look for.
        only_known: open no incident; only follow up on the known ones.

    Returns:
        Every incident, new ones last; and what opened, got worse or was resolved.
    """
    incidents = {i.id: i for i in known}
    matched: dict[str, list[Finding]] = {}
    for finding in dx.findings:
        if finding.severity == "info" and finding.accepted is None:
            continue
        incident = _find_incident(incidents.values(), finding)
        if incident is None:
            if only_known or finding.accepted is not None:
                continue
            incident = _open_incident(finding, incidents, now)
            incidents[incident.id] = incident
        matched.setdefault(incident.id, []).append(finding)
    before = {i.id: i for i in known}
    changes = []
    for key, incident in incidents.items():
        if incident.kind in skipped:
            continue
        updated = _update(incident, matched.get(key, []), dx, now, how)
        incidents[key] = updated
        if change := _describe_change(before.get(key), updated):
            changes.append(Change(change, updated))
    return list(incidents.values()), changes


def _find_incident(incidents: Iterable[Incident], finding: Finding) -> Incident | None:
    """The incident of a finding: one that shows on its dates, else one that lasts.

    What is worse than what was accepted is a new incident.
    """
    accepted = finding.accepted is not None
    same = [
        i
        for i in incidents
        if (i.accepted_at is not None) == accepted and _is_same_cause(i, finding)
    ]
    shared = [i for i in same if not {*i.dates}.isdisjoint(finding.dates)]
    lasting = [i for i in same if i.ended_at is None]
    return next(reversed([*lasting, *shared]), None)


def _is_same_cause(incident: Incident, finding: Finding) -> bool:
    if (incident.kind, incident.place) != (finding.kind, finding.place):
        return False
    if not incident.features and not finding.features:
        return True
    return not {*incident.features}.isdisjoint(finding.features)


def _open_incident(finding: Finding, known: dict[str, Incident], now: datetime) -> Incident:
    name, number = finding.id, 1
    while name in known:
        number += 1
        name = f"{finding.id}-{number}"
    return Incident(
        id=name,
        kind=finding.kind,
        severity=finding.severity,
        place=finding.place,
        features=finding.features,
        upstream_table=finding.table,
        processor=finding.processor,
        title=finding.title,
        cause=finding.cause,
        rows_affected=finding.rows_affected,
        rows=finding.rows,
        first_date=finding.dates[0],
        last_date=finding.dates[-1],
        dates=finding.dates,
        is_fault=finding.is_fault,
        opened_at=now,
        changed_at=now,
        remedy=finding.remedy,
    )


def _update(
    incident: Incident, found: list[Finding], dx: Diagnosis, now: datetime, how: str | None
) -> Incident:
    """The incident after a check, with the findings of its cause."""
    showing = {d for f in found for d in f.dates}
    others = _list_telling_dates(incident, dx) - showing
    gone = [d for d in sorted(others) if _is_gone(incident, d, dx)]
    updated = replace(incident, dates=tuple(sorted({*incident.dates, *showing} - {*gone})))
    if found:
        updated = _follow(updated, found)
    if incident.ended_at is None and (end := _find_end(updated, gone, how)):
        updated = replace(updated, ended_at=now, how=end)
    return updated if updated == incident else replace(updated, changed_at=now)


def _list_telling_dates(incident: Incident, dx: Diagnosis) -> set[date]:
    """The checked dates that can tell whether a cause is gone: those with rows and a verdict.

    Where rows were missed, that ends too on a date on which a schedule now says that none were due.
    """
    filled = set(dx.days[dx.contract.table.date])
    if not incident.features:
        filled |= {d for d in incident.dates if dx.dates.get(d) == "green"}
    return {d for d, verdict in dx.dates.items() if verdict != "unknown" and d in filled}


def _is_gone(incident: Incident, day: date, dx: Diagnosis) -> bool:
    """Whether a date is rid of the cause, where no finding of it shows.

    What was not evaluated is not healthy, nor is what another finding names now.
    """
    features = {*incident.features}
    if any(
        n["check"] == incident.kind
        and day in n["dates"]
        and (not n["features"] or not features.isdisjoint(n["features"]))
        for n in dx.not_evaluated
    ):
        return False
    return not any(
        finding.severity != "info"
        and day in finding.dates
        and (not features.isdisjoint(finding.features) or not (features or finding.features))
        for finding in dx.findings
    )


def _follow(incident: Incident, found: list[Finding]) -> Incident:
    """The incident as its newest finding describes it."""
    newest = max(found, key=lambda f: f.dates[-1])
    features = dict.fromkeys([*incident.features, *(n for f in found for n in f.features)])
    severities: list[Severity] = [incident.severity, *(f.severity for f in found)]
    followed = replace(
        incident,
        first_date=min(incident.first_date, *(f.dates[0] for f in found)),
        last_date=max(incident.last_date, newest.dates[-1]),
        severity=min(severities, key=SEVERITIES.index),
        features=tuple(features),
    )
    if newest.dates[-1] < incident.last_date:
        return followed  # an older date was checked again
    return replace(
        followed,
        title=newest.title,
        cause=newest.cause,
        rows_affected=newest.rows_affected,
        rows=newest.rows,
        remedy=newest.remedy or incident.remedy,
    )


def _find_end(incident: Incident, gone: list[date], how: str | None) -> str | None:
    """How an incident ended, if it did: a later date is healthy, or all of its dates are again."""
    if not incident.dates:
        return how or "its dates were checked again and are healthy"
    later = [d for d in gone if d > incident.last_date]
    return f"gone on {later[0]}" if later else None


def _describe_change(before: Incident | None, after: Incident) -> What | None:
    if after.accepted_at is not None:
        return None
    if before is None:
        return "opened"
    if before.ended_at is None and after.ended_at is not None:
        return "resolved"
    if after.ended_at is not None:
        return None
    graver = SEVERITIES.index(after.severity) < SEVERITIES.index(before.severity)
    more = _measure_share(after) >= _measure_share(before) + _WORSE_BY
    return "worse" if graver or more else None


def _measure_share(incident: Incident) -> float:
    return incident.rows_affected / incident.rows if incident.rows else 1.0
