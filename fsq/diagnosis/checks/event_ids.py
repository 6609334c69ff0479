"""Ids in two formats, and events that are stored twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Need, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import DAY, EVENT, OTHER, SUB, count_cells, list_carried
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_group
from fsq.profile.rows import Codes, Mask

_RARE = 0.05  # share of subgroups in two events, or events on two dates, that may be right


class IdThresholds(Thresholds):
    """How many rows may bear ids of another format."""

    new_format_share: Share = 0.05
    """Share of rows whose id has a format that no earlier date has."""
    formats_most: Annotated[Count, Field(ge=1)] = 3
    """Ids with more formats than this on earlier dates have no usual format."""


def _describe_formats(f: Facts) -> Text:
    e = f.evidence
    other = "all" if f.signal.rows_affected == f.signal.rows else f.rows
    if e["example"] is None:
        return Text(
            f"{e['column']} is absent in {other}, usually {e['usual_example']}",
            "Joins miss these rows. No row is missing because of that.",
        )
    return Text(
        f"{e['column']} has another format in {other}: {e['example']}, "
        f"usually {e['usual_example']}",
        f"The same {name_group(f.contract.table) if e['is_event'] else f.contract.table.entity} "
        "may appear under both, so that it is counted twice and joins miss it. No row is missing "
        "because of that.",
    )


def _describe_twice(f: Facts) -> Text:
    event, ids = name_group(f.contract.table), f.evidence["ids"]
    return Text(
        f"one {event} is stored under two ids: {' and '.join(ids[:2])}, in {f.rows}",
        f"The same {f.evidence['subgroup']} takes part in both. Look for {event}s that were "
        "written by two sources, or twice.",
    )


def _describe_dates(f: Facts) -> Text:
    event, e = name_group(f.contract.table), f.evidence
    many = f"{len(e['ids'])} {event}s are" if len(e["ids"]) > 1 else f"{event} {e['ids'][0]} is"
    return Text(
        f"{many} stored on two dates, {' and '.join(e['days'][:2])}, in {f.rows}",
        f"A {event} takes place once. It was postponed, or one of the dates is wrong, for example "
        "by a time zone.",
    )


EVENTS = Need(
    "a column of events",
    "no column of events",
    lambda ctx, _: ctx.by_group.event is not None,
)
SUBGROUPS = Need(
    "subgroups that take part in events",
    "no subgroups that take part in events",
    lambda ctx, _: ctx.by_group.subgroup is not None,
)
MIXED = Kind(
    "mixed_ids",
    "ids of events or entities have a format that earlier dates do not have",
    ("yellow",),
    _describe_formats,
    (HISTORY,),
    in_sql=False,
)
TWO_IDS = Kind(
    "event_under_two_ids",
    "one event is stored under two ids",
    ("yellow",),
    _describe_twice,
    (EVENTS, SUBGROUPS, HISTORY),
    in_sql=False,
)
TWO_DATES = Kind(
    "event_on_two_dates",
    "one event is stored on two dates",
    ("yellow",),
    _describe_dates,
    (EVENTS, HISTORY),
    in_sql=False,
)


class EventIds(Check):
    """Look at the ids of events and entities: their format, and what is stored under them."""

    stage = Stage.ROWS
    thresholds = IdThresholds
    kinds = (MIXED, TWO_IDS, TWO_DATES)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """Every column that may name an event, an entity or a subgroup."""
        return list_carried(contract, schema)

    def find(self, ctx: Context) -> None:
        """Report formats first: ids in two formats are two ids of one event."""
        for at, _ in ctx.iterate_dates():
            MIXED.can_evaluate(ctx, at)
        table = ctx.contract.table
        columns = dict.fromkeys([*([table.group] if table.group else []), *table.keys])
        mixed = {at for c in columns for at in _report_formats(ctx, c)}
        _report_two_ids(ctx, mixed)
        _report_two_dates(ctx)


def _report_formats(ctx: Context, column: str) -> Iterable[int]:
    """Report dates with formats of their own, and give them."""
    records = ctx.long.records
    if column not in records.columns or not isinstance(records.schema[column], pl.String):
        return
    codes, counts = ctx.remember(f"formats of {column}", lambda: _count_formats(ctx, column))
    limits = IdThresholds.of(ctx.contract)
    earlier = ctx.count_before(counts > 0) > 0
    has_id = records.map(column, lambda ids: ids.is_not_null()).to_numpy()
    is_named = ctx.count_per_date(has_id) > 0
    few = (ctx.count_before(is_named[:, None]) > 0)[:, 0]
    few &= earlier.any(axis=1) & (earlier.sum(axis=1) <= limits.formats_most)
    new = np.where(earlier, 0, counts).sum(axis=1)
    odd = few & (new > 0) & (new >= limits.new_format_share * ctx.rows)
    for at, _ in ctx.iterate_dates():
        if not odd[at]:
            continue
        fresh, rows = (counts[at] > 0) & ~earlier[at], int(new[at])
        compared = ctx.list_compared(at)
        named = np.isin(codes, np.flatnonzero(fresh))
        MIXED.report(
            ctx,
            at,
            "yellow",
            column,
            [],
            rows,
            named=named,
            column=column,
            is_event=column == ctx.contract.table.group,
            example=_take_first(ctx, column, named & (ctx.date_index == at)),
            usual_example=_take_first(ctx, column, np.isin(ctx.date_index, compared) & has_id),
        )
        yield at


def _count_formats(ctx: Context, column: str) -> tuple[npt.NDArray[np.int32], Codes]:
    """Each record's format as a number, and rows per date and format; no id is a format, too."""
    formats = ctx.long.records.map(
        column, lambda ids: _describe_ids(ids).fill_null("").cast(pl.Categorical)
    )
    codes = formats.rank("dense").cast(pl.Int32).to_numpy() - 1
    width = int(codes.max(initial=0)) + 1
    cells = ctx.date_index * width + codes
    counts = np.bincount(cells, minlength=len(ctx.dates) * width)
    return codes, counts.reshape(len(ctx.dates), width)


def _take_first(ctx: Context, column: str, mask: Mask) -> str | None:
    first: str | None = ctx.long.records.take(np.flatnonzero(mask)[:1], [column]).item()
    return first


def _describe_ids(ids: pl.Series) -> pl.Series:
    """The format of each id: runs of digits and of letters, and what stands between them.

    Digits with leading zeros have a width; shorter ones lost zeros where they were read as numbers.

    >>> _describe_ids(pl.Series(["0022300571", "22300571", "20240120_BOS_IND", None])).to_list()
    ['0', '9', '9_A_A', None]
    """
    one = pl.DataFrame({"id": ids}).unique()
    formats = (
        pl.col("id")
        .str.replace_all(r"\d+", "9")
        .str.replace_all(r"\p{Lu}+", "A")
        .str.replace_all(r"[\p{Ll}\p{Lo}]+", "a")
    )
    padded, length = pl.col("id").str.contains(r"^0\d+$"), pl.col("id").str.len_bytes()
    widths = one.filter(padded).select(length.unique()).to_series().implode()
    full = pl.col("id").str.contains(r"^\d+$") & length.is_in(widths)
    known = one.with_columns(format=pl.when(full).then(pl.lit("0")).otherwise(formats))
    return pl.DataFrame({"id": ids}).join(known, on="id", how="left", maintain_order="left")[
        "format"
    ]


def _report_two_ids(ctx: Context, mixed: set[int]) -> None:
    """Report those who take part in several events of a date, which few ever do."""
    groups, rows = ctx.by_group, ctx.by_group.rows
    for at, _ in ctx.iterate_dates():
        TWO_IDS.can_evaluate(ctx, at)
    if groups.subgroup is None:
        return
    days = ctx.remember("events with two ids", lambda: _find_meetings(rows))
    for day, subgroups, ids in _list_unusual(ctx, days):
        if day in mixed:
            continue
        who = sorted({s for found in subgroups for s in found})
        hit = rows.select((pl.col(DAY) == day) & pl.col(SUB).is_in(who)).to_series()
        named = hit.fill_null(False).to_numpy()
        facts: dict[str, Any] = {"ids": min(ids), "subgroup": groups.subgroup, "subgroups": who}
        TWO_IDS.report(ctx, day, "yellow", "", [], named.sum(), named=named, **facts)


def _find_meetings(rows: pl.DataFrame) -> pl.DataFrame:
    """Per date: the share of meetings with several ids, who met in them, and the ids."""
    # Both sides of an event are told by who meets whom, wherever that is known.
    sides = [pl.col(c) for c in (SUB, OTHER) if c in rows.columns]
    first, last = pl.min_horizontal(sides), pl.max_horizontal(sides)
    present = [DAY, EVENT, *(c for c in (SUB, OTHER) if c in rows.columns)]
    distinct = count_cells(rows, present).cast({pl.Categorical: pl.String})
    met = distinct.with_columns(pl.format("{} {}", first, last).alias("met"))
    cells = met.drop_nulls([EVENT, "met"]).select(DAY, EVENT, SUB, "met").unique()
    events = cells.group_by(DAY, "met").agg(pl.col(EVENT).unique().sort(), pl.col(SUB).unique())
    several = pl.col(EVENT).list.len() > 1
    return events.group_by(DAY).agg(
        several.mean().alias("share"), pl.col(SUB, EVENT).filter(several)
    )


def _report_two_dates(ctx: Context) -> None:
    """Report events of a date that stand on another date, too."""
    rows = ctx.by_group.rows
    for at, _ in ctx.iterate_dates():
        TWO_DATES.can_evaluate(ctx, at)
    if ctx.by_group.event is None:
        return
    days = ctx.remember("events on two dates", lambda: _find_repeats(rows))
    for day, events, on in _list_unusual(ctx, days):
        hit = rows.select((pl.col(DAY) == day) & pl.col(EVENT).is_in(events)).to_series()
        named = hit.fill_null(False).to_numpy()
        other = sorted({ctx.dates[d].isoformat() for found in on for d in found})
        facts: dict[str, Any] = {"ids": sorted(events), "days": other}
        TWO_DATES.report(ctx, day, "yellow", "", [], named.sum(), named=named, **facts)


def _find_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Per date: the share of events that stand on another date, too, these, and their dates."""
    cells = count_cells(rows, [DAY, EVENT]).drop_nulls(EVENT)
    cells = cells.select(DAY, pl.col(EVENT).cast(pl.String))
    cells = cells.with_columns(pl.col(DAY).sort().over(EVENT, mapping_strategy="join").alias("on"))
    return cells.group_by(DAY).agg(
        (pl.col("on").list.len() > 1).mean().alias("share"),
        pl.col(EVENT, "on").filter(pl.col("on").list.len() > 1),
    )


def _list_unusual(ctx: Context, days: pl.DataFrame) -> Iterable[tuple[int, list[Any], list[Any]]]:
    """The dates to check with events that are stored twice, if earlier dates have (nearly) none.

    Args:
        ctx: the dates.
        days: date's position, share of what is stored twice, and two lists of it.
    """
    if not days["share"].sum():
        return
    shares = ctx.align(days, "share")
    earlier = ctx.find_usual(shares)
    for day, share, *what in days.sort(DAY).iter_rows():
        if share and day in earlier and earlier[day][0] <= _RARE:
            yield day, what[0], what[1]
