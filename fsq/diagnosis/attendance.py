"""Which entities were to be expected on a date, by their own earlier dates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import DAY, ENTITY, SUB

_BEFORE = "#before"


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
    subgroups those are expected that no earlier date lacks, and those arrive that none has.
    """
    if not any(len(ctx.list_compared(at)) for at, _ in ctx.iterate_dates()):
        return {}
    if ctx.by_group.subgroup is not None:
        return _find_members(ctx)
    # Who takes part in events that nobody tells apart is there as often as they take place.
    return _find_regular(ctx) if ctx.contract.table.group is None else {}


def _find_regular(ctx: Context) -> dict[int, list[Attendance]]:
    rows = ctx.by_group.rows.select(DAY, ENTITY).unique().sort(DAY)
    codes, days = rows[ENTITY].to_numpy(), rows[DAY].to_numpy()
    bounds = np.searchsorted(days, np.arange(len(ctx.dates) + 1))
    width = int(codes.max(initial=0)) + 1
    out: dict[int, list[Attendance]] = {}
    for at, _ in ctx.iterate_dates():
        compared = ctx.list_compared(at)
        if not len(compared):
            continue
        before = np.concatenate([codes[bounds[d] : bounds[d + 1]] for d in compared])
        seen = np.bincount(before, minlength=width)
        here = np.zeros(width, dtype=np.bool_)
        here[codes[bounds[at] : bounds[at + 1]]] = True
        regular = seen == len(compared)
        absent = np.flatnonzero(regular & ~here)
        arrived = int((here & (seen == 0)).sum())
        out[at] = [Attendance(int(regular.sum()), tuple(map(int, absent)), arrived)]
    return out


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
