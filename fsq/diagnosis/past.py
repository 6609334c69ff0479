"""The evidence ``band``: how a measure lay on the dates before, and its usual range."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
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
        what: is measured, in words.
        feature: whose share it is; None for a number of rows.

    Returns:
        Nothing if these dates are too few.
    """
    history = ctx.find_history(at)
    if history is None or np.isnan(column[[*history, at]]).any():
        return {}
    before = column[history]
    return make_band(
        what,
        feature,
        [(ctx.dates[i], float(column[i])) for i in [*history, at]],
        usual=float(np.median(before)),
        low=float(before.min()),
        high=float(before.max()),
        is_share=feature is not None,
    )


def make_band(
    what: str,
    feature: str | None,
    values: Iterable[tuple[date, float]],
    *,
    usual: float,
    low: float | None,
    high: float,
    is_share: bool,
    metric: str | None = None,
    clean_dates: int | None = None,
    as_far: int | None = None,
) -> dict[str, Any]:
    """The evidence ``band`` as JSON types; see ``fsq.profile.Band`` for the figures.

    Args:
        what: is measured, in words.
        feature: of which; None for a number of rows.
        values: of the last dates, the date itself at the end.
        usual: what that date is compared with.
        low: a lower value is unusual; None where less is no fault.
        high: a higher value is unusual.
        is_share: whether it is a share, from 0 to 1.
        metric: its name in the profile; None without one.
        clean_dates: how many others the profile knows; None without one.
        as_far: how many of them lie as far from usual; None without a profile.
    """
    dates = [{"date": d.isoformat(), "value": round_figure(v)} for d, v in values]
    band = {
        "metric": metric,
        "what": what,
        "feature": feature,
        "share": is_share,
        "usual": round_figure(usual),
        "low": None if low is None else round_figure(low),
        "high": round_figure(high),
        "value": dates[-1]["value"],
        "dates": dates,
        "clean_dates": clean_dates,
        "as_far": as_far,
    }
    return {"band": band}


def round_figure(value: float) -> float:
    """A figure with as many digits as a reader of evidence needs.

    >>> round_figure(0.123456789)
    0.123457
    """
    return float(f"{value:.6g}")
