"""Findings as data: what one date shows, what could not be evaluated, and what caused it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any, Literal

import polars as pl

from fsq.profile.rows import Mask

Severity = Literal["red", "yellow", "info"]
Verdict = Literal["red", "yellow", "green", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("red", "yellow", "info")  # worst first
VERDICTS: tuple[Verdict, ...] = ("red", "yellow", "unknown", "green")  # worst first


@dataclass(frozen=True, slots=True)
class Slice:
    """The records of a date that have one value in a column.

    Attributes:
        column: its name.
        value: the value.
        named: how many of the records a finding names.
        rows: how many records there are.
    """

    column: str
    value: Any
    named: int
    rows: int

    def __str__(self) -> str:
        every = "all" if self.named == self.rows else f"{self.named:,} of"
        return f"{every} {self.rows:,} with {self.column} {self.value}"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is wrong on one date; ``subject`` tells causes of one kind apart.

    ``named`` marks the records that it blames, among all that were read; None if it does not
    tell them from the others of the date; ``where`` is the slice that holds them. ``expected``
    tells what values should have been.
    """

    kind: str
    severity: Severity
    day: date
    subject: str
    features: tuple[str, ...]
    rows_affected: int
    rows: int
    table: str | None
    evidence: dict[str, Any]
    named: Mask | None = field(default=None, compare=False, repr=False)
    expected: pl.DataFrame | None = field(default=None, compare=False, repr=False)
    where: Slice | None = None
    accepted: str | None = None

    @property
    def place(self) -> str:
        """Where the cause is: the upstream table if there is one, else the subject."""
        return self.subject if self.table is None else self.table


@dataclass(frozen=True, slots=True)
class Accepted:
    """A cause that somebody has accepted as normal.

    Args:
        kind: of its findings.
        place: as ``Signal.place``.
        features: that it may concern; empty if it is about rows.
        severity: the worst that is accepted.
        dates: those on which it was accepted.
        since: the first date from which on it is accepted as long as it lasts; None if it ended.
        reason: why.
    """

    kind: str
    place: str
    features: frozenset[str]
    severity: Severity
    dates: frozenset[date]
    since: date | None
    reason: str

    def covers(self, signal: Signal) -> bool:
        """Whether a signal is of this cause, and no worse than what was accepted."""
        lasts = self.since is not None and signal.day >= self.since
        return (
            (signal.kind, signal.place) == (self.kind, self.place)
            and self.features.issuperset(signal.features)
            and SEVERITIES.index(signal.severity) >= SEVERITIES.index(self.severity)
            and (lasts or signal.day in self.dates)
        )

    def accept(self, signal: Signal) -> Signal:
        """The signal as what it is once accepted: good to know."""
        return replace(signal, severity="info", accepted=self.reason)


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A kind of finding that could not be evaluated on a date, which does not mean it is fine.

    Args:
        kind: of finding.
        day: the date.
        reason: a phrase.
        decisive: whether the date cannot be called green without it.
        features: those that were not evaluated; empty for all.
    """

    kind: str
    day: date
    reason: str
    decisive: bool
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause and everything it affects.

    Args:
        kind: such as ``processor_did_not_run``; see ``fsq.diagnosis.checks.list_kinds``.
        severity: red (do not use these rows), yellow (look at them), info (good to know).
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
        place: the table if the cause is one, else what else tells causes of its kind apart.
        accepted: why somebody accepted it as normal, so that it is for information only; else
            None.
        is_fault: whether its dates are no history for later ones, until it is accepted.
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
    place: str = ""
    accepted: str | None = None
    is_fault: bool = True

    @property
    def id(self) -> str:
        """Names the cause: the same on other dates and in other runs, eight characters."""
        return name_cause(self.kind, self.place, self.features)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types; dates as ISO text."""
        return {
            "id": self.id,
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
            "accepted": self.accepted,
        }


def name_cause(kind: str, place: str, features: Iterable[str]) -> str:
    """A short name of a cause that depends on nothing else.

    >>> name_cause("missing_rows", "", [])
    'f5906eda'
    """
    return sha256("\0".join([kind, place, *features]).encode()).hexdigest()[:8]


def find_worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst verdict; unknown without any.

    >>> find_worst(["green", "yellow", "unknown"])
    'yellow'
    """
    return min(verdicts, key=VERDICTS.index, default="unknown")


def replace_nan(figures: dict[str, Any]) -> dict[str, Any]:
    """NaN and infinity, which JSON does not know, become null.

    >>> replace_nan({"mean": float("nan"), "rows": 3})
    {'mean': None, 'rows': 3}
    """
    return {k: None if isinstance(v, float) and v - v != 0 else v for k, v in figures.items()}
