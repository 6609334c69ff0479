"""Windows that hold what is to be predicted: the record's own event, or a later one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage, find_table
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_examples, name_group
from fsq.profile.rows import Mask

_IDS = "contributing_game_ids"
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
            lambda ctx, _: _IDS in ctx.long.fields.columns and _get_events(ctx) is not None,
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

    def find(self, ctx: Context) -> None:
        """Report the features whose windows hold such an event; one record is enough."""
        if not [at for at, _ in ctx.iterate_dates() if LEAK.can_evaluate(ctx, at)]:
            return
        leaks = ctx.remember("leaks", lambda: _find_leaks(ctx))
        if leaks is None:
            return
        rows = np.asarray(leaks.any.any(axis=1))
        counts = ctx.count_per_date(rows)
        for at, _ in ctx.iterate_dates():
            if not counts[at]:
                continue
            here = ctx.date_index == at
            features = [f for f in ctx.contract.features if leaks.any[here, f.index].any()]
            facts: dict[str, Any] = {
                "own_rows": int(leaks.own[here].any(axis=1).sum()),
                name_examples(ctx.contract.table): ctx.list_examples(rows, at),
            }
            table = find_table(features)
            LEAK.report(ctx, at, "red", "", features, counts[at], table, rows, **facts)


class _Leaks:
    """Records × features: windows with the record's own event, and with it or a later one."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.own: Mask = np.zeros(shape, dtype=np.bool_)
        self.any: Mask = np.zeros(shape, dtype=np.bool_)


def _get_events(ctx: Context) -> pl.Series | None:
    """Each record's event as text; None without them."""
    group = ctx.contract.table.group
    if group is None or group not in ctx.long.records.columns:
        return None
    return ctx.get_carried(group).cast(pl.String)


def _find_leaks(ctx: Context) -> _Leaks | None:
    """Compare the dates of the events in the windows with the dates of the records."""
    ids, events = ctx.long.fields[_IDS], _get_events(ctx)
    width = len(ctx.contract.features)
    cells = np.flatnonzero((ids.list.len() > 0).to_numpy())
    if events is None or not len(cells):
        return None
    day = ctx.contract.table.date
    known = pl.DataFrame({"event": events, "day": ctx.long.records[day]}).drop_nulls("event")
    # Texts as codes, which are quick to compare.
    first = known.group_by("event").agg(pl.col("day").min(), pl.col("day").n_unique().alias("days"))
    if (first["days"] == 1).sum() < max(1, _ONE_DATE * first.height):
        return None  # no record names an event, or such a group is none, since it lasts
    codes = pl.Enum(first["event"])
    held = ids.gather(cells)
    flat = held.list.explode(empty_as_null=False, keep_nulls=False)
    lengths = held.list.len().fill_null(0).to_numpy()
    code = flat.cast(codes, strict=False).to_physical()
    found = code.is_not_null()
    cell, event = np.repeat(cells, lengths)[found.to_numpy()], code.filter(found).to_numpy()
    own = events.cast(codes).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    record = cell // width
    is_own = own[record] == event
    days = first["day"].to_physical().to_numpy()[event]
    is_late = days >= ctx.long.records[day].to_physical().to_numpy()[record]
    out = _Leaks((len(events), width))
    out.own.reshape(-1)[cell[is_own]] = True
    out.any.reshape(-1)[cell[is_own | is_late]] = True
    return out
