"""What a diagnosis returns: verdicts, findings, and what could not be evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

import fsq.diagnosis.notebook as notebook
import fsq.diagnosis.rendering as rendering
from fsq.contract import Contract
from fsq.diagnosis.findings import Finding, Verdict, find_worst, replace_nan
from fsq.diagnosis.named import NamedRows

SCHEMA_VERSION = 1  # of to_dict and of `fsq check --json`


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong with the rows of some dates, and why.

    Attributes:
        contract: the contract of the scoring.
        dates: verdict per date: red, yellow, green, or unknown where too little could be
            evaluated.
        findings: one per cause, the most harmful first.
        not_evaluated: what could not be evaluated: check (a kind of finding), reason, dates and
            features (empty: all).
        days: ``measure_dates`` of the checked dates.
        features: ``measure_features`` of the checked dates.
        named: the records that red and yellow findings name; see ``named_rows``.
        expected: what values of these records should have been, where something says so: the
            same columns, ``feature``, ``value``, ``expected``, ``told_by`` (in words) and ``off``
            (how far it is from the value, in standard deviations of the feature).
    """

    contract: Contract
    dates: dict[date, Verdict]
    findings: tuple[Finding, ...]
    not_evaluated: tuple[dict[str, Any], ...]
    days: pl.DataFrame = field(compare=False)
    features: pl.DataFrame = field(compare=False)
    named: NamedRows = field(compare=False, repr=False)
    expected: pl.DataFrame = field(compare=False)

    @property
    def named_rows(self) -> pl.DataFrame:
        """The records that red and yellow findings name, put together when you first ask.

        The contract's keys, date and time, and ``finding``, the position in ``findings``. A red
        finding about features that does not tell its records from others names all of its dates.
        """
        return self.named.frame

    @property
    def verdict(self) -> Verdict:
        """The worst of the dates' verdicts; unknown without dates."""
        return find_worst(self.dates.values())

    @property
    def frame(self) -> pl.DataFrame:
        """The findings as a table: one row each, lists in cells, evidence as JSON text."""
        return rendering.make_frame(self.findings)

    @property
    def summary(self) -> rendering.Summary:
        """What a text or a page shows of it."""
        rows = int(self.days["rows"].sum())
        return rendering.Summary(self.dates, rows, self.findings, self.not_evaluated)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types; the schema is that of ``fsq check --json``."""
        return {
            "schema_version": SCHEMA_VERSION,
            "contract": {"name": self.contract.name, "version_hash": self.contract.version_hash},
            "verdict": self.verdict,
            "dates": self._list_dates(),
            "findings": [f.to_dict() for f in self.findings],
            "not_evaluated": [
                n | {"dates": [d.isoformat() for d in n["dates"]]} for n in self.not_evaluated
            ],
        }

    def to_markdown(self) -> str:
        """The summary for a pull request or a job's page, every word of the data escaped."""
        return rendering.render_markdown(self.summary)

    def _list_dates(self) -> list[dict[str, Any]]:
        date_column = self.contract.table.date
        features: dict[date, list[dict[str, Any]]] = {}
        for f in self.features.to_dicts():
            features.setdefault(f.pop(date_column), []).append(replace_nan(f))
        measured = {day.pop(date_column): day for day in self.days.to_dicts()}
        return [
            {"date": d.isoformat(), "verdict": self.dates[d]}
            | replace_nan(measured.get(d, {"rows": 0}))
            | {"features": features.get(d, [])}
            for d in sorted(self.dates)
        ]

    def __str__(self) -> str:
        return rendering.render_text(self.summary)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return notebook.render_html(self.summary)
