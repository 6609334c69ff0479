"""Which entities were to be expected on a date, by their own earlier dates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import DAY, ENTITY, SUB
from fsq.diagnosis.weekly import find_days_off, find_same_weekdays
from fsq.profile.rows import Mask

_BEFORE = "#before"
_FEWER = 0.95  # of the entities of other dates: from so few on, some may have the day off
_DAYS_OFF = 2  # of a week


@dataclass(frozen=True)
class Attendance:
    """Who was expected on a date, or in one subgroup of it.

    Attributes:
        expected: entities that were expected.
        absent: positions among the entities of those that have no row.
        arrived: entities that were not expected, and have a row.
        subgroup: whose they are; None for a table without subgroups.
    """

    expected: int
    absent: tuple[int, ...]
    arrived: int
    subgroup: str | None = None


def find_attendance(ctx: Context) -> dict[int, list[Attendance]]:
    """Compare the entities of each date to check with those of its earlier dates.

    A subgroup's entities are expected on its next date, if that is compared with theirs. Without
    subgroups those are expected that no earlier date lacks, but for their usual days off, and those
    arrive that none has.
    """
    if not any(len(ctx.list_compared(at)) for at, _ in ctx.iterate_dates()):
        return {}
    if ctx.by_group.subgroup is not None:
        return _find_members(ctx)
    # Who takes part in events that nobody tells apart is there as often as they take place.
    return _find_regular(ctx) if ctx.contract.table.group is None else {}


def _find_regular(ctx: Context) -> dict[int, list[Attendance]]:
    presence = _Presence(ctx)
    out: dict[int, list[Attendance]] = {}
    for at, _ in ctx.iterate_dates():
        compared = ctx.list_compared(at).tolist()
        if not compared:
            continue
        there = [presence.find(d) for d in compared]
        seen = np.asarray(np.sum(there, axis=0, dtype=np.int64))
        excused = np.zeros(len(seen), dtype=np.int64)
        most = max(int(t.sum()) for t in there)
        for d, mask in zip(compared, there, strict=True):
            if mask.sum() < _FEWER * most:
                excused += presence.find_off(d) & ~mask
        here = presence.find(at)
        regular = (seen + excused == len(compared)) & (excused <= _DAYS_OFF) & (seen > excused)
        absent = regular & ~here
        if absent.any():
            absent &= ~presence.find_off(at)
        arrived = int((here & (seen == 0)).sum())
        out[at] = [Attendance(int(regular.sum()), tuple(np.flatnonzero(absent).tolist()), arrived)]
    return out


class _Presence:
    """Which entities have rows on each date."""

    def __init__(self, ctx: Context) -> None:
        rows = ctx.by_group.rows.select(DAY, ENTITY).unique().sort(DAY)
        self._codes = rows[ENTITY].to_numpy()
        self._bounds = np.searchsorted(rows[DAY].to_numpy(), np.arange(len(ctx.dates) + 1))
        self._width = int(self._codes.max(initial=0)) + 1
        self._weekdays = find_same_weekdays(ctx.dates)

    def find(self, at: int) -> Mask:
        """The entities that a date has."""
        out = np.zeros(self._width, dtype=np.bool_)
        out[self._codes[self._bounds[at] : self._bounds[at + 1]]] = True
        return out

    def find_off(self, at: int) -> Mask:
        """Those that have the day of the week off."""
        off = find_days_off(at, self._weekdays, self.find)
        return np.zeros(self._width, dtype=np.bool_) if off is None else off


def _find_members(ctx: Context) -> dict[int, list[Attendance]]:
    members = ctx.by_group.rows.select(DAY, SUB, ENTITY).drop_nulls().unique()
    compared = [(at, d) for at, _ in ctx.iterate_dates() for d in ctx.list_compared(at).tolist()]
    schema = {DAY: pl.Int32, _BEFORE: pl.Int32}
    pairs = pl.DataFrame(compared, schema=schema, orient="row")
    own = members.select(DAY, SUB).unique()
    dates = (
        pairs.join(own.rename({DAY: _BEFORE}), on=_BEFORE)
        .group_by(DAY, SUB)
        .agg(pl.col(_BEFORE).max())
        .join(own, on=[DAY, SUB], how="semi")
    )
    expected = dates.join(members.rename({DAY: _BEFORE}), on=[SUB, _BEFORE])
    absent = expected.join(members, on=[DAY, ENTITY], how="anti")
    here = members.join(dates, on=[DAY, SUB], how="semi")
    arrived = here.join(expected, on=[DAY, SUB, ENTITY], how="anti")
    counts = (
        expected.group_by(DAY, SUB)
        .len("expected")
        .join(absent.group_by(DAY, SUB).agg(ENTITY), on=[DAY, SUB], how="left")
        .join(arrived.group_by(DAY, SUB).len("arrived"), on=[DAY, SUB], how="left")
        .sort(DAY, SUB)
    )
    out: dict[int, list[Attendance]] = {}
    for at, name, many, who, new in counts.iter_rows():
        out.setdefault(at, []).append(Attendance(many, tuple(sorted(who or ())), new or 0, name))
    return out
