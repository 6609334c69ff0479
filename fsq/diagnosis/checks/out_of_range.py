"""Values outside the contract's range, for more rows than chance explains."""

from __future__ import annotations

import numpy as np

from fsq.contract import Feature
from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import MIN_ROWS, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import CHANCE, measure_tail
from fsq.diagnosis.messages import Facts, Text


class RangeThresholds(Thresholds):
    """How many values may lie outside the range."""

    violation_share_yellow: Share = 0.05
    """Share of values outside the range."""
    violation_share_red: Share = 0.2
    """The same, for red."""
    rising = (("violation_share_yellow", "violation_share_red"),)


def _describe(f: Facts) -> Text:
    e = f.evidence
    return Text(
        f"{f.feature}: values out of range for {f.rows}",
        f"{e['share']:.0%} of the values of {e['worst']} lie outside {e['min']:g} to "
        f"{e['max']:g}; {f.job} wrote values that cannot be right.",
    )


OUT_OF_RANGE = Kind(
    "range_violation",
    "values lie outside the contract's range",
    ("red", "yellow"),
    _describe,
    (MIN_ROWS,),
    of_values=True,
)


class OutOfRange(Check):
    """Count the values outside the range, feature by feature."""

    stage = Stage.VALUES
    thresholds = RangeThresholds
    kinds = (OUT_OF_RANGE,)

    def find(self, ctx: Context) -> None:
        """Report the features of a table together: one job wrote them."""
        limits = RangeThresholds.of(ctx.contract)
        violations, mean = ctx.get_matrix("violation_rows"), ctx.get_matrix("mean")
        share = violations / np.maximum(ctx.get_matrix("values"), 1)
        for at, _ in ctx.iterate_dates():
            enough = OUT_OF_RANGE.can_evaluate(ctx, at)
            if not enough and not ctx.weighs_chance:
                continue
            for table, features in ctx.tables.items():
                bad = [f for f in features if share[at, f.index] >= limits.violation_share_yellow]
                bad = bad if enough else [f for f in bad if not _may_be_chance(ctx, f, at)]
                if not bad:
                    continue
                worst = max(bad, key=lambda f: share[at, f.index])
                OUT_OF_RANGE.report(
                    ctx,
                    at,
                    "red" if share[at, worst.index] >= limits.violation_share_red else "yellow",
                    table,
                    bad,
                    violations[at, worst.index],
                    table,
                    worst=worst.name,
                    min=worst.min,
                    max=worst.max,
                    mean=round(float(mean[at, worst.index]), 4),
                    share=round(float(share[at, worst.index]), 4),
                )


def _may_be_chance(ctx: Context, feature: Feature, at: int) -> bool:
    """Whether chance may put so many of few values out of range, by what was known before."""
    counted = ("values", "violation_rows")
    values, out = (ctx.get_matrix(name)[at, feature.index] for name in counted)
    known, hits = (ctx.sum_before(name)[at, feature.index] for name in counted)
    return measure_tail(int(out), int(values), float((hits + 1) / (known + 2))) >= CHANCE
