"""How each record differs from the one before it: found once, and again where faults turn up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fsq.profile.records import find_back
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.steps import Carriers, follow


@dataclass(frozen=True)
class Moves:
    """How records follow the ones before them.

    Attributes:
        step: records × features; NaN where nothing is known to come before.
        back: records × features: is the value one that its entity had some records before?
        followed: dates × features: records with a step, were no record before them faulty.
    """

    step: Matrix
    back: Mask
    followed: Matrix

    def choose(self, chosen: Codes) -> Moves:
        """Those of the records at some positions."""
        return replace(self, step=self.step[chosen], back=self.back[chosen])


def find_moves(rows: Rows, carriers: Carriers, known: Moves | None = None) -> Moves:
    """Find how each record differs from the one before it.

    Args:
        rows: of any dates.
        carriers: along what each feature moves.
        known: the moves of the same records when others were faulty, if they are known.
    """
    step = follow(rows, carriers)
    if known is not None:
        return replace(known, step=step)
    faultless = rows.faulty is None or not rows.faulty.any()
    every = step if faultless else follow(rows, carriers, from_faulty=True)
    return Moves(step, find_back(rows), rows.sum_per_date(~np.isnan(every)))
