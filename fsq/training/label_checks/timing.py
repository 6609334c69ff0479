"""Labels of events that have not taken place."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import LabelData, LabelFault


def find_early_labels(data: LabelData) -> list[LabelFault]:
    """Report labels of later moments than now, and those of a date that is not over."""
    table = data.contract.table
    today = data.now.astimezone(ZoneInfo(table.timezone)).date()
    if table.time is not None and table.time in data.rows.columns:
        moment = _as_utc(data.rows[table.time])
        future = (moment >= data.now).fill_null(False).to_numpy() & data.has_label
        current = np.zeros_like(future)
    else:
        day = data.rows[table.date]
        future = (day > today).fill_null(False).to_numpy() & data.has_label
        current = (day == today).fill_null(False).to_numpy() & data.has_label
    out = []
    if future.any():
        out.append(
            LabelFault(
                "label_before_event",
                "red",
                f"{table.count(int(future.sum()))} have {data.label} before the event has taken "
                "place",
                f"Their dates: {format_dates(data.list_dates(future))}; today is {today}. "
                "Something wrote a label before there was a result.",
                f"set {data.label} to NULL until the event has taken place",
                future,
            )
        )
    if current.any():
        out.append(
            LabelFault(
                "label_before_event",
                "yellow",
                f"{table.count(int(current.sum()))} of today already have {data.label}",
                f"{today} is not over, so these labels may be preliminary.",
                "build the set again tomorrow",
                current,
            )
        )
    return out


def _as_utc(moments: pl.Series) -> pl.Series:
    dtype = moments.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        return moments.dt.replace_time_zone("UTC")
    return moments
