"""Scheduled events without rows, and rows of events that were not scheduled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import list_carried
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.schedule import covers

_DAY, _NAME = "#day", "#name"
_SHOWN = 5


def _describe_missing(f: Facts) -> Text:
    e, noun = f.evidence, _name(f)
    have = "have" if len(e["missing"]) > 1 else "has"
    return Text(
        f"{len(e['missing']):,} of {e['scheduled']:,} scheduled {noun}s {have} no rows: "
        f"{_list(e['missing'])}",
        f"The schedule has them on this date. They were postponed, or their {f.entities} were not "
        "written to the feature store.",
    )


def _describe_extra(f: Facts) -> Text:
    e, noun = f.evidence, _name(f)
    some = f"{len(e['extra']):,} {noun}s are" if len(e["extra"]) > 1 else f"1 {noun} is"
    was = "were" if len(e["extra"]) > 1 else "was"
    return Text(
        f"{some} stored that {was} not scheduled: {_list(e['extra'])}",
        f"The schedule is out of date, or rows of other {noun}s got into this date.",
    )


def _name(f: Facts) -> str:
    column = str(f.evidence["column"])
    table = f.contract.table
    return name_group(table) if column == table.group else column.replace("_", " ")


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


SCHEDULE = Need(
    "a schedule that covers the date",
    "no schedule covers this date",
    lambda ctx, at: ctx.schedule is not None and covers(ctx.schedule, ctx.contract, ctx.dates[at]),
)
COMMON_IDS = Need(
    "ids in common with the schedule", "the schedule and the rows have no id in common"
)
EVENT_MISSING = Kind(
    "event_missing",
    "an event of the schedule has no rows",
    ("red",),
    _describe_missing,
    (SCHEDULE, COMMON_IDS),
    in_sql=False,
)
UNSCHEDULED = Kind(
    "unscheduled_event",
    "an event has rows, but is not in the schedule",
    ("yellow",),
    _describe_extra,
    (SCHEDULE, COMMON_IDS),
    in_sql=False,
)


class ScheduledEvents(Check):
    """Compare the events of each date with those of the schedule, if there is one."""

    stage = Stage.ROWS
    kinds = (EVENT_MISSING, UNSCHEDULED)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """Every column that a schedule may name events by."""
        return list_carried(contract, schema)

    def find(self, ctx: Context) -> None:
        """Report what only one of them has; a date without a schedule is not evaluated."""
        if ctx.schedule is None:
            return
        column = _choose_column(ctx, ctx.schedule)
        for at, day in ctx.iterate_dates():
            if EVENT_MISSING.can_evaluate(ctx, at):
                due = ctx.schedule.filter(pl.col(ctx.contract.table.date) == day)
                if column is not None and not due.is_empty():
                    _compare(ctx, at, column, due[column])
                elif due.is_empty():
                    _report_rest_day(ctx, at)


def _choose_column(ctx: Context, schedule: pl.DataFrame) -> str | None:
    """What tells the events of both: their ids, unless none is shared; else a shared column."""
    group = ctx.contract.table.group
    shared = [
        c
        for c in dict.fromkeys([group, *schedule.columns])
        if c is not None and c in schedule.columns and c in ctx.long.records.columns
    ]
    names = [c for c in shared if c != ctx.contract.table.date]
    matching = (c for c in names if schedule[c].is_in(_get_names(ctx, c).implode()).any())
    return next(matching, names[0] if names else None)


def _get_names(ctx: Context, column: str) -> pl.Series:
    return ctx.get_carried(column).cast(pl.String)


def _compare(ctx: Context, at: int, column: str, due: pl.Series) -> None:
    here = ctx.date_index == at
    stored = _get_names(ctx, column)
    present = set(stored.filter(pl.Series(here)).drop_nulls().unique().to_list())
    scheduled = set(due.drop_nulls().to_list())
    facts: dict[str, Any] = {"column": column, "scheduled": len(scheduled)}
    missing, extra = sorted(scheduled - present), sorted(present - scheduled)
    if present and scheduled and not present & scheduled:
        EVENT_MISSING.note_unmet(ctx, at, COMMON_IDS)
        return
    if missing:
        usual = ctx.rows[at] / max(1, len(present))
        lost = round(usual * len(missing))
        EVENT_MISSING.report(ctx, at, "red", "", [], lost, missing=missing, **facts)
    if extra:
        named = here & stored.is_in(extra).fill_null(False).to_numpy()
        UNSCHEDULED.report(
            ctx, at, "yellow", "", [], named.sum(), named=named, extra=extra, **facts
        )


def _report_rest_day(ctx: Context, at: int) -> None:
    """Report the rows of a date that has none by the schedule."""
    column = ctx.contract.table.group or ctx.contract.table.date
    here = np.asarray(ctx.date_index == at)
    found: list[str | None] = []
    if column in ctx.long.records.columns:
        found = ctx.long.records[column].filter(pl.Series(here)).cast(pl.String).unique().to_list()
    facts: dict[str, Any] = {
        "column": column,
        "scheduled": 0,
        "extra": sorted(n for n in found if n is not None),
    }
    UNSCHEDULED.report(ctx, at, "yellow", "", [], here.sum(), named=here, **facts)
