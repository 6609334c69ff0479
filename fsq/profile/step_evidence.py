"""How the records of each date follow those before them, measured: dates × features.

Which of the earlier records are faulty turns out date by date. So what depends on that is measured
again, of the dates that it changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fsq.profile.groups import count_effective_groups
from fsq.profile.leaks import measure_leaks
from fsq.profile.measures import Evidence, add_mean, add_share
from fsq.profile.moves import Moves, find_moves, follow_again
from fsq.profile.records import find_copied, find_jumps
from fsq.profile.rows import Rows
from fsq.profile.structure import Structure
from fsq.profile.subgroups import (
    count_needed,
    find_absent,
    find_same,
    find_uniform,
    find_whole_tables,
)

_GROUP_LEAP = 1.5
# Measures of how records follow the ones before them.
_STEPS = ("step_mean", "step_size", "still", "leap", "jump", "returned", "copied", "leak")
_OF_STEPS = (*_STEPS, "group_still")
_FEW_GROUPS = 8  # on a date: one that has not moved, or moved back, may be chance
_MOSTLY_FOLLOWED = 0.5  # share of the records whose previous one is not faulty
_MOSTLY = 0.9  # share of defaults from which no subgroup stands out


def measure_steps(out: Evidence, rows: Rows, structure: Structure) -> None:
    """Measure how the records follow those before them."""
    out.moves = find_moves(rows, structure.carriers)
    _measure_moves(out, rows, out.moves, structure)


def measure_steps_again(evidence: Evidence, rows: Rows, structure: Structure) -> Evidence:
    """The same evidence, where other records are faulty than when it was measured."""
    if evidence.moves is None:
        raise ValueError("how records follow each other was not measured")
    out = replace(evidence, measures=dict(evidence.measures), counts=dict(evidence.counts))
    dates = follow_again(rows, structure.carriers, evidence.moves)
    chosen = np.flatnonzero(np.isin(rows.date_index, dates))
    part = Evidence()
    _measure_moves(part, rows.choose(chosen), evidence.moves.choose(chosen), structure)
    for metric in _OF_STEPS:
        for whole, some in ((out.measures, part.measures), (out.counts, part.counts)):
            whole[metric] = whole[metric].copy()
            whole[metric][dates] = some[metric][dates]
        if metric in part.hits:
            out.hits[metric][chosen] = part.hits[metric]
    if structure.subgroups:
        _measure_absent_groups(out, rows, structure)
    return out


def measure_subgroups(out: Evidence, rows: Rows, structure: Structure) -> None:
    """Measure what holds for all records of a subgroup, such as one side of an event."""
    whole = find_whole_tables(rows.is_default, structure.tables)
    add_share(out, rows, "table_absent", whole)
    same = find_same(rows, structure.subgroups, count_needed(structure.rates.same))
    add_share(out, rows, "group_same", same)
    _measure_absent_groups(out, rows, structure)


def _measure_absent_groups(out: Evidence, rows: Rows, structure: Structure) -> None:
    usual = ~(out.measures["absent"] > _MOSTLY)[rows.date_index]
    uniform = find_absent(rows, structure.subgroups, structure.rates.absent)
    add_share(out, rows, "group_absent", uniform & usual)


def _measure_moves(out: Evidence, rows: Rows, moves: Moves, structure: Structure) -> None:
    """Measure the moves of some rows, all those of their dates."""
    step, known = moves.step, ~np.isnan(moves.step)
    total = rows.sum_per_date(known)
    with np.errstate(invalid="ignore"):
        small = step / structure.carriers.scales
        length = np.abs(step)
        size = np.log1p(np.abs(small))
    add_mean(out, rows, small, "step_mean")
    add_mean(out, rows, size, "step_size")
    add_share(out, rows, "still", known & (step == 0), known, total)
    with np.errstate(invalid="ignore"):
        # A feature of a group leaps for all its records at once, which makes it no rarer.
        grouped = np.isin(np.arange(step.shape[1]), structure.grouped)
        leaps = structure.carriers.leaps * np.where(grouped, _GROUP_LEAP, 1.0)
        add_share(out, rows, "leap", length > leaps, known, total)
        moved = length > 0
    add_share(out, rows, "jump", find_jumps(small, structure), known, total)
    add_share(out, rows, "returned", moves.back & moved, known, total)
    _count_few_groups(out, rows, structure)
    add_share(out, rows, "copied", find_copied(step, structure), known, total)
    needed = count_needed(structure.rates.still)
    standing = find_uniform(rows, structure.subgroups, step == 0, needed)
    add_share(out, rows, "group_still", standing)
    knowing = [f for f in structure.past_of_label if f not in structure.grouped]
    leaks = measure_leaks(rows, structure.label, step, knowing)
    out.measures["leak"], out.counts["leak"] = leaks
    # Where most records follow a faulty one, the others are no sample of the date: a plane's later
    # flights of a day move less, for one.
    lacking = total < _MOSTLY_FOLLOWED * moves.followed
    for metric in _STEPS:
        out.measures[metric][lacking] = np.nan


def _count_few_groups(out: Evidence, rows: Rows, structure: Structure) -> None:
    """Count what is one value per group once per group, where a date has few of them."""
    for grouping in structure.groupings:
        if grouping.columns and set(grouping.columns) <= rows.codes.keys():
            of = list(grouping.features)
            groups = count_effective_groups(rows, grouping)[:, None]
            for metric in ("still", "returned"):
                counts = out.counts[metric][:, of]
                fewer = np.where(groups < _FEW_GROUPS, np.minimum(counts, groups), counts)
                out.counts[metric][:, of] = fewer
