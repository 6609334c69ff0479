"""An incident: one cause, the dates on which it shows, and what became of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any, Literal

import polars as pl

from fsq.diagnosis.findings import Accepted, Severity

State = Literal["open", "resolved", "accepted"]
What = Literal["opened", "worse", "resolved"]
_MOMENT = pl.Datetime("us", "UTC")
SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "kind": pl.String(),
    "severity": pl.String(),
    "place": pl.String(),
    "features": pl.String(),
    "upstream_table": pl.String(),
    "processor": pl.String(),
    "title": pl.String(),
    "cause": pl.String(),
    "rows_affected": pl.Int64(),
    "rows": pl.Int64(),
    "first_date": pl.Date(),
    "last_date": pl.Date(),
    "dates": pl.String(),
    "is_fault": pl.Boolean(),
    "opened_at": _MOMENT,
    "changed_at": _MOMENT,
    "ended_at": _MOMENT,
    "how": pl.String(),
    "accepted_at": _MOMENT,
    "reason": pl.String(),
    "remedy": pl.String(),
    "repairs": pl.String(),
    "owed": pl.String(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One cause over the dates on which it shows.

    Attributes:
        id: that of its findings, with a number if the cause came back later.
        kind: of its findings.
        severity: the worst so far.
        place: as that of its findings.
        features: all that it affected so far, in index order of the first finding.
        upstream_table: the table, if the cause is one.
        processor: the job that writes it, if known.
        title: of its newest finding.
        cause: of its newest finding, a sentence.
        rows_affected: of its newest finding.
        rows: of all dates of that finding.
        first_date: the first date on which it was found.
        last_date: the last one.
        dates: those on which it still shows, as far as they were checked.
        is_fault: whether these dates are no history for others until it is accepted.
        opened_at: when it was recorded first, UTC.
        changed_at: when something about it changed last, UTC.
        ended_at: when a check found it gone, UTC; None while it lasts.
        how: how it ended.
        accepted_at: when somebody accepted it, UTC; None if nobody did.
        reason: why it was accepted.
        remedy: commands that repair it, in order.
        repairs: what was run to repair it: ``at``, ``command`` and ``exit_status`` each.
        owed: what channels are still to be notified of, by their names.
    """

    id: str
    kind: str
    severity: Severity
    place: str
    features: tuple[str, ...]
    upstream_table: str | None
    processor: str | None
    title: str
    cause: str
    rows_affected: int
    rows: int
    first_date: date
    last_date: date
    dates: tuple[date, ...]
    is_fault: bool
    opened_at: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    how: str | None = None
    accepted_at: datetime | None = None
    reason: str | None = None
    remedy: tuple[str, ...] = ()
    repairs: tuple[dict[str, Any], ...] = ()
    owed: dict[str, What] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Whether it lasts, has ended, or counts as normal."""
        if self.accepted_at is not None:
            return "accepted"
        return "open" if self.ended_at is None else "resolved"

    @property
    def cause_id(self) -> str:
        """The id of its cause, without the number of its return."""
        return self.id.partition("-")[0]

    def to_accepted(self) -> Accepted:
        """What the diagnosis is to take as normal, of an accepted incident."""
        return Accepted(
            self.kind,
            self.place,
            frozenset(self.features),
            self.severity,
            frozenset(self.dates),
            self.first_date if self.ended_at is None else None,
            self.reason or "",
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types, with its state."""
        plain = {"id": self.id, "state": self.state} | asdict(self)
        return {k: _to_json(v) for k, v in plain.items()}

    def to_row(self) -> dict[str, Any]:
        """The same as a row of ``SCHEMA``: lists and objects as JSON text."""
        return {
            k: json.dumps(_to_json(v)) if isinstance(v, tuple | dict) else v
            for k, v in asdict(self).items()
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Incident:
        """From a row that ``to_row`` made; columns of other versions of fsq are ignored."""
        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in row.items() if k in known}
        for name in ("features", "dates", "remedy", "repairs"):
            values[name] = tuple(json.loads(values[name] or "[]"))
        values["owed"] = json.loads(values.get("owed") or "{}")
        values["dates"] = tuple(map(date.fromisoformat, values["dates"]))
        return cls(**values)


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
