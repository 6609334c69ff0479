"""How each record differs from the one before it: found once, and again where faults turn up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fsq.profile.records import find_back
from fsq.profile.rows import Codes, Mask, Matrix, Rows
from fsq.profile.steps import Carriers, follow, follow_again


@dataclass(frozen=True)
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


def find_moves_again(rows: Rows, carriers: Carriers, known: Moves) -> tuple[Moves, Codes]:
    """The same from the moves of the same records when others were faulty.

    Returns:
        The moves, and the dates on which some differ from those known.
    """
    step, dates = follow_again(rows, carriers, known.step, known.faulty)
    return replace(known, step=step, faulty=_list_faulty(rows)), dates


def _list_faulty(rows: Rows) -> Mask:
    if rows.faulty is None:
        return np.zeros((len(rows.dates), len(rows.names)), dtype=np.bool_)
    return rows.faulty
