"""How a number per date lay on the dates before, where no profile tells."""

from __future__ import annotations

from typing import Any

import numpy as np

from fsq.diagnosis.context import Context
from fsq.profile.rows import Matrix


def describe_past(
    ctx: Context, at: int, column: Matrix, what: str, feature: str | None = None
) -> dict[str, Any]:
    """The evidence ``band`` of a number: its range on the dates that a date is compared with.

    Args:
        ctx: the dates.
        at: position of the date.
        column: the number of each date.
        what: it measures.
        feature: whose share it is; None for a number of rows.

    Returns:
        Nothing if these dates are too few.
    """
    history = ctx.find_history(at)
    if history is None or np.isnan(column[[*history, at]]).any():
        return {}
    before = column[history]
    band = {
        "metric": None,
        "what": what,
        "feature": feature,
        "share": feature is not None,
        "usual": round_figure(float(np.median(before))),
        "low": round_figure(float(before.min())),
        "high": round_figure(float(before.max())),
        "value": round_figure(float(column[at])),
        "dates": [
            {"date": ctx.dates[i].isoformat(), "value": round_figure(float(column[i]))}
            for i in [*history, at]
        ],
        "clean_dates": None,
        "as_far": None,
    }
    return {"band": band}


def round_figure(value: float) -> float:
    """A figure with as many digits as a reader of evidence needs.

    >>> round_figure(0.123456789)
    0.123457
    """
    return float(f"{value:.6g}")
