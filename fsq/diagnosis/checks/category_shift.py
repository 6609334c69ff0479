"""Required categories whose quality falls without another cause."""

from __future__ import annotations

import polars as pl

from fsq.contract.sections import Percent
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, SEASON_UNDER_WAY, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.messages import Facts, Text


class CategoryThresholds(Thresholds):
    """Points that a category may lie below the earlier dates' median."""

    category_drop_yellow: Percent = 10.0
    """Points that a category's quality lies below the earlier dates' median."""
    category_drop_red: Percent = 30.0
    """The same, for red."""
    rising = (("category_drop_yellow", "category_drop_red"),)


def _describe(f: Facts) -> Text:
    return Text(
        f"{f.signal.subject} quality fell to {f.evidence['quality_pct']:g} from "
        f"{f.evidence['usual_pct']:g}",
        "No single table explains it; check the sources and sample sizes of its features.",
    )


CATEGORY_SHIFT = Kind(
    "category_shift",
    "a category's quality fell, and no other finding says why",
    ("red", "yellow"),
    _describe,
    (HISTORY, SEASON_UNDER_WAY),
)


class CategoryShift(Check):
    """Compare each required category's mean quality with the earlier dates."""

    stage = Stage.UNEXPLAINED
    thresholds = CategoryThresholds
    kinds = (CATEGORY_SHIFT,)

    def find(self, ctx: Context) -> None:
        """Report categories that fell and none of whose features another finding names."""
        limits, contract = CategoryThresholds.of(ctx.contract), ctx.contract
        required = [c.name for c in contract.categories if not c.optional]
        if not required:
            return
        means = ctx.days.select(pl.col(f"{c}_quality_pct").cast(pl.Float64) for c in required)
        quality = means.to_numpy()
        explained = ctx.list_explained()
        belonging = {c: [f for f in contract.features if f.category == c] for c in required}
        earlier = ctx.find_usual(quality)
        for at, day in ctx.iterate_dates():
            usual = earlier.get(at)
            if not CATEGORY_SHIFT.can_evaluate(ctx, at) or usual is None:
                continue
            for n, category in enumerate(required):
                members, drop = belonging[category], float(usual[n] - quality[at, n])
                if not drop >= limits.category_drop_yellow:  # or unknown
                    continue
                if any((day, f.name) in explained for f in members):
                    continue
                CATEGORY_SHIFT.report(
                    ctx,
                    at,
                    "red" if drop >= limits.category_drop_red else "yellow",
                    category,
                    members,
                    ctx.rows[at],
                    quality_pct=round(float(quality[at, n]), 1),
                    usual_pct=round(float(usual[n]), 1),
                )
