"""A detector whose answers a test knows, and alarms to compare them with."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from fsq.bench.damage import DamageTable
from fsq.bench.detection import Alarm, Evidence


class Says:
    """A detector that says the same of every date, and more of those with a default."""

    name = "says"
    explains = True

    def __init__(self, *always: Alarm) -> None:
        self.always = always

    def learn(self, table: DamageTable, rows: pl.DataFrame, scored: pl.DataFrame) -> None:
        self.table, self.dates = table, rows[table.date].n_unique()

    def judge(self, evidence: Evidence) -> list[Alarm]:
        said = [
            Alarm(d, a.severity, a.kind, a.table, a.features)
            for d in evidence.dates
            for a in self.always
        ]
        for feature in self.table.live:
            default = evidence.rows.filter(pl.col(f"{feature}__source") == "default")
            before = evidence.before.filter(pl.col(f"{feature}__source") == "default")
            usual = before.height / evidence.before.height
            for d in evidence.dates:
                rows = default.filter(pl.col(self.table.date) == d).height
                share = rows / evidence.rows.filter(pl.col(self.table.date) == d).height
                if share > usual + 0.5:
                    upstream = self.table.feature(feature).upstream_table
                    said.append(Alarm(d, "red", "upstream_table_missing", upstream, (feature,)))
        return said


def make_alarm(*features: str, severity: Any = "yellow", kind: str = "stuck_constant") -> Alarm:
    return Alarm(date(2000, 1, 1), severity, kind, "table", features)
