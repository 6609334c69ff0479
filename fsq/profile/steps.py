"""How features move from one record of an entity to its next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsq.profile.groups import TOLERANCE, Grouping
from fsq.profile.rows import Codes, Mask, Matrix, Rows

ENTITY = ""  # the carrier that is the entity itself
_MIN_STEPS = 200
_MIN_FOLLOWED = 0.2  # share of the records that have one before them along a column
_LEAST_STEP = 0.02  # of a feature's spread
_FREE = 0.3  # mean step, as a share of the spread, from which a feature jumps freely
_FAR = 20.0  # usual steps; more does not count
_LEAP = 0.999  # quantile of the steps of clean history


@dataclass(frozen=True)
class Carriers:
    """Along what each feature is continuous, and how far it moves.

    Attributes:
        names: of the column along which each feature moves least; ``ENTITY`` for the entity.
        leaps: the step that only one in a thousand exceeds; infinite where a feature jumps freely.
        scales: a usual step; NaN where it is unknown.
    """

    names: tuple[str, ...]
    leaps: Matrix
    scales: Matrix


def learn_carriers(rows: Rows, groupings: Sequence[Grouping], clean: Mask) -> Carriers:
    """Choose the column along which each feature moves least in clean history.

    Args:
        rows: of history.
        groupings: a feature that is one value per team moves along teams: who changes the team
            changes its value, which is no leap.
        clean: the dates to learn from.
    """
    own = {(g.columns, f) for g in groupings for f in g.features}
    columns = {f: g.columns for g in groupings for f in g.features}
    used = clean[rows.date_index]
    width = len(rows.names)
    best = np.full(width, np.inf)
    names = [ENTITY] * width
    leaps, scales = np.full(width, np.inf), np.full(width, np.nan)
    with np.errstate(invalid="ignore"):
        spread = np.array([_measure_spread(rows.values[used, f]) for f in range(width)])
    for name, codes in _list_carriers(rows).items():
        step = _measure_steps(rows, rows.find_previous(name, codes), np.arange(width))
        for f in range(width):
            sizes = np.abs(step[used, f])
            sizes = sizes[~np.isnan(sizes)]
            least = max(_MIN_STEPS, _MIN_FOLLOWED * used.sum())
            if sizes.size < least or not spread[f] > 0:
                continue
            typical = float(np.quantile(sizes, 0.9) + np.mean(sizes)) / spread[f]
            # A feature must move clearly less along a column than along the entity.
            gain = 1.0 if name == ENTITY or ((name,), f) in own else 0.7
            if typical < best[f] * gain:
                best[f], names[f] = typical, name
                leaps[f] = np.inf
                # However still it stood: a step is large beside the spread, not beside zero.
                scales[f] = max(float(np.mean(sizes)), _LEAST_STEP * spread[f])
                if scales[f] > _FREE * spread[f]:
                    continue
                known = used & ~np.isnan(step[:, f])
                largest = quantile_of_calm(np.abs(step[:, f]), rows, used, _LEAP)
                further = _extend(_count_steps(rows, known, columns.get(f)))
                # What has not moved in so few steps may move by anything.
                if largest > 0 or further == 1:
                    leaps[f] = largest * further + TOLERANCE
    return Carriers(tuple(names), leaps, scales)


def follow(rows: Rows, carriers: Carriers, *, from_faulty: bool = False) -> Matrix:
    """Each feature's step from the previous record along its carrier; NaN without one.

    Args:
        rows: of any dates.
        carriers: along what each feature moves.
        from_faulty: whether a record of a faulty date counts as one.
    """
    known = _list_carriers(rows)
    out = np.full(rows.values.shape, np.nan)
    for name in dict.fromkeys(carriers.names):
        if name not in known:
            continue
        chosen = np.array([f for f, n in enumerate(carriers.names) if n == name])
        previous = rows.find_previous(name, known[name])
        out[:, chosen] = _measure_steps(rows, previous, chosen, from_faulty=from_faulty)
    return out


def replace_steps(rows: Rows, carriers: Carriers, step: Matrix, changed: Mask) -> Codes:
    """Replace the steps from records that have become faulty, or sound.

    Args:
        rows: of any dates, with what is faulty now.
        carriers: along what each feature moves.
        step: what ``follow`` found before; it is changed in place.
        changed: dates × features that have become faulty, or sound.

    Returns:
        The dates of the records that follow such a one.
    """
    known, dates = _list_carriers(rows), [np.zeros(0, dtype=np.int64)]
    for name in dict.fromkeys(carriers.names):
        if name not in known:
            continue
        chosen = np.array([f for f, n in enumerate(carriers.names) if n == name])
        previous = rows.find_previous(name, known[name])
        hit = np.asarray(changed[:, chosen].any(axis=1))
        later = np.flatnonzero((previous >= 0) & hit[rows.date_index[previous]])
        before = rows.take(previous[later], later, chosen)
        step[np.ix_(later, chosen)] = rows.values[np.ix_(later, chosen)] - before
        dates.append(rows.date_index[later])
    return np.unique(np.concatenate(dates))


def _measure_steps(
    rows: Rows, previous: Codes, chosen: Codes, *, from_faulty: bool = False
) -> Matrix:
    """Values of some features less those of the records before; NaN where there is none."""
    there = np.flatnonzero(previous >= 0)
    out = np.full((len(previous), len(chosen)), np.nan)
    before = rows.take(previous[there], there, chosen, from_faulty=from_faulty)
    out[there] = rows.values[np.ix_(there, chosen)] - before
    return out


def quantile_of_calm(sizes: Matrix, rows: Rows, used: Mask, q: float) -> float:
    """A quantile of sizes over the calmer nine tenths of the dates: a bad one does not count."""
    known = used & ~np.isnan(sizes)
    total = np.bincount(rows.date_index[known], weights=sizes[known], minlength=len(rows.dates))
    count = np.bincount(rows.date_index[known], minlength=len(rows.dates))
    present = count > 0
    mean = np.where(present, total / np.maximum(count, 1), np.inf)
    calm = mean <= np.quantile(mean[present], 0.9)
    return float(np.quantile(sizes[known & calm[rows.date_index]], q)) * (1 + 1e-9)


def _count_steps(rows: Rows, known: Mask, columns: tuple[str, ...] | None) -> int:
    """How many steps are independent: those of a group are one.

    Args:
        rows: of history.
        known: the records with a step.
        columns: within which a feature is one value; None if it is one per record.
    """
    if columns is None:
        return int(known.sum())
    codes = rows.code_group(columns) if columns else rows.date_index
    return len(np.unique(codes[known]))


def _extend(count: int) -> float:
    """By how much the largest of few steps falls short of what one in a thousand exceeds.

    >>> round(_extend(31), 1), _extend(5000)
    (2.0, 1.0)
    """
    return max(1.0, float(np.log(1 - _LEAP) / -np.log(max(count, 2))))


def measure_jumps(step: Matrix, tables: tuple[tuple[int, ...], ...]) -> Matrix:
    """The mean step of each record over the features of a table; records × tables.

    Args:
        step: in usual steps; NaN where it is unknown.
        tables: positions of the features of each table.
    """
    size = np.minimum(np.abs(step), _FAR)
    out = np.full((len(step), len(tables)), np.nan)
    for at, features in enumerate(tables):
        known = ~np.isnan(size[:, features])
        enough = known.sum(axis=1) >= max(2, len(features) // 2)
        total = np.nansum(size[:, features], axis=1)
        out[enough, at] = total[enough] / known.sum(axis=1)[enough]
    return out


def learn_jumps(
    rows: Rows, carriers: Carriers, tables: tuple[tuple[int, ...], ...], used: Mask
) -> Matrix:
    """Per table, the mean step that one record in a thousand exceeds."""
    sizes = measure_jumps(follow(rows, carriers) / carriers.scales, tables)
    out = np.full(len(tables), np.inf)
    for at in range(len(tables)):
        count = int((used & ~np.isnan(sizes[:, at])).sum())
        if count >= _MIN_STEPS:
            out[at] = quantile_of_calm(sizes[:, at], rows, used, _LEAP) * _extend(count)
    return out


def _list_carriers(rows: Rows) -> dict[str, Codes]:
    """The entity, and carried columns with several values that come back on other dates."""
    out = {ENTITY: rows.entity}
    for name, codes in rows.codes.items():
        values = int(codes.max(initial=-1)) + 1
        if 2 < values < len(codes) / 3:
            out[name] = codes
    return out


def _measure_spread(values: Matrix) -> float:
    known = values[~np.isnan(values)]
    return float(np.std(known)) if known.size else 0.0
