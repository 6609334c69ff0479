"""Windows that hold what is to be predicted: the record's own event, or a later one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage, find_table
from fsq.diagnosis.context import Context
from fsq.diagnosis.long_detail import Condense, Part
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_examples, name_group
from fsq.profile.rows import Mask
from fsq.utils.text_codes import TextCodes

_IDS = "contributing_game_ids"
# What is kept of each record and feature: the window holds the record's own event; it or a later.
_OWN, _ANY = "window: own event", "window: own event or later"
_ONE_DATE = 0.9  # share of the groups that must lie on one date


def _describe(f: Facts) -> Text:
    event = name_group(f.contract.table)
    own = f.evidence["own_rows"]
    what = f"the {event} that is to be predicted" if own else f"a {event} that is yet to come"
    return Text(
        f"{f.indices} {f.are} computed from {what}, in {f.rows}",
        f"The windows of {f.names} list the ids of such {event}s{f.examples}. These values were "
        "not known before, so they are leaks: a model that is trained on them disappoints.",
    )


LEAK = Kind(
    "own_event_in_window",
    "a window holds the event that is to be predicted, or a later one",
    ("red",),
    _describe,
    (
        Need(
            "the ids of events, of the record and in its windows",
            "no ids of events in the windows",
            lambda ctx, _: _ANY in ctx.long.cells,
        ),
    ),
    in_sql=False,
)


class OwnEvents(Check):
    """Look for each record's own event, and later ones, among the ids of its windows."""

    stage = Stage.MOMENTS
    kinds = (LEAK,)
    fields = (_IDS,)

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """The column of events."""
        return [contract.table.group] if contract.table.group else []

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense | None:
        """Which windows hold the record's own event, and which hold it or a later one."""
        events = _find_dates(rows, contract)
        if events is None:
            return None
        codes = TextCodes(events["event"])
        return lambda part: _find_leaks(part, events, codes)

    def find(self, ctx: Context) -> None:
        """Report the features whose windows hold such an event; one record is enough."""
        if not [at for at, _ in ctx.iterate_dates() if LEAK.can_evaluate(ctx, at)]:
            return
        every = ctx.contract.features
        rows = ctx.remember("leaks", lambda: ctx.find_any(_ANY, every))
        counts = ctx.count_per_date(rows)
        for at, _ in ctx.iterate_dates():
            if not counts[at]:
                continue
            here = ctx.date_index == at
            features = [f for f in every if ctx.find_any(_ANY, [f])[here].any()]
            facts: dict[str, Any] = {
                "own_rows": int(ctx.find_any(_OWN, every)[here].sum()),
                name_examples(ctx.contract.table): ctx.list_examples(rows, at),
            }
            table = find_table(features)
            LEAK.report(ctx, at, "red", "", features, counts[at], table, rows, **facts)


def _find_dates(rows: pl.LazyFrame, contract: Contract) -> pl.DataFrame | None:
    """The first date of each event and whether it has others; None where rows name no events."""
    group, day = contract.table.group, contract.table.date
    if group is None or group not in rows.collect_schema():
        return None
    known = rows.select(pl.col(group).cast(pl.String).alias("event"), pl.col(day).alias("day"))
    dates = known.drop_nulls("event").unique().collect(engine="streaming")
    first = dates.group_by("event").agg(pl.col("day").min(), pl.len().alias("days")).sort("event")
    if (first["days"] == 1).sum() < max(1, _ONE_DATE * first.height):
        return first.clear()  # no record names an event, or such a group is none, since it lasts
    return first


def _find_leaks(part: Part, first: pl.DataFrame, codes: TextCodes) -> dict[str, Mask]:
    """Compare the dates of the events in the windows with the dates of the records."""
    if _IDS not in part.fields.columns:
        return {}
    out: dict[str, Mask] = {n: np.zeros(part.is_default.shape, np.bool_) for n in (_OWN, _ANY)}
    ids, table = part.fields[_IDS], part.contract.table
    cells = np.flatnonzero((ids.list.len() > 0).to_numpy())
    if first.is_empty() or not len(cells):
        return out
    held = ids.gather(cells)
    flat = held.list.explode(empty_as_null=False, keep_nulls=False)
    lengths = held.list.len().fill_null(0).to_numpy()
    code = codes.find(flat.cast(pl.String))
    cell, event = np.repeat(cells, lengths)[code >= 0], code[code >= 0]
    own = codes.find(part.records[str(table.group)].cast(pl.String))
    record = cell // part.is_default.shape[1]
    is_own = own[record] == event
    days = first["day"].to_physical().to_numpy()[event]
    is_late = days >= part.records[table.date].to_physical().to_numpy()[record]
    out[_OWN].reshape(-1)[cell[is_own]] = True
    out[_ANY].reshape(-1)[cell[is_own | is_late]] = True
    return out
