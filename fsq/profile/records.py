"""Records that moved as a whole too far, or not at all, since the entity's previous record."""

from __future__ import annotations

import numpy as np

from fsq.profile.rows import Mask, Matrix, Rows
from fsq.profile.steps import ENTITY, measure_jumps
from fsq.profile.structure import Structure

_SHARE_OF_JUMP = 2.0  # usual steps: a feature that moved less has no part in it
_BACK = 4  # records before the last one in which a value may have stood
_COPIED = 0.97  # share of a record's features that have not moved
_MIN_FEATURES = 5
_MIN_KNOWN = 0.5  # share of the features whose move is known


def find_jumps(step: Matrix, structure: Structure) -> Mask:
    """Records that moved further, over a whole table, than one in a thousand; × features."""
    out = np.zeros(step.shape, dtype=np.bool_)
    sizes = measure_jumps(step, structure.tables)
    for at, features in enumerate(structure.tables):
        with np.errstate(invalid="ignore"):
            out[:, features] = (sizes[:, at] > structure.jumps[at])[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(out & (np.abs(step) > _SHARE_OF_JUMP))


def find_back(rows: Rows) -> Mask:
    """Values that the entity had some records before; records × features."""
    out = np.zeros(rows.values.shape, dtype=np.bool_)
    previous = rows.find_previous(ENTITY, rows.entity)
    back = previous
    for _ in range(_BACK):
        back = np.where(back >= 0, previous[back], -1)
        there = back >= 0
        if not there.any():
            break
        out[there] |= rows.values[there] == rows.values[back[there]]
    return out


def find_copied(step: Matrix, structure: Structure) -> Mask:
    """Records nearly none of whose features moved, though there are many; × features.

    A record is only a copy of one of its own entity: values that come from elsewhere, such as the
    weather of a place, may stand still for a new entity too.
    """
    known = ~np.isnan(step)
    own = np.array([name == ENTITY for name in structure.carriers.names])
    count = known.sum(axis=1)
    enough = (count >= _MIN_FEATURES) & (count >= _MIN_KNOWN * step.shape[1])
    enough &= known[:, own].sum(axis=1) >= _MIN_KNOWN * own.sum()
    still = (known & (step == 0)).sum(axis=1)
    return np.asarray(known & (enough & (still >= _COPIED * count))[:, None])
