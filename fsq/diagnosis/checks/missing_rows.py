"""Dates with fewer or more rows than the earlier ones, or with none."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Need, Stage
from fsq.diagnosis.checks.event_ids import MIXED, TWO_IDS
from fsq.diagnosis.checks.groups_absent import NO_SLICE, NO_SUBGROUP
from fsq.diagnosis.checks.look_alikes import ALIKE
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity, Signal
from fsq.diagnosis.groups import DAY, EVENT, SUB
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.past import describe_past
from fsq.profile.rows import Matrix

_SPREADS = 3.0  # of the sizes of groups, by which one of them may differ from the others
_EXPLAINED = 1.5  # so many times the rows of a whole group that is missing are missing with it


class RowThresholds(Thresholds):
    """Rows per group, or per date where groups are unknown, against the earlier dates' median."""

    rows_per_game_yellow: Share = 0.85
    """Rows per group, relative to the earlier dates' median."""
    rows_per_game_red: Share = 0.7
    """The same, for red."""
    rows_yellow: Share = 0.3
    """Rows of a date, relative to that median, where groups are unknown."""
    rows_above: Annotated[float, Field(ge=1)] = 1.5
    """Rows per group, relative to that median: too many."""
    rising = (("rows_per_game_red", "rows_per_game_yellow"),)


def _describe_missing(f: Facts) -> Text:
    if not f.signal.rows:
        return Text("no rows at all", "The store has no row for this date.")
    return Text(
        f"about {f.signal.rows_affected:,} rows are missing: {f.evidence['rate']:g} per "
        f"{f.evidence['per']}, usually {f.evidence['usual']:g}",
        f"Some {f.entities} were not written to the feature store. The rows that exist look normal "
        "unless another finding says otherwise.",
    )


def _describe_surplus(f: Facts) -> Text:
    return Text(
        f"about {f.signal.rows_affected:,} rows too many: {f.evidence['rate']:g} per "
        f"{f.evidence['per']}, usually {f.evidence['usual']:g}",
        f"More {f.entities} than usual were written; look for {f.events} or rosters that were "
        "written twice.",
    )


ONE_ID_EACH = Need("one id for each group", "some groups have two ids")
MISSING_ROWS = Kind(
    "missing_rows",
    "there are fewer rows than on earlier dates",
    ("red", "yellow"),
    _describe_missing,
    (HISTORY,),
)
SURPLUS_ROWS = Kind(
    "surplus_rows",
    "there are more rows than on earlier dates",
    ("yellow",),
    _describe_surplus,
    (HISTORY,),
)


class MissingRows(Check):
    """Count the rows of a date: per group where every date knows its groups, else as they are."""

    stage = Stage.ROWS
    thresholds = RowThresholds
    kinds = (MISSING_ROWS, SURPLUS_ROWS)

    def find(self, ctx: Context) -> None:
        """Compare with the median of the earlier dates; a date without rows needs no history."""
        ctx.signals += [
            Signal(MISSING_ROWS.name, "red", day, "none", (), 0, 0, None, {})
            for day in ctx.missing_dates
        ]
        limits = RowThresholds.of(ctx.contract)
        twice = {s.day for s in ctx.signals if s.kind in (MIXED.name, TWO_IDS.name)}
        groups = _count_events(ctx, twice)
        grouped = bool((groups > 0).all())
        rate = (ctx.rows / groups if grouped else ctx.rows)[:, None]
        per = name_group(ctx.contract.table) if grouped else "date"
        whole = (NO_SUBGROUP.name, NO_SLICE.name)
        alike = {s.day: s.rows_affected for s in ctx.signals if s.kind == ALIKE.name}
        told = {s.day: _EXPLAINED * s.rows_affected for s in ctx.signals if s.kind in whole}
        earlier = ctx.find_usual(rate)
        for at, day in ctx.iterate_dates():
            if grouped and day in twice and ctx.by_group.subgroup is None:
                MISSING_ROWS.note_unmet(ctx, at, ONE_ID_EACH)
                continue
            usual = earlier.get(at)
            if not MISSING_ROWS.can_evaluate(ctx, at) or usual is None:
                continue
            ratio = float(rate[at, 0] / usual[0])
            facts: dict[str, Any] = {
                "per": per,
                "rate": round(float(rate[at, 0]), 1),
                "usual": round(float(usual[0]), 1),
            }
            lacking = round(ctx.rows[at] * (1 / ratio - 1))
            if ratio < (limits.rows_per_game_yellow if grouped else limits.rows_yellow):
                if lacking <= told.get(day, 0) or (grouped and _may_be_chance(ctx, at, rate)):
                    continue
                red = grouped and ratio < limits.rows_per_game_red
                severity: Severity = "red" if red else "yellow"
                facts |= describe_past(ctx, at, rate[:, 0], f"rows per {per}")
                MISSING_ROWS.report(ctx, at, severity, "", [], lacking, **facts)
            elif grouped and ratio > limits.rows_above and -lacking > alike.get(day, 0):
                facts |= describe_past(ctx, at, rate[:, 0], f"rows per {per}")
                SURPLUS_ROWS.report(ctx, at, "yellow", "", [], -lacking, **facts)


def _may_be_chance(ctx: Context, at: int, rate: Matrix) -> bool:
    """Whether so few groups may have so few rows, by how those of the earlier dates differ."""
    if not ctx.weighs_chance or ctx.by_group.event is None:
        return False
    sizes = ctx.remember("rows per event", lambda: ctx.by_group.rows.group_by(DAY, EVENT).len())
    compared = ctx.list_compared(at)
    earlier = sizes.filter(pl.col(DAY).is_in(compared.tolist()))["len"].to_numpy()
    if len(earlier) < 2:
        return False
    reach = _SPREADS * float(np.std(earlier, ddof=1)) / np.sqrt(ctx.groups[at])
    return bool(rate[at, 0] >= np.median(rate[compared, 0]) - reach)


def _count_events(ctx: Context, twice: set[date]) -> Matrix:
    """Groups per date; where ids count some twice, by the subgroups that take part, if known."""
    found, groups = ctx.by_group, ctx.groups.copy()
    for at, day in enumerate(ctx.dates):
        if day in twice and found.subgroup is not None:
            groups[at] = found.rows.filter(pl.col(DAY) == at)[SUB].n_unique() / found.per_event
    return groups
