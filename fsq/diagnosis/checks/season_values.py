"""Values of the previous season that are served as current ones."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import DAY, ENTITY
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.nouns import name_events
from fsq.profile.rows import Codes

_ROW = "#row"


class SeasonThresholds(Thresholds):
    """How many values may equal those of the previous season."""

    season_same_share: Share = 0.5
    """Share of the entities whose window has the value of their last record before a gap."""
    season_same_least: Annotated[Count, Field(ge=1)] = 10
    """Entities that must have such a record."""


def _describe(f: Facts) -> Text:
    e = f.evidence
    return Text(
        f"{f.feature} {f.are} still from before {e['since']} for {f.rows}",
        f"The values equal those of each {f.contract.table.entity}'s last record before the gap: "
        f"windows were not reset, or {f.table} was not refreshed. If windows are meant to span the "
        f"gap, this lasts until new {name_events(f.contract.table)} are in them.",
    )


OLD_SEASON = Kind(
    "last_season_values",
    "after a gap between seasons, windows still hold the values from before it",
    ("yellow",),
    _describe,
    (
        Need(
            "the first days after a gap between seasons, and rows from before it",
            "no season starts, or there are no rows from before it",
        ),
    ),
    in_sql=False,
    of_values=True,
)


class SeasonValues(Check):
    """Compare each entity's windows with its last record before the gap."""

    stage = Stage.VALUES
    thresholds = SeasonThresholds
    kinds = (OLD_SEASON,)

    def find(self, ctx: Context) -> None:
        """Report the features of a table together."""
        for at, _ in ctx.iterate_dates():
            first = ctx.season_starts[at]
            pairs = None if first is None else _pair_records(ctx, at, first)
            if first is not None and pairs is not None:
                _compare(ctx, at, first, *pairs)


def _pair_records(ctx: Context, at: int, first: date) -> tuple[Codes, Codes] | None:
    """The records of a date, and for each its entity's last one before the gap."""
    here = ctx.find_records(at).astype(np.uint32)
    if len(here) < SeasonThresholds.of(ctx.contract).season_same_least:
        return None
    rows = ctx.remember("rows by entity", lambda: _number_records(ctx))
    last = ctx.remember(f"last records before {first}", lambda: _find_last(ctx, rows, first))
    pairs = rows[here].join(last, on=ENTITY)
    if pairs.height < SeasonThresholds.of(ctx.contract).season_same_least:
        return None
    return pairs[_ROW].cast(pl.Int64).to_numpy(), pairs[f"{_ROW}_right"].cast(pl.Int64).to_numpy()


def _number_records(ctx: Context) -> pl.DataFrame:
    return ctx.by_group.rows.select(DAY, ENTITY).with_row_index(_ROW)


def _find_last(ctx: Context, rows: pl.DataFrame, first: date) -> pl.DataFrame:
    """Each entity's last record before a date."""
    before = sum(d < first for d in ctx.dates)
    return rows.filter(pl.col(DAY) < before).sort(DAY).unique(ENTITY, keep="last")


def _compare(ctx: Context, at: int, first: date, now: Codes, then: Codes) -> None:
    least = SeasonThresholds.of(ctx.contract).season_same_share
    new, old = ctx.values[now], ctx.values[then]
    same = new == old
    repeated = same.mean(axis=0) >= least

    def varies(f: int) -> bool:
        return len(np.unique(old[~np.isnan(old[:, f]), f])) > len(now) * least

    for table, features in ctx.tables.items():
        kept = [
            f for f in features if f.window is not None and repeated[f.index] and varies(f.index)
        ]
        if not kept:
            continue
        named = np.zeros(len(ctx.date_index), dtype=np.bool_)
        hit = same[:, [f.index for f in kept]].any(axis=1)
        named[now[hit]] = True
        facts = {"since": first.isoformat(), "share": round(float(hit.mean()), 4)}
        OLD_SEASON.report(ctx, at, "yellow", table, kept, hit.sum(), table, named, **facts)
