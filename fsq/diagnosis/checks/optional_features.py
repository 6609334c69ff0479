"""Optional features: never present is normal, suddenly absent is not."""

from __future__ import annotations

from typing import Any

from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.context import Context, Matrix
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.optional import OptionalGroup, group_optional


class OptionalThresholds(Thresholds):
    """How many rows normally have the optional features, and how much that may change."""

    optional_normal: tuple[Share, Share] = (0.4, 0.6)
    """Share of rows that normally have the optional features."""
    optional_shift: Share = 0.15
    """Change of that share against the earlier dates' median."""


def _describe_coverage(f: Facts) -> Text:
    low, high = f.evidence["normal"]
    return Text(
        f"{f.indices} present in {f.evidence['share']:.0%} of the rows, usually {f.usual_share}",
        f"{low:.0%} to {high:.0%} is normal; {f.table} was read too early or not at all.",
    )


def _describe_absent(f: Facts) -> Text:
    siblings = {g.name for g in f.contract.features if g.upstream_table == f.signal.table}
    missing = f"from {f.table}" if siblings == {*f.features} else f"of {f.names}"
    return Text(
        f"no row has a value {missing}",
        "Earlier dates have none either. These features are optional, so this is allowed.",
    )


COVERAGE = Kind(
    "optional_coverage",
    "optional features have values for an unusual share of the rows",
    ("yellow",),
    _describe_coverage,
    (HISTORY,),
)
ABSENT = Kind(
    "optional_absent",
    "optional features have no values, on this date and on earlier ones",
    ("info",),
    _describe_absent,
    repairable=False,
)


class OptionalFeatures(Check):
    """Compare the share of rows with optional features with the contract and earlier dates."""

    stage = Stage.ROWS
    thresholds = OptionalThresholds
    kinds = (COVERAGE, ABSENT)

    def find(self, ctx: Context) -> None:
        """Report a share that is out of bounds and has changed, or that is zero as before."""
        for group in group_optional(ctx.contract):
            present = ctx.count_per_date(~ctx.find_any_defaulted(group.deciding))
            self._compare(ctx, group, (present / ctx.rows)[:, None])

    def _compare(self, ctx: Context, group: OptionalGroup, share: Matrix) -> None:
        limits = OptionalThresholds.of(ctx.contract)
        low, high = limits.optional_normal
        for at, _ in ctx.iterate_dates():
            now, usual = float(share[at, 0]), ctx.compute_median_before(share, at)
            facts: dict[str, Any] = {
                "share": round(now, 4),
                "normal": [low, high],
                "usual_share": None if usual is None else round(float(usual[0]), 4),
            }
            what = (group.name, list(group.features), ctx.rows[at] * (1 - now), group.table)
            if now == 0 and (usual is None or usual[0] == 0):
                ABSENT.report(ctx, at, "info", *what, **facts)
            elif (
                COVERAGE.can_evaluate(ctx, at)
                and usual is not None
                and not ctx.starts_season(at)
                and not low <= now <= high
                and abs(now - usual[0]) >= limits.optional_shift
            ):
                COVERAGE.report(ctx, at, "yellow", *what, **facts)
