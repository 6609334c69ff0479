"""Optional features: never present is normal, suddenly absent is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.checks.source_labels import SOURCES_ABSENT
from fsq.diagnosis.context import Context
from fsq.diagnosis.learning import find_calm_dates
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.optional import OptionalGroup, group_optional
from fsq.profile.rows import Matrix


class OptionalThresholds(Thresholds):
    """How many rows normally have the optional features, and how much that may change."""

    optional_normal: tuple[Share, Share] = (0.4, 0.6)
    """Share of rows that normally have the optional features."""
    optional_shift: Share = 0.15
    """Change of that share against the earlier dates' median."""


def _describe_coverage(f: Facts) -> Text:
    low, high = f.evidence["normal"]
    if f.evidence["share"] < f.evidence["usual_share"]:
        why = f"{f.table} was read too early or not at all"
    elif f.evidence["same_value"] is None:
        why = f"look for values of {f.table} that were filled in where there were none"
    else:
        same = f"{f.evidence['same_share']:.0%} of the values of {f.evidence['same_feature']}"
        why = f"{same} are {f.evidence['same_value']:g}, which may stand for none"
    return Text(
        f"{f.indices} present in {f.evidence['share']:.0%} of the rows, usually {f.usual_share}",
        f"{low:.0%} to {high:.0%} is normal; {why}.",
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
        mislabelled = ctx.list_explained(SOURCES_ABSENT.name)
        calm, earlier = find_calm_dates(ctx), ctx.find_usual(share)
        for at, day in ctx.iterate_dates():
            if all((day, f.name) in mislabelled for f in group.features):
                continue
            now, usual = float(share[at, 0]), earlier.get(at)
            facts: dict[str, Any] = {
                "share": round(now, 4),
                "normal": [low, high],
                "usual_share": None if usual is None else round(float(usual[0]), 4),
            }
            before = 0.0 if usual is None else float(usual[0])
            affected = ctx.rows[at] * (now - before if now > before else 1 - now)
            what = (group.name, list(group.features), affected, group.table)
            if now == 0 and (usual is None or usual[0] == 0):
                ABSENT.report(ctx, at, "info", *what, **facts)
            elif (
                COVERAGE.can_evaluate(ctx, at)
                and usual is not None
                and not ctx.starts_season(at)
                and not low <= now <= high
                and abs(now - usual[0]) >= limits.optional_shift
            ):
                facts |= _find_filler(ctx, group, at)
                if now > before and facts["same_value"] is None and not calm[at]:
                    continue  # after a break, more and more records have them
                COVERAGE.report(ctx, at, "yellow", *what, **facts)


def _find_filler(ctx: Context, group: OptionalGroup, at: int) -> dict[str, Any]:
    """The value that most rows of a date share, if it may be what was filled in for none.

    Of the features of the group that have it most often; NULL if no value stands out.
    """
    least = OptionalThresholds.of(ctx.contract).optional_shift
    shares = ctx.get_matrix("most_common_share")
    before = ctx.compute_median_before(shares, at)
    risen = shares[at] - (0 if before is None else np.nan_to_num(before))
    feature = max(group.deciding, key=lambda f: float(np.nan_to_num(risen[f.index])))
    if not risen[feature.index] >= least:
        return dict.fromkeys(("same_feature", "same_value", "same_share"))
    values = ctx.get_values(feature.index)[ctx.date_index == at]
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return {
        "same_feature": feature.name,
        "same_value": float(found[counts.argmax()]),
        "same_share": round(float(shares[at, feature.index]), 4),
    }
