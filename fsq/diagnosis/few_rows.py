"""What few rows can say: exact tails of the binomial distribution."""

from __future__ import annotations

import numpy as np

CHANCE = 0.001  # what is less likely is no chance


def measure_tail(count: int, rows: int, share: float) -> float:
    """How likely at least ``count`` of ``rows`` are hit, if each is by chance ``share``.

    >>> round(measure_tail(3, 3, 0.5), 6)
    0.125
    >>> measure_tail(0, 3, 0.5)
    1.0
    """
    if count <= 0 or share >= 1:
        return 1.0
    if share <= 0 or count > rows:
        return 0.0
    logs = np.concatenate([[0.0], np.log(np.arange(1, rows + 1)).cumsum()])
    hits = np.arange(count, rows + 1)
    ways = logs[rows] - logs[hits] - logs[rows - hits]
    terms = ways + hits * np.log(share) + (rows - hits) * np.log1p(-share)
    return float(min(1.0, np.exp(terms).sum()))
