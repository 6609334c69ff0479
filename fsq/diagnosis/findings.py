"""What a diagnosis says: findings as data, one per cause, the most hurtful first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

from fsq.contract import Contract

Severity = Literal["red", "yellow", "info"]
SEVERITIES: tuple[Severity, ...] = ("red", "yellow", "info")

# Every kind of finding, and what it says.
KINDS = {
    "processor_did_not_run": "a table's features are all default; the run context lacks its job",
    "table_missing": "the same, but the job ran, or nothing is known of it",
    "optional_table_missing": "the same for features that models can do without (`info`)",
    "warming_up": "the same in a season's first days, when windows are empty",
    "processor_missing": "the run context lacks a job whose features are there",
    "default_rise": "features fall back far more often than on the dates before",
    "stuck_constant": "a feature that should vary hardly does",
    "silent_default": "a feature equals its expected value far too often, not labelled default",
    "stale_data": "a table's records are too old",
    "range_violation": "many values lie out of their range",
    "missing_rows": "fewer rows (per game) than on the dates before",
    "quality_drop": "a category fell, and nothing above explains it",
    "distribution_shift": "values are spread otherwise than on the dates before",
    "vegas_coverage": "the share of rows with a line left its normal band",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, with all dates and features that it hurt.

    Attributes:
        kind: one of ``KINDS``.
        severity: ``red``, ``yellow`` or ``info``.
        dates: on which it was seen, in order.
        features: that it touches, in index order; empty if it is not about features.
        rows: records affected, over all its dates.
        evidence: what was measured, in words and numbers.
        cause: what most likely happened.
        remedy: commands and steps, in order.
        upstream_table: the table that the features are read from, if it is one.
        processor: the upstream job that writes it, if the contract knows it.
    """

    kind: str
    severity: Severity
    dates: tuple[date, ...]
    features: tuple[str, ...]
    rows: int
    evidence: str
    cause: str
    remedy: tuple[str, ...] = ()
    upstream_table: str | None = None
    processor: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain values, dates as ISO text."""
        return asdict(self) | {
            "dates": [d.isoformat() for d in self.dates],
            "features": list(self.features),
            "remedy": list(self.remedy),
        }


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A check that could not be made on some dates, and why; that is not the same as fine."""

    check: str
    reason: str
    dates: tuple[date, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, dates as ISO text."""
        return asdict(self) | {"dates": [d.isoformat() for d in self.dates]}


def merged(findings: Iterable[Finding], order: Sequence[date]) -> list[Finding]:
    """Findings of the same cause on dates that follow each other become one.

    Args:
        findings: of single dates.
        order: all dates there are, in order; up to two dates between do not part a cause.
    """
    at = {day: i for i, day in enumerate(order)}
    runs: dict[tuple[Any, ...], list[Finding]] = {}
    for f in sorted(findings, key=lambda f: f.dates):
        key = (f.kind, f.severity, f.features, f.upstream_table, f.processor)
        known = runs.setdefault(key, [])
        if known and at[f.dates[0]] - at[known[-1].dates[-1]] <= _GAP:
            last = known[-1]
            evidence = f"{f.evidence}; {len(last.dates) + 1} dates since {last.dates[0]}"
            known[-1] = replace(f, dates=(*last.dates, *f.dates), rows=last.rows + f.rows,
                                evidence=evidence)  # fmt: skip
        else:
            known.append(f)
    return [f for known in runs.values() for f in known]


_GAP = 3


def ranked(findings: Iterable[Finding], contract: Contract) -> list[Finding]:
    """By severity, then by how many critical, required and optional values they spoil."""
    weight = {f.name: 3.0 if f.critical else 0.2 if f.optional else 1.0 for f in contract.features}

    def hurt(finding: Finding) -> float:
        return finding.rows * (sum(weight.get(n, 1.0) for n in finding.features) or 1.0)

    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), -hurt(f), f.dates, f.kind))
