"""Windows, ages of upstream tables, and thresholds of the diagnosis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from fsq.contract.drafting.grouping import DraftWindow
from fsq.contract.drafting.statistics import FeatureStatistics, quantile
from fsq.contract.sections import DiagnosisRules, FeatureRules
from fsq.contract.text import Line, section

_WARMUP = DiagnosisRules().warmup_games
_MIN_ROWS = DiagnosisRules().min_rows
_STALE = FeatureRules().stale_hours


def draft_windows(windows: Mapping[str, DraftWindow]) -> Iterator[str]:
    """The section of windows; those with a size first seen first."""
    lines = {
        w.name: Line(w.name, {} if w.size is None else {"size": w.size}, w.reason)
        for w in windows.values()
    }
    yield from section("[windows]", lines.values())


def draft_tables(ages: Mapping[str, float], used: set[str]) -> Iterator[str]:
    """Thresholds of tables whose records are usually older than the contract's own, or younger."""
    lines = []
    for table, age in ages.items():
        stale = float(max(1, math.ceil(2 * age)))
        if table in used and (stale > _STALE or stale <= _STALE / 4):
            hours = {"stale_hours": stale, "very_stale_hours": 2 * stale}
            what = f"99 % of the rows have a record of at most {age:.1f} hours; twice that"
            lines.append(Line(table, hours, what))
    yield from section("[tables]", lines)


def draft_diagnosis(
    measured: Sequence[FeatureStatistics],
    windows: Mapping[str, DraftWindow],
    days: pl.Series,
    least_rows: int,
) -> Iterator[str]:
    """Thresholds that the size and rhythm of the data ask for."""
    yield from section(
        "[diagnosis]", _draft_thresholds(measured, windows, days.unique().sort(), least_rows)
    )


def _draft_thresholds(
    measured: Sequence[FeatureStatistics],
    windows: Mapping[str, DraftWindow],
    dates: pl.Series,
    least_rows: int,
) -> Iterator[Line]:
    if least_rows < _MIN_ROWS:
        yield Line("min_rows", least_rows, "half the rows of a usual date; fewer say little")
    sizes = [w.size for w in windows.values() if w.size is not None]
    if sizes and max(sizes) <= _WARMUP:
        yield Line("warmup_games", max(sizes) / 2, f"the largest window holds {max(sizes)}")
    gap = dates.diff().dt.total_days().median() if len(dates) > 1 else 1
    gap = int(gap or 1)  # type: ignore[arg-type]
    if gap > 1:
        what = f"usually {gap} days lie between dates"
        yield Line("break_days", min(36_500, 5 * gap), what)
        yield Line("history_max_age_days", min(36_500, max(45, 10 * gap)), what)
    optional = [s for s in measured if s.default_share >= 0.2]
    if optional:
        there = 1 - np.mean([s.daily.default for s in optional], axis=0)
        low, high = quantile(there, 0.02), quantile(there, 0.98)
        bounds = [math.floor(low * 100) / 100, math.ceil(high * 100) / 100]
        what = "share of values of the optional features on 96 % of the dates"
        yield Line("optional_normal", bounds, what)
