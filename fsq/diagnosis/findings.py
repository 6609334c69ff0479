"""Findings as data: what one date shows, and how dates with one cause become one finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

Severity = Literal["red", "yellow", "info"]
Verdict = Literal["red", "yellow", "green", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("red", "yellow", "info")
VERDICTS: tuple[Verdict, ...] = ("red", "yellow", "unknown", "green")  # worst first


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is wrong on one date; ``subject`` tells causes of one kind apart."""

    kind: str
    severity: Severity
    day: date
    subject: str
    features: tuple[str, ...]
    rows_affected: int
    rows: int
    table: str | None
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A check that could not be judged on a date, which is not the same as fine."""

    check: str
    day: date
    reason: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, with everything that it did.

    Args:
        kind: such as ``processor_did_not_run``; see ``fsq.diagnosis.causes.KINDS``.
        severity: red (do not use these rows), yellow (look), info (know).
        title: one line for people.
        dates: those on which it shows, in order.
        features: names, in index order.
        rows_affected: over all its dates.
        rows: of all its dates.
        table: the upstream table, if the cause is one.
        processor: the job that writes it, if the contract names one.
        cause: a sentence.
        evidence: figures of the worst date.
        remedy: commands, in the order in which to run them.
    """

    kind: str
    severity: Severity
    title: str
    dates: tuple[date, ...]
    features: tuple[str, ...]
    rows_affected: int
    rows: int
    table: str | None
    processor: str | None
    cause: str
    evidence: dict[str, Any]
    remedy: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types; dates as ISO text."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "title": self.title,
            "dates": [d.isoformat() for d in self.dates],
            "features": list(self.features),
            "rows_affected": self.rows_affected,
            "rows": self.rows,
            "upstream_table": self.table,
            "processor": self.processor,
            "cause": self.cause,
            "evidence": self.evidence,
            "remedy": list(self.remedy),
        }


def runs(signals: Iterable[Signal], dates: list[date]) -> list[list[Signal]]:
    """Signals of one cause, grouped: same kind, subject and severity on dates in a row.

    Args:
        signals: of any dates.
        dates: all that were read, in order; a gap of one of them parts two findings.
    """
    place = {d: i for i, d in enumerate(dates)}
    out: list[list[Signal]] = []
    open_run: dict[tuple[str, str, str], list[Signal]] = {}
    for s in sorted(signals, key=lambda s: place[s.day]):
        key = (s.kind, s.subject, s.severity)
        group = open_run.get(key)
        if group is None or place[s.day] - place[group[-1].day] > 1:
            group = []
            out.append(group)
            open_run[key] = group
        group.append(s)
    return out
