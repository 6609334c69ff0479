"""Entities that should have a row, by their own earlier dates, and have none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.attendance import Attendance, find_attendance
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Need, Stage
from fsq.diagnosis.checks.groups_absent import NO_SLICE, NO_SUBGROUP
from fsq.diagnosis.checks.missing_rows import MISSING_ROWS
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import measure_tail
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.groups import ENTITY, list_carried
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_examples


class AbsenceThresholds(Thresholds):
    """How many of the expected entities may lack a row, less those that are new."""

    absent_share_yellow: Share = 0.06
    """Share of the expected entities of a date that have no row, less the new ones."""
    absent_share_red: Share = 0.3
    """The same, for red."""
    absent_share_group: Share = 0.25
    """The same share in one subgroup."""
    absent_least: Annotated[Count, Field(ge=1)] = 5
    """Fewer entities than this are no finding."""
    absent_usual: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share that is absent by chance."""
    absent_chance: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """So many must be less likely than this by that chance."""
    rising = (("absent_share_yellow", "absent_share_red"),)


def _describe(f: Facts) -> Text:
    e = f.evidence
    where = "" if e["subgroup"] is None else f" of {e['column']} {e['subgroup']}"
    return Text(
        f"{f.signal.rows_affected:,} of {e['expected']:,} {f.entities}{where} that were expected "
        "have no row",
        f"They had one on each earlier date that they are compared with{f.examples}. Some "
        f"{f.entities} were not written to the feature store.",
    )


MEMBERS = Need(
    "subgroups of events, or a table without events",
    "nothing says who takes part in which event",
    lambda ctx, _: ctx.by_group.subgroup is not None or ctx.contract.table.group is None,
)
ABSENT = Kind(
    "expected_rows_missing",
    "entities that had a row on earlier dates have none, on a day that is not usually off",
    ("red", "yellow"),
    _describe,
    (HISTORY, MEMBERS),
    in_sql=False,
)


class RowsExpected(Check):
    """Look for the entities of earlier dates, where no other finding tells of missing rows."""

    stage = Stage.ROWS
    thresholds = AbsenceThresholds
    kinds = (ABSENT,)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """Every column that may name a subgroup."""
        return list_carried(contract, schema)

    def find(self, ctx: Context) -> None:
        """Report dates of which too many are absent, else the subgroups of which they are."""
        kinds = (MISSING_ROWS.name, NO_SUBGROUP.name, NO_SLICE.name)
        told = {s.day for s in ctx.signals if s.kind in kinds}
        limits, attendance = AbsenceThresholds.of(ctx.contract), find_attendance(ctx)
        for at, day in ctx.iterate_dates():
            if not ABSENT.can_evaluate(ctx, at) or day in told:
                continue
            found = attendance.get(at, [])
            if _is_rare(found, limits, limits.absent_share_yellow):
                _report(ctx, at, found)
                continue
            for one in found:
                if _is_rare([one], limits, limits.absent_share_group):
                    _report(ctx, at, [one])


def _is_rare(found: list[Attendance], limits: AbsenceThresholds, share: float) -> bool:
    expected = sum(a.expected for a in found)
    lost = sum(len(a.absent) - a.arrived for a in found)
    if lost < max(limits.absent_least, share * expected):
        return False
    return measure_tail(lost, expected, limits.absent_usual) < limits.absent_chance


def _report(ctx: Context, at: int, found: list[Attendance]) -> None:
    """Report those who are absent, and the subgroup if (nearly) all are of one."""
    limits = AbsenceThresholds.of(ctx.contract)
    absent = [who for a in found for who in a.absent]
    expected = sum(a.expected for a in found)
    most = max(found, key=lambda a: len(a.absent))
    lost = len(absent) - sum(a.arrived for a in found)  # a new timetable renames entities
    share = lost / max(expected, ctx.rows[at])
    severity: Severity = "red" if share >= limits.absent_share_red else "yellow"
    in_one = len(most.absent) >= ctx.contract.diagnosis.table_default_share * len(absent)
    facts: dict[str, Any] = {
        "expected": most.expected if in_one else expected,
        "subgroup": most.subgroup if in_one else None,
        "column": ctx.by_group.subgroup,
        name_examples(ctx.contract.table): _name_entities(ctx, absent[:5]),
    }
    subject = most.subgroup if in_one and most.subgroup else ""
    ABSENT.report(ctx, at, severity, subject, [], len(absent), **facts)


def _name_entities(ctx: Context, positions: list[int]) -> list[str]:
    """The keys of entities, as in the first of their records."""
    entities = ctx.by_group.rows[ENTITY]
    first = np.array([int((entities == p).arg_max() or 0) for p in positions], dtype=np.int64)
    keys = ctx.long.records.take(first, ctx.keys)
    return [" ".join(map(str, key)) for key in keys.rows()]
