"""Findings as data: what one date shows, what could not be evaluated, and what caused it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Severity = Literal["red", "yellow", "info"]
Verdict = Literal["red", "yellow", "green", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("red", "yellow", "info")  # worst first
Mask: TypeAlias = npt.NDArray[np.bool_]
VERDICTS: tuple[Verdict, ...] = ("red", "yellow", "unknown", "green")  # worst first


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that is wrong on one date; ``subject`` tells causes of one kind apart.

    ``named`` marks the records that it blames, among all that were read; None if it does not
    tell them from the others of the date.
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
