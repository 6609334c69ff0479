"""Tables whose records are older than they may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from fsq.contract import Feature
from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import TIMESTAMPS, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.messages import Facts, Text


class AgeThresholds(Thresholds):
    """How many rows may have an upstream record that is too old."""

    stale_share: Share = 0.5
    """Share of rows whose upstream record is too old."""


def _describe_stale(f: Facts) -> Text:
    return Text(
        f"{f.table} is stale: {f.evidence['age_hours']:g} hours old for {f.rows}",
        f"{f.run}{f.table} was not refreshed, so {f.names} {f.are} from an older run.",
    )


STALE = Kind(
    "stale_data",
    "upstream records are too old",
    ("red", "yellow"),
    _describe_stale,
    (TIMESTAMPS,),
)


class OldRecords(Check):
    """Count the rows whose upstream record is older than the contract's limits."""

    stage = Stage.VALUES
    thresholds = AgeThresholds
    kinds = (STALE,)

    def find(self, ctx: Context) -> None:
        """Report tables that are stale, and very stale, for too large a share of the rows."""
        least = AgeThresholds.of(ctx.contract).stale_share
        aged, old = ctx.get_matrix("aged_rows"), ctx.get_matrix("stale_rows")
        very_old, age = ctx.get_matrix("very_stale_rows"), ctx.get_matrix("age_hours")
        names = {t: tuple(f.name for f in features) for t, features in ctx.tables.items()}
        is_known = aged > 0
        is_old = is_known & ((old >= least * aged) | (very_old >= least * aged))
        of_table = [[f.index for f in features] for features in ctx.tables.values()]
        has_ages, has_old = (
            np.stack([m[:, of].any(axis=1) for of in of_table], axis=1) for m in (is_known, is_old)
        )
        for at, _ in ctx.iterate_dates():
            for number, (table, features) in enumerate(ctx.tables.items()):
                if not has_ages[at, number]:
                    STALE.note_unmet(ctx, at, TIMESTAMPS, names[table])
                if not has_old[at, number]:
                    continue
                known = [f for f in features if is_known[at, f.index]]
                by_severity: dict[Severity, list[Feature]] = {"red": [], "yellow": []}
                for f in known:
                    if very_old[at, f.index] >= least * aged[at, f.index]:
                        by_severity["red"].append(f)
                    elif old[at, f.index] >= least * aged[at, f.index]:
                        by_severity["yellow"].append(f)
                for severity, late in by_severity.items():
                    if late:
                        indices = [f.index for f in late]
                        facts: dict[str, Any] = {
                            "ran": ctx.did_write(table, at),
                            "age_hours": round(float(np.nanmax(age[at, indices])), 1),
                        }
                        rows = old[at, indices].max()
                        STALE.report(ctx, at, severity, table, late, rows, table, **facts)
