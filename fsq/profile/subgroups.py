"""What is true of every record of a subgroup, such as one team of a date.

Any column that splits a date will do. Which one takes part in events is another question: see
``fsq.diagnosis.groups``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fsq.profile.rows import Codes, Mask, Matrix, Rows, combine

_CHANCE = 1e-5  # that all records of a subgroup share a state
_LEAST = 4  # records of a subgroup: fewer say nothing
_MIN_GROUPS = 3  # of a date


def learn_subgroups(rows: Rows, clean: Mask) -> tuple[str, ...]:
    """The carried columns that split a date into several subgroups of several records."""
    out = []
    for name in rows.codes:
        codes = combine([rows.date_index, rows.codes[name]])
        known = codes >= 0
        if not known.any():
            continue
        _, first, sizes = np.unique(codes[known], return_index=True, return_counts=True)
        day = rows.date_index[known][first]
        per_date = np.bincount(day, minlength=len(rows.dates))[clean]
        if np.median(sizes) >= _LEAST and np.median(per_date) >= _MIN_GROUPS:
            out.append(name)
    return tuple(out)


@dataclass(frozen=True)
class Rates:
    """How common a state of a record is in clean history, per feature, from 0 to 1.

    Attributes:
        absent: the value is a default.
        still: it has not moved since the previous record.
        same: it is the date's most common one.
    """

    absent: Matrix
    still: Matrix
    same: Matrix


def learn_rates(rows: Rows, step: Matrix, used: Mask, columns: Sequence[str] = ()) -> Rates:
    """Measure how common these states are among the records of clean dates.

    Where the records of a subgroup stand still together, as teammates' games of a week do, that is
    how common it is where another one does.
    """
    with np.errstate(invalid="ignore"):
        moved = np.where(np.isnan(step), np.nan, step == 0)
    same = np.zeros(rows.values.shape[1])
    for f in range(len(same)):
        known = used & ~np.isnan(rows.values[:, f])
        if known.any():
            pairs = np.column_stack([rows.date_index[known], rows.values[known, f]])
            cells, counts = np.unique(pairs, axis=0, return_counts=True)
            most = np.zeros(len(rows.dates))
            np.maximum.at(most, cells[:, 0].astype(np.int64), counts)
            same[f] = most.sum() / known.sum()
    still = _take_means(moved[used])
    for _, members, starts, count in _list_subgroups(rows, columns):
        chosen = np.repeat(used[members[starts]], count)
        still = np.maximum(still, _measure_together(moved[members], starts, chosen))
    return Rates(rows.is_default[used].mean(axis=0), still, same)


def _measure_together(state: Matrix, starts: Codes, chosen: Mask) -> Matrix:
    """How common a state is among the companions of a record that is in it; 0 without any.

    Args:
        state: records by subgroup × features: 1 where they are in it, 0 where not, NaN if unknown.
        starts: of each subgroup among them.
        chosen: the records that count.
    """
    counted = np.where(chosen[:, None], state, np.nan)
    hits = np.add.reduceat(np.nan_to_num(counted), starts, axis=0)
    known = np.add.reduceat(~np.isnan(counted), starts, axis=0, dtype=np.int64)
    pairs, together = (hits * (known - 1)).sum(axis=0), (hits * (hits - 1)).sum(axis=0)
    return np.asarray(np.divide(together, pairs, out=np.zeros(len(pairs)), where=pairs > 0))


def _take_means(values: Matrix) -> Matrix:
    count = (~np.isnan(values)).sum(axis=0)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(count, 1))


def count_needed(rate: Matrix) -> Matrix:
    """How many records of a subgroup must share a state for chance hardly to explain it."""
    least = np.log(_CHANCE) / np.log(np.clip(rate, 1e-6, 1 - 1e-6))
    return np.asarray(np.maximum(np.ceil(least), _LEAST))


def find_uniform(rows: Rows, columns: Sequence[str], state: Mask, needed: Matrix) -> Mask:
    """Records of subgroups, of as many as needed, all of which are in a state; × features."""
    out = np.zeros(state.shape, dtype=np.bool_)
    for _, members, starts, count in _list_subgroups(rows, columns):
        hits = np.add.reduceat(state[members], starts, axis=0, dtype=np.int64)
        whole = (count[:, None] >= needed) & (hits == count[:, None])
        out[members] |= np.repeat(whole, count, axis=0)
    return out


def find_absent(rows: Rows, columns: Sequence[str], rate: Matrix) -> Mask:
    """Records of subgroups whose defaults are not chance; records × features.

    A subgroup that often lacks a feature, such as an airline whose planes are not registered, is
    held against itself on the dates before.

    Args:
        rows: of any dates.
        columns: those that make subgroups.
        rate: share of defaults in clean history, per feature.
    """
    out = np.zeros(rows.is_default.shape, dtype=np.bool_)
    for name, members, starts, count in _list_subgroups(rows, columns):
        absent = np.add.reduceat(rows.is_default[members], starts, axis=0, dtype=np.int64)
        value, day = (codes[members[starts]] for codes in (rows.codes[name], rows.date_index))
        own = _measure_rate_before(rows, value, day, absent, count)
        whole = absent == count[:, None]
        whole &= count[:, None] >= count_needed(np.maximum(rate, own))
        out[members] |= np.repeat(whole, count, axis=0)
    return out


def _measure_rate_before(
    rows: Rows, subgroup: Codes, day: Codes, hits: Matrix, count: Codes
) -> Matrix:
    """The share of hits that each subgroup had on earlier dates that are not faulty; 0 if none.

    Args:
        rows: know which features are faulty on which dates.
        subgroup: a code for each subgroup of each date.
        day: its date.
        hits: records of it, of each feature.
        count: its records.
    """
    order = np.lexsort((day, subgroup))
    sound = np.ones(hits.shape) if rows.faulty is None else 1.0 - rows.faulty[day]
    sums = [np.cumsum(s[order], axis=0) - s[order] for s in (hits * sound, count[:, None] * sound)]
    starts = np.flatnonzero(np.diff(subgroup[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    some, every = (s - np.repeat(s[starts], lengths, axis=0) for s in sums)
    out = np.zeros(hits.shape)
    out[order] = np.divide(some, every, out=np.zeros(hits.shape), where=every > 0)
    return out


def _list_subgroups(
    rows: Rows, columns: Sequence[str]
) -> Iterator[tuple[str, Codes, Codes, Codes]]:
    """Each column that the rows have, and ``_sort_by_code`` of its subgroups of each date."""
    for name in columns:
        if name in rows.codes:
            members, starts, count = _sort_by_code(rows.code_group((name,)))
            if members.size:
                yield name, members, starts, count


def _sort_by_code(codes: Codes) -> tuple[Codes, Codes, Codes]:
    """Positions of the records by code, where each code starts among them, and how many it has."""
    members = np.argsort(codes, kind="stable")[(codes < 0).sum() :]
    starts = np.flatnonzero(np.diff(codes[members], prepend=-1))
    return members, starts, np.diff(starts, append=len(members))


def find_same(rows: Rows, columns: Sequence[str], needed: Matrix) -> Mask:
    """Records of subgroups, of as many as needed, with one value of a feature; × features."""
    out = np.zeros(rows.values.shape, dtype=np.bool_)
    for _, members, starts, count in _list_subgroups(rows, columns):
        values = rows.values[members]
        absent = np.isnan(values)
        low = np.minimum.reduceat(np.where(absent, np.inf, values), starts, axis=0)
        high = np.maximum.reduceat(np.where(absent, -np.inf, values), starts, axis=0)
        sizes = np.add.reduceat(~absent, starts, axis=0, dtype=np.int64)
        same = (sizes >= needed) & (low == high)
        out[members] |= np.repeat(same, count, axis=0) & ~absent
    return out


def find_whole_tables(is_default: Mask, tables: Sequence[Sequence[int]]) -> Mask:
    """Records that have a default for every feature of a table; records × features."""
    out = np.zeros(is_default.shape, dtype=np.bool_)
    for features in tables:
        if len(features) > 1:
            whole = np.asarray(is_default[:, list(features)].all(axis=1))
            out[:, list(features)] = whole[:, np.newaxis]
    return out
