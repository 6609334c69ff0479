"""Windows that hold what is to be predicted: the record's own event, or a later one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, Feature
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage, find_table
from fsq.diagnosis.context import Context
from fsq.diagnosis.events import Events, read_events
from fsq.diagnosis.long_detail import Condense, Part
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_examples, name_group
from fsq.profile.rows import Mask

_IDS = "contributing_game_ids"
# What is kept of each record and feature: the window holds the record's own event; a later one; or
# another one of its date, in a table without moments.
_OWN, _LATE, _SAME = (f"window: {n}" for n in ("own event", "later event", "event of the date"))
_MOST = 0.5  # share of a date's records that may hold such an event, where there is no other date


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
            lambda ctx, _: _OWN in ctx.long.cells,
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
        events = read_events(rows, contract)
        return None if events is None else lambda part: _find_leaks(part, events)

    def find(self, ctx: Context) -> None:
        """Report the features whose windows hold such an event; one record is enough."""
        if not [at for at, _ in ctx.iterate_dates() if LEAK.can_evaluate(ctx, at)]:
            return
        every = ctx.contract.features
        same = ctx.remember("events of the date", lambda: _find_unusual(ctx))
        known = ctx.remember("leaks", lambda: _find_rows(ctx, every))
        rows = known | same
        counts = ctx.count_per_date(rows)
        for at, _ in ctx.iterate_dates():
            if not counts[at]:
                continue
            here = ctx.date_index == at
            features = [
                f
                for f in every
                if (_find_rows(ctx, [f]) | (ctx.find_any(_SAME, [f]) & same))[here].any()
            ]
            facts: dict[str, Any] = {
                "own_rows": int(ctx.find_any(_OWN, every)[here].sum()),
                name_examples(ctx.contract.table): ctx.list_examples(rows, at),
            }
            table = find_table(features)
            LEAK.report(ctx, at, "red", "", features, counts[at], table, rows, **facts)


def _find_rows(ctx: Context, features: Sequence[Feature]) -> Mask:
    """Records whose windows hold their own event, or a later one."""
    return np.asarray(ctx.find_any(_OWN, features) | ctx.find_any(_LATE, features))


def _find_leaks(part: Part, events: Events) -> dict[str, Mask]:
    """Compare when the events in the windows took place with when the records did."""
    if _IDS not in part.fields.columns:
        return {}
    out: dict[str, Mask] = {
        n: np.zeros(part.is_default.shape, np.bool_) for n in (_OWN, _LATE, _SAME)
    }
    ids, records = part.fields[_IDS], part.records
    lengths = ids.list.len().fill_null(0).to_numpy()
    if not len(events.first) or not lengths.any():
        return out
    code = events.find(ids.list.explode(empty_as_null=False, keep_nulls=False))
    cell, event = np.repeat(np.arange(len(ids)), lengths)[code >= 0], code[code >= 0]
    record = cell // part.is_default.shape[1]
    is_own = events.find(records[str(part.contract.table.group)])[record] == event
    ahead = events.first[event] - events.take_moments(records)[record]
    marked = {_OWN: is_own, _LATE: ahead > 0}
    if events.column == part.contract.table.date:
        # Which of a date's events came first, nothing tells.
        marked[_SAME] = (ahead == 0) & ~is_own
    for name, hit in marked.items():
        out[name].reshape(-1)[cell[hit]] = True
    return out


def _find_unusual(ctx: Context) -> Mask:
    """Records whose windows hold another event of their date, where other dates have none."""
    rows = ctx.find_any(_SAME, ctx.contract.features)
    shares = ctx.count_per_date(rows) / np.maximum(ctx.rows, 1)
    usual = np.zeros(len(shares), dtype=np.bool_)
    for at in np.flatnonzero(shares).tolist():
        others = np.delete(shares, at)[np.delete(ctx.rows, at) > 0]
        usual[at] = np.median(others) > 0 if len(others) else shares[at] >= _MOST
    return np.asarray(rows & ~usual[ctx.date_index])
