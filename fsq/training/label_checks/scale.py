"""Labels out of line with those of earlier dates: another unit, another sign, another quantity."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import SURE, LabelData, LabelFault, Matrix, measure_surprise

_LEVELS = (0.5, 0.75, 0.9)  # quantiles of the labels' size
_FACTOR = np.log(2.5)  # a smaller one is within what dates differ by
_STEADY = 0.25  # quantiles' factors may differ by this share of the factor's logarithm
_SIGNS = 0.15  # by which the share of labels below zero may differ
_OUTLIER = 6.0  # robust standard deviations
_BEYOND = 0.7  # share of a date's labels outside the range of nine in ten
_TAIL = 0.05
_FIRST, _HISTORY = 10, 30  # dates to begin with, and to compare with
_FEWEST = 8  # labels of a date
_FEWEST_DATES = 4


def find_other_scales(data: LabelData) -> list[LabelFault]:
    """Report dates whose labels are a multiple of the usual ones, or lie outside their range."""
    counts = np.bincount(data.date_codes[data.has_label], minlength=len(data.dates))
    known = [int(at) for at in np.flatnonzero(counts >= _FEWEST)]
    if len(known) < _FEWEST_DATES:
        return []
    sizes, signs, ends = _measure_dates(data)
    factors: dict[int, float] = {}
    outside: list[int] = []
    history = known[:_FIRST]
    for at in known:
        past = [d for d in history if d != at][-_HISTORY:]
        factor = _find_factor(sizes, signs, at, past)
        if factor is not None:
            factors[at] = factor
        elif _lies_outside(data, ends, at, past):
            outside.append(at)
        if at in factors or at in outside:
            # What is wrong is no history, and never becomes normal.
            history = [d for d in history if d != at]
        elif at not in history:
            history.append(at)
    return [*_report_factors(data, factors), *_report_outside(data, outside)]


def _measure_dates(data: LabelData) -> tuple[Matrix, Matrix, Matrix]:
    """Per date: logarithms of quantiles of the labels' size, share below zero, ends.

    The size is taken without zeros; the ends are those of nine labels in ten.
    """
    known = data.has_label
    flat = pl.DataFrame({"date": data.date_codes[known], "y": data.labels[known]})
    size = pl.col("y").abs().filter(pl.col("y") != 0)
    found = flat.group_by("date").agg(
        *(size.quantile(q, "linear").alias(f"s{i}") for i, q in enumerate(_LEVELS)),
        negative=(pl.col("y") < 0).mean(),
        low=pl.col("y").quantile(_TAIL, "linear"),
        high=pl.col("y").quantile(1 - _TAIL, "linear"),
        sized=size.len(),
    )
    every = pl.DataFrame({"date": np.arange(len(data.dates))}).join(
        found.with_columns(pl.col("date").cast(pl.Int64)), on="date", how="left"
    )
    sized = every["sized"].fill_null(0).to_numpy() >= _FEWEST
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.log(every.select(f"s{i}" for i in range(len(_LEVELS))).to_numpy())
    sizes = np.where(sized[:, None], sizes, np.nan)
    ends = every.select("low", "high").to_numpy()
    return sizes, every["negative"].to_numpy(), ends


def _find_factor(sizes: Matrix, signs: Matrix, at: int, past: list[int]) -> float | None:
    """By what the labels of a date are multiplied; None if they are not.

    A factor leaves their signs alone, which a day that really differs seldom does.
    """
    if past and abs(signs[at] - np.median(signs[past])) > _SIGNS:
        return None
    earlier = sizes[past]
    earlier = earlier[~np.isnan(earlier).any(axis=1)]
    if len(earlier) < 3 or np.isnan(sizes[at]).any():
        return None
    usual = np.median(earlier, axis=0)
    ratios, factor = sizes[at] - usual, float(np.mean(sizes[at] - usual))
    noise = np.mean(earlier - usual, axis=1)
    spread = 1.4826 * float(np.median(np.abs(noise)))
    steady = float(np.ptp(ratios)) <= _STEADY * abs(factor)
    if abs(factor) >= max(_FACTOR, _OUTLIER * spread) and steady:
        return float(np.exp(factor))
    return None


def _lies_outside(data: LabelData, ends: Matrix, at: int, past: list[int]) -> bool:
    """Whether most labels of a date lie beyond where one in twenty of the earlier dates' does."""
    if len(past) < 3:
        return False
    low, high = np.median(ends[past], axis=0)
    labels = data.labels[(data.date_codes == at) & data.has_label]
    for hits in (int((labels > high).sum()), int((labels < low).sum())):
        sure = float(measure_surprise(hits, len(labels), 2 * _TAIL)) >= SURE
        if hits >= _BEYOND * len(labels) and sure:
            return True
    return False


def _report_factors(data: LabelData, factors: dict[int, float]) -> list[LabelFault]:
    if not factors:
        return []
    typical = float(np.exp(np.median(np.log(list(factors.values())))))
    days = [data.dates[i] for i in factors]
    records = data.on_dates(factors)
    times = f"{typical:.3g}" if typical > 1 else f"1/{1 / typical:.3g}"
    return [
        LabelFault(
            "label_out_of_line",
            "red",
            f"{data.label} of {format_dates(days)} is about {times} times that of earlier dates",
            f"All quantiles of its size moved by the same factor for "
            f"{data.contract.table.count(int(records.sum()))}: another unit, or a sum in place of "
            "a mean.",
            f"convert {data.label} of these dates, or fill it again",
            records,
            evidence={"factor": typical},
        )
    ]


def _report_outside(data: LabelData, outside: list[int]) -> list[LabelFault]:
    if not outside:
        return []
    records = data.on_dates(outside)
    days = [data.dates[i] for i in outside]
    middle = float(np.median(data.labels[records]))
    others = data.has_label & ~records
    usual = float(np.median(data.labels[others])) if others.any() else None
    against = "" if usual is None else f", usually {usual:g}"
    return [
        LabelFault(
            "label_out_of_line",
            "red",
            f"{data.label} of {format_dates(days)} lies outside the range of earlier dates",
            f"Its median is {middle:g}{against}. Most of these labels lie beyond where one in "
            "twenty does on earlier dates: another unit, another sign, or another quantity.",
            f"look at {data.label} of these dates, and fill it again",
            records,
            evidence={"median": middle, "usual_median": usual},
        )
    ]
