"""What is true of every record of a subgroup, such as one team of a date."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fsq.profile.groups import code_group
from fsq.profile.rows import Mask, Rows

_LEAST = 4  # records of a subgroup that says something
_MIN_GROUPS = 3  # of a date


def learn_subgroups(rows: Rows, clean: Mask) -> tuple[str, ...]:
    """The carried columns that split a date into several subgroups of several records."""
    out = []
    for name in rows.codes:
        codes = code_group(rows, (name,))
        known = codes >= 0
        if not known.any():
            continue
        _, first, sizes = np.unique(codes[known], return_index=True, return_counts=True)
        day = rows.date_index[known][first]
        per_date = np.bincount(day, minlength=len(rows.dates))[clean]
        if np.median(sizes) >= _LEAST and np.median(per_date) >= _MIN_GROUPS:
            out.append(name)
    return tuple(out)


def find_uniform(rows: Rows, columns: Sequence[str], state: Mask) -> Mask:
    """Records of subgroups all of whose records are in a state; records × features."""
    out = np.zeros(state.shape, dtype=np.bool_)
    for name in columns:
        if name not in rows.codes:
            continue
        codes = code_group(rows, (name,))
        known = codes >= 0
        count = np.bincount(codes[known], minlength=int(codes.max(initial=-1)) + 1)
        for f in range(state.shape[1]):
            hits = np.bincount(codes[known], weights=state[known, f], minlength=len(count))
            whole = np.asarray((count >= _LEAST) & (hits == count))
            out[known, f] |= whole[codes[known]]
    return out


def find_same(rows: Rows, columns: Sequence[str]) -> Mask:
    """Records of subgroups all of whose values of a feature are one; records × features."""
    out = np.zeros(rows.values.shape, dtype=np.bool_)
    for name in columns:
        if name not in rows.codes:
            continue
        codes = code_group(rows, (name,))
        count = int(codes.max(initial=-1)) + 1
        for f in range(rows.values.shape[1]):
            values = rows.values[:, f]
            known = (codes >= 0) & ~np.isnan(values)
            low, high = np.full(count, np.inf), np.full(count, -np.inf)
            np.minimum.at(low, codes[known], values[known])
            np.maximum.at(high, codes[known], values[known])
            sizes = np.bincount(codes[known], minlength=count)
            same = (sizes >= _LEAST) & (low == high)
            out[known, f] |= same[codes[known]]
    return out


def find_whole_tables(is_default: Mask, tables: Sequence[Sequence[int]]) -> Mask:
    """Records that have a default for every feature of a table; records × features."""
    out = np.zeros(is_default.shape, dtype=np.bool_)
    for features in tables:
        if len(features) > 1:
            whole = np.asarray(is_default[:, list(features)].all(axis=1))
            out[:, list(features)] = whole[:, np.newaxis]
    return out
