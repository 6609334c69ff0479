"""How each record differs from the one before it: found once, and again where faults turn up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fsq.profile.records import find_back
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.steps import Carriers, follow, replace_steps


@dataclass
class Moves:
    """How records follow the ones before them.

    Attributes:
        step: records × features; NaN where nothing is known to come before.
        back: records × features: is the value one that its entity had some records before?
        followed: dates × features: records with a step, were no record before them faulty.
        faulty: dates × features, as they were when the steps were found.
    """

    step: Matrix
    back: Mask
    followed: Matrix
    faulty: Mask

    def choose(self, chosen: Codes) -> Moves:
        """Those of the records at some positions."""
        return replace(self, step=self.step[chosen], back=self.back[chosen])


def find_moves(rows: Rows, carriers: Carriers) -> Moves:
    """Find how each record differs from the one before it.

    Args:
        rows: of any dates.
        carriers: along what each feature moves.
    """
    step, faulty = follow(rows, carriers), _list_faulty(rows)
    every = follow(rows, carriers, from_faulty=True) if faulty.any() else step
    return Moves(step, find_back(rows), rows.sum_per_date(~np.isnan(every)), faulty)


def follow_again(rows: Rows, carriers: Carriers, moves: Moves) -> Codes:
    """Bring the moves of the same records up to date, where others are faulty than before.

    Returns:
        The dates on which some may differ now.
    """
    now = _list_faulty(rows)
    changed = np.asarray(now != moves.faulty)
    dates = replace_steps(rows, carriers, moves.step, changed)
    moves.faulty = now
    return dates


def _list_faulty(rows: Rows) -> Mask:
    if rows.faulty is None:
        return np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    return rows.faulty
