"""What raises alarms: fsq itself, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from fsq.bench.damage import DamageTable
from fsq.diagnosis import Finding, diagnose, learn_profile
from fsq.diagnosis.findings import Severity
from fsq.profile import Profile


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a detector says of a date.

    Attributes:
        day: the date.
        severity: red or yellow.
        kind: of finding.
        table: the upstream table that it names, if any.
        features: that it names; empty if it is about rows.
    """

    day: date
    severity: Severity
    kind: str
    table: str | None
    features: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What a detector gets to see.

    Attributes:
        dates: those to judge.
        rows: their wide rows.
        scored: the same rows, scored.
        before: wide rows of earlier, clean dates.
        before_scored: the same rows, scored.
    """

    dates: Sequence[date]
    rows: pl.DataFrame
    scored: pl.DataFrame
    before: pl.DataFrame
    before_scored: pl.DataFrame


class Detector(Protocol):
    """Learns what is usual from clean dates, and judges others.

    Attributes:
        name: in one word.
        explains: whether it names upstream tables and kinds of faults.
    """

    name: str
    explains: bool

    def learn(self, table: DamageTable, rows: pl.DataFrame, scored: pl.DataFrame) -> None:
        """Learn from wide rows of clean dates, which are also given scored."""

    def judge(self, evidence: Evidence) -> list[Alarm]:
        """Judge dates; no alarm is good news."""


class Fsq:
    """``fsq.diagnose`` with a learned profile."""

    name = "fsq"
    explains = True

    def __init__(self) -> None:
        self._table: DamageTable | None = None
        self._profile: Profile | None = None

    def learn(self, table: DamageTable, rows: pl.DataFrame, scored: pl.DataFrame) -> None:
        """Learn a profile from the scored rows."""
        self._table, self._profile = table, learn_profile(scored, table.contract)

    def judge(self, evidence: Evidence) -> list[Alarm]:
        """Diagnose the dates against those before them."""
        if self._table is None:
            raise ValueError("learn first")
        found = diagnose(
            evidence.scored,
            self._table.contract,
            dates=evidence.dates,
            history=evidence.before_scored,
            profile=self._profile,
        )
        return list(_list_alarms(found.findings, set(evidence.dates)))


def _list_alarms(findings: Iterable[Finding], dates: set[date]) -> Iterable[Alarm]:
    for f in findings:
        if f.severity != "info":
            for day in f.dates:
                if day in dates:
                    yield Alarm(day, f.severity, f.kind, f.table, f.features)
