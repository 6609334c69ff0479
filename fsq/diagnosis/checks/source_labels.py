"""Source labels that are absent, and labels that their values contradict."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fsq.contract import Contract, Feature
from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import measure_tail
from fsq.diagnosis.findings import Mask
from fsq.diagnosis.messages import Facts, Text
from fsq.schema.vocabulary import DEFAULT


class LabelThresholds(Thresholds):
    """How many rows may lack source labels, or have values that contradict them."""

    unlabelled_share: Share = 0.02
    """Share of rows whose values have no source label."""
    unlabelled_share_red: Share = 0.5
    """The same, for red."""
    contradiction_share: Share = 0.05
    """Share of rows whose value is not the default that its label states."""
    contradiction_chance: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """Such a share must be less likely than this, given that of the earlier dates."""
    rising = (("unlabelled_share", "unlabelled_share_red"),)


def _describe_absent(f: Facts) -> Text:
    what = f.signal.table or f"{f.indices}"
    if f.evidence["whole_rows"]:
        title = f"{f.rows} do not say where their values come from"
    else:
        title = f"the values of {what} have no source labels in {f.rows}"
    return Text(
        title,
        "The values are there, but not their sources, so they count as defaults. They may have "
        "been written before sources were kept, or sources were lost on the way; no job is to "
        "blame for the values.",
    )


def _describe_contradiction(f: Facts) -> Text:
    return Text(
        f"{f.feature} {f.are} labelled as default, but {f.rows} have other values",
        f"Upstream's default would be the contract's expected value. Either the labels of "
        f"{f.table} are wrong, or the contract's expected values are out of date.",
    )


SOURCES_ABSENT = Kind(
    "sources_absent",
    "values are there, but nothing says where they came from",
    ("red", "yellow"),
    _describe_absent,
    in_sql=False,
)
CONTRADICTED = Kind(
    "labels_contradict_values",
    "values are labelled as defaults, but are not the default",
    ("yellow",),
    _describe_contradiction,
    (HISTORY,),
    in_sql=False,
)


class SourceLabels(Check):
    """Compare the source labels with the values that they describe."""

    stage = Stage.LABELS
    thresholds = LabelThresholds
    kinds = (SOURCES_ABSENT, CONTRADICTED)

    def find(self, ctx: Context) -> None:
        """Report rows without labels first: then no label of theirs can be wrong."""
        if not ctx.is_default.any():
            return
        cells = ctx.remember("label cells", lambda: _Cells(ctx))
        if not cells.other.any():
            return
        for at, _ in ctx.iterate_dates():
            _report_absent(ctx, at, cells)
            _report_contradicted(ctx, at, cells)


class _Cells:
    """Records × features: values that count as defaults, though they are there.

    Attributes:
        present: there is a value.
        other: it is not the default that the contract expects.
        unlabelled: it has no source label.
        odd: a default by its label, but another value.
    """

    def __init__(self, ctx: Context) -> None:
        value = ctx.get_cells("feature_value")
        features = ctx.contract.features
        expected = np.array([np.nan if f.expected is None else f.expected for f in features])
        self.present: Mask = ~np.isnan(value)
        held = ctx.is_default & self.present
        self.other: Mask = held & ~np.isnan(expected) & (value != expected)
        unlabelled = held & (ctx.get_cells("quality_score") <= ctx.contract.sources["missing"].base)
        self.unlabelled: Mask = unlabelled if _tells_missing(ctx.contract) else unlabelled & False
        self.odd: Mask = self.other & ~self.unlabelled


def _tells_missing(contract: Contract) -> bool:
    """Whether the score tells a missing label from one that states a default."""
    rules, sources = contract.feature_rules, contract.sources
    stated = [s.base for n, s in sources.items() if s.type == DEFAULT and n != "missing"]
    lost = rules.very_stale_penalty + rules.thin_penalty
    return all(base - lost > sources["missing"].base for base in stated)


def _report_absent(ctx: Context, at: int, cells: _Cells) -> None:
    """Report rows without any label, then tables without labels in further rows."""
    today = ctx.date_index == at
    bare = cells.unlabelled | ~cells.present
    whole = today & bare.all(axis=1) & cells.unlabelled.any(axis=1)
    if _report_bare(ctx, at, cells, whole, list(ctx.contract.features), None):
        today &= ~whole
    for table, features in ctx.tables.items():
        indices = [f.index for f in features]
        rows = today & bare[:, indices].all(axis=1) & cells.unlabelled[:, indices].any(axis=1)
        _report_bare(ctx, at, cells, rows, features, table)


def _report_bare(
    ctx: Context, at: int, cells: _Cells, rows: Mask, features: list[Feature], table: str | None
) -> bool:
    """Report rows, unless all their values are the default: then a job wrote nothing."""
    limits = LabelThresholds.of(ctx.contract)
    count, indices = int(rows.sum()), [f.index for f in features]
    if not count or count < limits.unlabelled_share * ctx.rows[at]:
        return False
    other = cells.other[rows][:, indices].any(axis=1).sum()
    if other < limits.contradiction_share * count:
        return False
    share = count / ctx.rows[at]
    SOURCES_ABSENT.report(
        ctx,
        at,
        "red" if share >= limits.unlabelled_share_red else "yellow",
        table or "",
        features,
        count,
        table,
        rows,
        whole_rows=table is None,
        share=round(share, 4),
    )
    return True


def _report_contradicted(ctx: Context, at: int, cells: _Cells) -> None:
    limits = LabelThresholds.of(ctx.contract)
    if not cells.odd[ctx.date_index == at].any():
        return
    counts = np.stack([ctx.count_per_date(cells.odd[:, f.index]) for f in ctx.contract.features], 1)
    shares = counts / ctx.rows[:, None]
    usual = ctx.compute_median_before(shares, at)
    if not CONTRADICTED.can_evaluate(ctx, at) or usual is None:
        return
    for table, features in ctx.tables.items():
        if ctx.has_run(table, at) is False:
            continue  # values of an older run, which another kind of finding says

        def is_rare(f: Feature) -> bool:
            known = float(usual[f.index])
            chance = measure_tail(int(counts[at, f.index]), int(ctx.rows[at]), max(known, 0.01))
            return (
                shares[at, f.index] - known >= limits.contradiction_share
                and chance < limits.contradiction_chance
            )

        odd = [f for f in features if is_rare(f)]
        if odd:
            rows = np.asarray(cells.odd[:, [f.index for f in odd]].any(axis=1))
            worst = max(odd, key=lambda f: shares[at, f.index])
            facts: dict[str, Any] = {
                "share": round(float(shares[at, worst.index]), 4),
                "usual_share": round(float(usual[worst.index]), 4),
                "expected_value": worst.expected,
            }
            count = ctx.count_per_date(rows)[at]
            CONTRADICTED.report(ctx, at, "yellow", table, odd, count, table, rows, **facts)
