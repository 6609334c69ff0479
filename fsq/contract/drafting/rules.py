"""Windows, ages of upstream tables, and thresholds of the diagnosis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from fsq.contract.drafting.features import is_optional
from fsq.contract.drafting.grouping import DraftWindow
from fsq.contract.drafting.statistics import FeatureStatistics, quantile
from fsq.contract.rules import DiagnosisRules, FeatureRules
from fsq.contract.text import Line, section

_WARMUP = DiagnosisRules().warmup_games
_MIN_ROWS = DiagnosisRules().min_rows
_HOURS, _MOST_HOURS = ("stale_hours", "very_stale_hours"), 1_000_000.0
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
            hours = {
                k: min(_MOST_HOURS, h) for k, h in zip(_HOURS, (stale, 2 * stale), strict=True)
            }
            what = f"99 % of the rows have a record of at most {age:.1f} hours; twice that"
            lines.append(Line(table, hours, what))
    yield from section("[tables]", lines)


def draft_diagnosis(
    rows: pl.LazyFrame,
    measured: Sequence[FeatureStatistics],
    windows: Mapping[str, DraftWindow],
    days: pl.Series,
    least_rows: int,
) -> Iterator[str]:
    """Thresholds that the size and rhythm of the data ask for."""
    lines = [
        *_draft_rows(days.unique().sort(), least_rows),
        *_draft_warmup(rows, windows, days),
        *_draft_optional(measured),
    ]
    yield from section("[diagnosis]", lines)


def _draft_warmup(
    rows: pl.LazyFrame, windows: Mapping[str, DraftWindow], days: pl.Series
) -> Iterator[Line]:
    """Half of what the fullest window holds on a usual date; half its size if nothing says it."""
    schema = rows.collect_schema()
    sized = {f: w for f, w in windows.items() if w.size is not None}
    owners = dict.fromkeys(o for f, w in sized.items() for o in (f, w.name))
    columns = [f"{o}__sample_size" for o in owners if f"{o}__sample_size" in schema]
    if columns:
        samples = rows.select(pl.col(columns).cast(pl.Float64)).collect().with_columns(days)
        medians = samples.group_by(days.name).agg(pl.col(columns).median())
        each = medians.select(pl.max_horizontal(columns)).to_series().to_numpy()
        fullest = quantile(each.astype(np.float64), 0.5)
        if not math.isnan(fullest) and round(fullest / 2, 1) != _WARMUP:
            what = f"half of {fullest:g}, the members of the fullest window on a usual date"
            yield Line("warmup_games", max(0.0, round(fullest / 2, 1)), what)
        return
    sizes = [w.size for w in sized.values() if w.size is not None]
    if sizes and max(sizes) <= _WARMUP:
        yield Line("warmup_games", max(sizes) / 2, f"the largest window holds {max(sizes)}")


def _draft_rows(dates: pl.Series, least_rows: int) -> Iterator[Line]:
    if least_rows < _MIN_ROWS:
        yield Line("min_rows", least_rows, "half the rows of a usual date; fewer say little")
    gap = dates.diff().dt.total_days().median() if len(dates) > 1 else 1
    gap = int(gap or 1)  # type: ignore[arg-type]
    if gap > 1:
        what = f"usually {gap} days lie between dates"
        yield Line("break_days", min(36_500, 5 * gap), what)
        yield Line("history_max_age_days", min(36_500, max(45, 10 * gap)), what)


def _draft_optional(measured: Sequence[FeatureStatistics]) -> Iterator[Line]:
    optional = [s for s in measured if is_optional(s)]
    if optional:
        low = min(1 - quantile(s.daily.default, 0.98) for s in optional)
        high = max(1 - quantile(s.daily.default, 0.02) for s in optional)
        bounds = [math.floor(low * 100) / 100, math.ceil(high * 100) / 100]
        what = "share of rows with an optional feature, on 96 % of the dates of each"
        yield Line("optional_normal", bounds, what)
