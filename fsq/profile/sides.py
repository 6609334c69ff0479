"""Which features of one side of an event mirror features of the other side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fsq.profile.groups import Grouping, measure_tolerance, take_middle_per_code
from fsq.profile.rows import Codes, Mask, Matrix, Rows, combine

_Relation = Literal["equals", "negates", "complements"]
_MIN_HOLDS = 0.995  # share of the sides of clean history
_MIN_EVENTS = 0.95  # share of the events that have just two sides
_MIN_SIDES = 30


@dataclass(frozen=True, slots=True)
class Mirror:
    """A feature that mirrors another one on the other side of the event.

    Attributes:
        side: the carried column that names a side.
        feature: position of the feature.
        other: position of the other side's feature.
        relation: equals, negates, or complements (both add up to ``total``).
        total: what both add up to; 0 unless the relation is ``complements``.
    """

    side: str
    feature: int
    other: int
    relation: _Relation
    total: float = 0.0


def learn_mirrors(rows: Rows, groupings: tuple[Grouping, ...], clean: Mask) -> tuple[Mirror, ...]:
    """Find what holds between the two sides of an event in clean history."""
    if rows.group is None or rows.group not in rows.codes:
        return ()
    found: dict[tuple[int, int], Mirror] = {}
    for grouping in groupings:
        if len(grouping.columns) != 1 or grouping.columns[0] == rows.group:
            continue
        side = grouping.columns[0]
        pairs = _pair_sides(rows, side, grouping.features)
        if pairs is None:
            continue
        mine, theirs, first = pairs
        used = clean[rows.date_index[first]]
        for at, f in enumerate(grouping.features):
            for other, g in enumerate(grouping.features):
                known = used & ~np.isnan(mine[:, at]) & ~np.isnan(theirs[:, other])
                if (f, g) in found or known.sum() < _MIN_SIDES:
                    continue
                mirror = _relate(side, f, g, mine[known, at], theirs[known, other])
                if mirror is not None:
                    found[f, g] = mirror
    return tuple(found.values())


def find_contradicting(rows: Rows, mirror: Mirror) -> tuple[Mask, Mask]:
    """Records whose side contradicts the other one, and records that can be judged."""
    none: Mask = np.zeros(len(rows.date_index), dtype=np.bool_)
    pairs = _pair_sides(rows, mirror.side, (mirror.feature, mirror.other))
    if pairs is None:
        return none, none
    mine, theirs, _ = pairs
    codes = _code_sides(rows, mirror.side)
    left, right = mine[:, 0], _expect(mirror, theirs[:, 1])
    judged = ~np.isnan(left) & ~np.isnan(right)
    off = judged & (np.abs(left - right) > measure_tolerance(right))
    known = codes >= 0
    return known & off[codes], known & judged[codes]


def expect_from_side(rows: Rows, mirror: Mirror) -> Matrix:
    """What each record's feature should be by the other side; NaN where that does not say."""
    out = np.full(len(rows.date_index), np.nan)
    pairs = _pair_sides(rows, mirror.side, (mirror.other,))
    if pairs is not None:
        codes = _code_sides(rows, mirror.side)
        known = codes >= 0
        out[known] = _expect(mirror, pairs[1][:, 0])[codes[known]]
    return out


def _expect(mirror: Mirror, other: Matrix) -> Matrix:
    return other if mirror.relation == "equals" else mirror.total - other


def _relate(side: str, f: int, g: int, mine: Matrix, theirs: Matrix) -> Mirror | None:
    if np.ptp(mine) == 0 or np.ptp(theirs) == 0:
        return None
    size = measure_tolerance(mine)
    if f != g and (np.abs(mine - theirs) <= size).mean() >= _MIN_HOLDS:
        return Mirror(side, f, g, "equals")
    if (np.abs(mine + theirs) <= size).mean() >= _MIN_HOLDS and (mine != 0).mean() > 0.05:
        return Mirror(side, f, g, "negates")
    total = float(np.median(mine + theirs))
    if total and (np.abs(mine + theirs - total) <= size).mean() >= _MIN_HOLDS:
        return Mirror(side, f, g, "complements", total)
    if f == g and (np.abs(mine - theirs) <= size).mean() >= _MIN_HOLDS:
        return Mirror(side, f, g, "equals")
    return None


def _code_sides(rows: Rows, side: str) -> Codes:
    return rows.code_group((rows.group or side, side))


def _pair_sides(
    rows: Rows, side: str, features: Sequence[int]
) -> tuple[Matrix, Matrix, Codes] | None:
    """Middle values of each side and of the other one, and a record of each side.

    Sides × the features given; NaN where an event has not just two sides. None if events have
    other numbers of sides.
    """
    if rows.group is None or side not in rows.codes:
        return None
    codes = _code_sides(rows, side)
    present = np.flatnonzero(codes >= 0)
    count = int(codes.max(initial=-1)) + 1
    if not count:
        return None
    first = np.zeros(count, dtype=np.int64)
    first[codes[present][::-1]] = present[::-1]
    event = combine([rows.date_index[first], rows.codes[rows.group][first]])
    sizes = np.bincount(event)
    if (sizes == 2).sum() < _MIN_EVENTS * len(sizes):
        return None
    ranked = np.argsort(event, kind="stable")
    double = np.flatnonzero(sizes[event[ranked]] == 2)
    partner = np.full(count, -1, dtype=np.int64)
    one, two = ranked[double[::2]], ranked[double[1::2]]
    partner[one], partner[two] = two, one
    mine = take_middle_per_code(rows.values[:, list(features)], codes, count)
    theirs = np.where((partner >= 0)[:, None], mine[partner], np.nan)
    return mine, theirs, first
