"""Source labels that are absent, and labels that contradict their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import polars as pl
from pydantic import Field

from fsq.contract import Contract, Feature
from fsq.contract.sections import Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.context import Context
from fsq.diagnosis.few_rows import measure_tail
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.messages import Facts, Text
from fsq.intake.source_labels import get_labels, parse_source_labels
from fsq.profile.rows import Codes, Mask, Matrix
from fsq.schema.vocabulary import DEFAULT

_LABELS = "feature_sources"
_CHANCE = 0.01  # share of contradictions that is never called unusual


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


def _describe_lost(f: Facts) -> Text:
    return Text(
        f"{f.feature} {f.are} missing in {f.rows}, though labelled as present",
        f"The labels name a source, but there is no value: it was lost between {f.table} and the "
        "feature store, such as by a join, or the label was written before the value.",
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
LOST = Kind(
    "labelled_without_value",
    "values are missing, though their labels name a source",
    ("red", "yellow"),
    _describe_lost,
    (HISTORY,),
    in_sql=False,
)


class SourceLabels(Check):
    """Compare the source labels with the values that they describe."""

    stage = Stage.LABELS
    thresholds = LabelThresholds
    kinds = (SOURCES_ABSENT, CONTRADICTED, LOST)
    columns = (_LABELS, "feature_names")

    def find(self, ctx: Context) -> None:
        """Report rows without labels first: then no label of theirs can be wrong."""
        cells = ctx.remember("label cells", lambda: _Cells(ctx))
        _report_absent(ctx, cells)
        _report_odd(ctx, CONTRADICTED, cells.odd, cells.count(ctx, "odd"))
        _report_odd(ctx, LOST, cells.lost, cells.count(ctx, "lost"))


class _Cells:
    """Records × features: what labels and values say of each other.

    Attributes:
        other: it counts as a default, but is not the one that the contract expects.
        bare: there is no value, or it has no source label.
        unlabelled: there is a value, and it has no source label.
        odd: a default by its label, but another value.
        lost: no value, but a label that names a source.
    """

    def __init__(self, ctx: Context) -> None:
        value = ctx.get_cells("feature_value")
        features = ctx.contract.features
        expected = np.array([np.nan if f.expected is None else f.expected for f in features])
        present = ~np.isnan(value)
        held = ctx.is_default & present
        self.other: Mask = held & ~np.isnan(expected) & (value != expected)
        unlabelled = held & (ctx.get_cells("quality_score") <= ctx.contract.sources["missing"].base)
        self.unlabelled: Mask = unlabelled & tells_missing(ctx.contract)
        self.bare: Mask = self.unlabelled | ~present
        self.odd: Mask = self.other & ~self.unlabelled
        # Optional values come and go; another check looks at their share.
        required = np.array([not f.optional for f in features])
        self.lost: Mask = _find_lost(ctx, ~present) & required

    def count(self, ctx: Context, name: str) -> Matrix:
        """Cells per date and feature."""
        cells: Mask = getattr(self, name)
        return ctx.remember(f"label cells: {name}", lambda: ctx.count_cells(cells))


def tells_missing(contract: Contract) -> bool:
    """Whether the score tells a missing label from one that states a default."""
    rules, sources = contract.feature_rules, contract.sources
    stated = [s.base for n, s in sources.items() if s.type == DEFAULT and n != "missing"]
    lost = rules.very_stale_penalty + rules.thin_penalty
    return all(base - lost > sources["missing"].base for base in stated)


def _find_lost(ctx: Context, empty: Mask) -> Mask:
    """Cells without a value whose label, where the rows keep their labels, names a source."""
    out: Mask = np.zeros(empty.shape, dtype=np.bool_)
    records = ctx.long.records
    if _LABELS not in records.columns or records.schema[_LABELS] != pl.String:
        return out
    texts = ctx.get_carried(_LABELS)
    words = [n for n, s in ctx.contract.sources.items() if s.type == DEFAULT]
    stated = sum(
        (texts.str.count_matches(f'"{w}"', literal=True).fill_null(0) for w in words),
        pl.zeros(len(texts), dtype=pl.UInt32, eager=True),
    )
    # More empty cells than labels for them: only these few texts are worth reading.
    rows = np.flatnonzero((empty.sum(axis=1) > stated.to_numpy()) & texts.is_not_null().to_numpy())
    if not len(rows):
        return out
    labels = parse_source_labels(records[rows.astype(np.uint32)])
    place = _find_positions(ctx, rows)
    for f in ctx.contract.features:
        label = get_labels(labels, place.get(f.name, -1))
        named = label.is_not_null() & ~label.is_in(words)
        out[rows, f.index] = named.to_numpy() & empty[rows, f.index]
    return out


def _find_positions(ctx: Context, rows: Codes) -> dict[str, int]:
    """The position of each feature in the rows' own lists, if all list the same names."""
    records = ctx.long.records
    if "feature_names" not in records.columns:
        return {n: i for i, n in enumerate(ctx.contract.names)}
    listed = records["feature_names"][rows.astype(np.uint32)].unique()
    names = listed[0] if len(listed) == 1 else None
    return {} if names is None else {n: i for i, n in enumerate(names.to_list())}


def _report_absent(ctx: Context, cells: _Cells) -> None:
    """Report rows without any label, and tables without labels in further rows."""
    if not cells.other.any():
        return
    whole = cells.bare.all(axis=1) & cells.unlabelled.any(axis=1)
    _report_bare(ctx, cells, np.asarray(whole), list(ctx.contract.features), None)
    for table, features in ctx.tables.items():
        indices = [f.index for f in features]
        rows = cells.bare[:, indices].all(axis=1) & cells.unlabelled[:, indices].any(axis=1)
        _report_bare(ctx, cells, np.asarray(rows & ~whole), features, table)


def _report_bare(
    ctx: Context, cells: _Cells, rows: Mask, features: Sequence[Feature], table: str | None
) -> None:
    """Report rows, unless all their values are the default: then a job wrote nothing."""
    limits = LabelThresholds.of(ctx.contract)
    other = rows & cells.other[:, [f.index for f in features]].any(axis=1)
    counts, others = ctx.count_per_date(rows), ctx.count_per_date(np.asarray(other))
    for at, _ in ctx.iterate_dates():
        count, share = counts[at], counts[at] / ctx.rows[at]
        if not count or share < limits.unlabelled_share:
            continue
        if others[at] < limits.contradiction_share * count:
            continue
        severity: Severity = "red" if share >= limits.unlabelled_share_red else "yellow"
        facts: dict[str, Any] = {"whole_rows": table is None, "share": round(float(share), 4)}
        SOURCES_ABSENT.report(ctx, at, severity, table or "", features, count, table, rows, **facts)


def _report_odd(ctx: Context, kind: Kind, cells: Mask, counts: Matrix) -> None:
    """Report features for which so many such cells are unusual, those of a table together."""
    limits = LabelThresholds.of(ctx.contract)
    shares = counts / ctx.rows[:, None]
    for at, _ in ctx.iterate_dates():
        if not counts[at].any():
            continue
        usual = ctx.compute_median_before(shares, at)
        if not kind.can_evaluate(ctx, at) or usual is None:
            continue
        for table, features in ctx.tables.items():
            if ctx.has_run(table, at) is False:
                continue  # another kind of finding says so
            odd = [
                f
                for f in features
                if shares[at, f.index] - usual[f.index] >= limits.contradiction_share
                and measure_tail(
                    int(counts[at, f.index]), int(ctx.rows[at]), max(usual[f.index], _CHANCE)
                )
                < limits.contradiction_chance
            ]
            if odd:
                _report_table(ctx, at, kind, table, odd, cells, shares, usual)


def _report_table(
    ctx: Context,
    at: int,
    kind: Kind,
    table: str,
    odd: list[Feature],
    cells: Mask,
    shares: Matrix,
    usual: Matrix,
) -> None:
    rows = np.asarray(cells[:, [f.index for f in odd]].any(axis=1))
    worst = max(odd, key=lambda f: shares[at, f.index])
    share = float(shares[at, worst.index])
    most = LabelThresholds.of(ctx.contract).unlabelled_share_red
    severity: Severity = "red" if share >= most and "red" in kind.severities else "yellow"
    facts: dict[str, Any] = {
        "share": round(share, 4),
        "usual_share": round(float(usual[worst.index]), 4),
        "expected_value": worst.expected,
    }
    count = ctx.count_per_date(rows)[at]
    kind.report(ctx, at, severity, table, odd, count, table, rows, **facts)
