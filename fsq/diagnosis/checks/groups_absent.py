"""Whole subgroups of an event, and whole slices of a table, that have no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.checks.event_ids import MIXED, SUBGROUPS, TWO_IDS
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.groups import DAY, EVENT, OTHER, SUB, count_cells, list_carried
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.moments import SCORED_AT, find_whole_dates
from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.weekly import find_days_off, find_same_weekdays
from fsq.profile.rows import Codes, Mask, Matrix
from fsq.schema.dates import convert_zone

_HOUR = "hour"  # what slices of a table with moments are called
_MOVED = 0.5  # of an hour's rows: if so many more came at other hours, they are not missing


class GroupThresholds(Thresholds):
    """What counts as a subgroup or a slice that is missing."""

    incomplete_usual: Share = 0.05
    """Largest share of events that lack a subgroup on earlier dates for one more to count."""
    group_rows_red: Share = 0.3
    """Share of a date's rows that are missing with their groups, for red."""
    slice_rows: Annotated[Count, Field(ge=1)] = 10
    """Rows that a slice must have on every earlier date for its absence to count."""
    slices_most: Annotated[Count, Field(ge=2)] = 200
    """A column with more values than this has no slices."""


def _describe_subgroup(f: Facts) -> Text:
    e, event = f.evidence, name_group(f.contract.table)
    names = ", ".join(e["missing"][:5])
    who = f"{e['column']} {names}" if names else f"one {e['column']}"
    some = f"{len(e['ids']):,} {event}s" if len(e["ids"]) > 1 else f"{event} {e['ids'][0]}"
    verb = "have" if len(e["missing"]) > 1 else "has"
    return Text(
        f"{who} {verb} no rows in {some}: about {f.signal.rows_affected:,} rows are missing",
        f"A {event} has rows of {e['usual']} {e['column']}s. Those were not written to the "
        "feature store.",
    )


def _describe_slice(f: Facts) -> Text:
    e = f.evidence
    more = f" and {len(e['missing']) - 5} more" if len(e["missing"]) > 5 else ""
    return Text(
        f"no rows of {e['column']} {', '.join(e['missing'][:5])}{more}: about "
        f"{f.signal.rows_affected:,} rows are missing",
        "Each has rows on the earlier dates that it is compared with, but for usual days off.",
    )


NO_SUBGROUP = Kind(
    "subgroup_missing",
    "an event lacks a subgroup that takes part in it, such as one of two teams",
    ("red", "yellow"),
    _describe_subgroup,
    (SUBGROUPS, HISTORY),
    in_sql=False,
)
NO_SLICE = Kind(
    "slice_missing",
    "a value of a key or carried column, such as a place, or an hour, has no rows, though earlier "
    "dates have",
    ("red", "yellow"),
    _describe_slice,
    (HISTORY,),
    in_sql=False,
)


class AbsentGroups(Check):
    """Count subgroups per event; without events, rows per value of the columns."""

    stage = Stage.ROWS
    thresholds = GroupThresholds
    kinds = (NO_SUBGROUP, NO_SLICE)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """Every column that may name a subgroup or a slice."""
        return [*list_carried(contract, schema), *([SCORED_AT] if contract.table.time else [])]

    def find(self, ctx: Context) -> None:
        """Report subgroups where events have some, else slices."""
        if ctx.by_group.subgroup is not None:
            _report_subgroups(ctx)
            return
        for at, _ in ctx.iterate_dates():
            NO_SUBGROUP.can_evaluate(ctx, at)
        if ctx.contract.table.group is None:
            _report_slices(ctx)


def _report_subgroups(ctx: Context) -> None:
    groups, limits = ctx.by_group, GroupThresholds.of(ctx.contract)
    events = ctx.remember("subgroups of events", lambda: _count_subgroups(groups.rows))
    short = pl.col("present") < groups.per_event
    shares = ctx.align(events.group_by(DAY).agg(short.mean().alias("share")), "share")
    twice = {s.day for s in ctx.signals if s.kind in (MIXED.name, TWO_IDS.name)}
    earlier = ctx.find_usual(shares)
    for at, day in ctx.iterate_dates():
        usual = earlier.get(at)
        if not NO_SUBGROUP.can_evaluate(ctx, at) or usual is None:
            continue
        if not shares[at, 0] or usual[0] > limits.incomplete_usual or day in twice:
            continue
        lacking = events.filter((pl.col(DAY) == at) & short).sort(EVENT)
        present = {s for found in lacking[SUB] for s in found}
        rivals: set[str] = set()
        if OTHER in events.columns:
            rivals = {s for found in lacking[OTHER] for s in found}
        lost = int((lacking["rows"] / lacking["present"]).sum())
        facts: dict[str, Any] = {
            "column": groups.subgroup,
            "missing": sorted(rivals - present - {None}),
            "ids": lacking[EVENT].to_list(),
            "usual": groups.per_event,
        }
        NO_SUBGROUP.report(ctx, at, _judge(ctx, at, lost), "", [], lost, **facts)


def _count_subgroups(rows: pl.DataFrame) -> pl.DataFrame:
    """Per event of a date: its subgroups, those that others name, and its rows."""
    others = [OTHER] if OTHER in rows.columns else []
    known = count_cells(rows, [DAY, EVENT, SUB, *others]).drop_nulls([EVENT, SUB])
    events = known.group_by(DAY, EVENT).agg(
        pl.col(SUB, *others).unique(), pl.col("len").sum().alias("rows")
    )
    return events.with_columns(pl.col(SUB).list.len().alias("present"))


def _report_slices(ctx: Context) -> None:
    """Report the column whose missing values explain most rows."""
    counted = ctx.remember("slices", lambda: list(_count_slices(ctx)))
    weekdays = ctx.remember("weekdays", lambda: find_same_weekdays(ctx.dates))
    for at, _ in ctx.iterate_dates():
        history = ctx.list_compared(at)
        if not NO_SLICE.can_evaluate(ctx, at) or not len(history):
            continue
        found = []
        for column, names, counts in counted:
            least, usual = _take_usual(counts, history, weekdays)
            gone = (counts[at] == 0) & (least >= GroupThresholds.of(ctx.contract).slice_rows)
            if gone.any():
                gone &= ~_find_off(counts, at, weekdays)
            lost = float(usual[gone].sum())
            if column == _HOUR and lost and _count_more(counts, at, history) >= _MOVED * lost:
                continue
            found.append((lost, column, [str(n) for n in names.filter(pl.Series(gone))]))
        lost, column, missing = max(found, default=(0.0, "", []))
        if missing:
            facts: dict[str, Any] = {"column": column, "missing": missing}
            NO_SLICE.report(ctx, at, _judge(ctx, at, lost), column, [], lost, **facts)


def _take_usual(counts: Matrix, history: Codes, weekdays: Codes) -> tuple[Matrix, Matrix]:
    """The least and the median rows of each slice on earlier dates, but for its days off."""
    rows = counts[history]
    for place, at in enumerate(history.tolist()):
        if (rows[place] == 0).any():
            rows[place, _find_off(counts, at, weekdays) & (rows[place] == 0)] = np.nan
    known = ~np.isnan(rows)
    enough = known.sum(axis=0) > len(history) / 2
    least = np.where(enough, np.where(known, rows, np.inf).min(axis=0), 0.0)
    rows[:, ~enough] = 0.0
    return least, np.nanmedian(rows, axis=0)


def _count_more(counts: Matrix, at: int, history: Codes) -> float:
    """Rows beyond the most that each hour has had: a job ran late, or the clocks were changed."""
    known = np.nan_to_num(counts)
    return float(np.maximum(known[at] - known[history].max(axis=0), 0.0).sum())


def _find_off(counts: Matrix, at: int, weekdays: Codes) -> Mask:
    """Slices that have the day of the week off."""
    off = find_days_off(at, weekdays, lambda d: np.asarray(counts[d] > 0))
    return np.zeros(counts.shape[1], dtype=np.bool_) if off is None else off


def _count_slices(ctx: Context) -> Iterator[tuple[str, pl.Series, Matrix]]:
    """Each column with few values, these, and the rows per date and value; hours as well."""
    columns = (*ctx.contract.table.keys, *list_carried(ctx.contract, ctx.long.records.schema))
    for column in dict.fromkeys(columns):
        if column in ctx.long.records.columns:
            yield from _count_values(ctx, column, column, lambda v: v.cast(pl.String))
    time = ctx.contract.table.time
    if time in ctx.long.records.columns and time is not None:
        zone = ctx.contract.table.timezone
        for name, hours, counts in _count_values(ctx, _HOUR, time, lambda v: _name_hours(v, zone)):
            # What the clocks skip, or is still to come, is not missing.
            counts[~find_whole_dates(ctx)] = np.nan
            yield name, hours, counts


def _count_values(
    ctx: Context, name: str, column: str, spell: Callable[[pl.Series], pl.Series]
) -> Iterator[tuple[str, pl.Series, Matrix]]:
    """What a column's values are called, and the rows of each; nothing if there are many."""
    records = ctx.long.records
    names = records.map(column, lambda v: spell(v).unique()).drop_nulls().unique().sort()
    if not 1 < len(names) <= GroupThresholds.of(ctx.contract).slices_most:
        return
    kind = pl.Enum(names)
    codes = records.map(column, lambda v: spell(v).cast(kind).to_physical().cast(pl.Int64))
    width = len(names) + 1
    cells = ctx.date_index * width + codes.fill_null(len(names)).to_numpy()
    counts = np.bincount(cells, minlength=width * len(ctx.dates)).reshape(-1, width)
    yield name, names, counts[:, :-1].astype(np.float64)


def _name_hours(moments: pl.Series, zone: str) -> pl.Series:
    local = moments.to_frame().select(convert_zone(pl.first(), moments.dtype, zone))
    return local.to_series().dt.strftime("%H")


def _judge(ctx: Context, at: int, lost: float) -> Severity:
    red = GroupThresholds.of(ctx.contract).group_rows_red
    return "red" if lost >= red * (ctx.rows[at] + lost) else "yellow"
