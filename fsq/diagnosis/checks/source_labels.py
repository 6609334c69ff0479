"""Source labels that are absent, and labels that contradict their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from fsq.diagnosis.long_detail import VALUE, Condense, Part
from fsq.diagnosis.messages import Facts, Text
from fsq.intake.source_labels import get_labels, parse_source_labels
from fsq.profile.rows import Codes, Mask, Matrix
from fsq.schema.vocabulary import DEFAULT

_LABELS = "feature_sources"
# What is kept of each record and feature: it counts as a default, but is not the one that the
# contract expects; there is no value, or it has no source label; there is a value, and it has no
# label; a default by its label, but another value; no value, but a label that names a source.
_OTHER, _BARE, _UNLABELLED, _ODD, _LOST = (
    f"labels: {n}" for n in ("other", "bare", "unlabelled", "odd", "lost")
)
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

    def list_raw_columns(self, contract: Contract) -> Iterable[str]:
        """The labels' texts, and the names that they are listed under."""
        return (_LABELS, "feature_names")

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense:
        """What labels and values say of each other."""
        return _compare

    def find(self, ctx: Context) -> None:
        """Report rows without labels first: then no label of theirs can be wrong."""
        _report_absent(ctx)
        _report_odd(ctx, CONTRADICTED, _ODD)
        _report_odd(ctx, LOST, _LOST)


def _compare(part: Part) -> dict[str, Mask]:
    """Records × features: what labels and values say of each other."""
    value, features = part.get_cells(VALUE), part.contract.features
    expected = np.array([np.nan if f.expected is None else f.expected for f in features])
    present = ~np.isnan(value)
    held = part.is_default & present
    other = held & ~np.isnan(expected) & (value != expected)
    missing = part.contract.sources["missing"].base
    unlabelled = held & (part.get_cells("quality_score") <= missing) & tells_missing(part.contract)
    # Optional values come and go; another check looks at their share.
    required = np.array([not f.optional for f in features])
    return {
        _OTHER: other,
        _BARE: unlabelled | ~present,
        _UNLABELLED: unlabelled,
        _ODD: other & ~unlabelled,
        _LOST: _find_lost(part, ~present) & required,
    }


def tells_missing(contract: Contract) -> bool:
    """Whether the score tells a missing label from one that states a default."""
    rules, sources = contract.feature_rules, contract.sources
    stated = [s.base for n, s in sources.items() if s.type == DEFAULT and n != "missing"]
    lost = rules.very_stale_penalty + rules.thin_penalty
    return all(base - lost > sources["missing"].base for base in stated)


def _find_lost(part: Part, empty: Mask) -> Mask:
    """Cells without a value whose label, where the rows keep their labels, names a source."""
    out: Mask = np.zeros(empty.shape, dtype=np.bool_)
    records, contract = part.records, part.contract
    if _LABELS not in records.columns or records.schema[_LABELS] != pl.String:
        return out
    texts = records[_LABELS]
    words = [n for n, s in contract.sources.items() if s.type == DEFAULT]
    stated = sum(
        (texts.str.count_matches(f'"{w}"', literal=True).fill_null(0) for w in words),
        pl.zeros(len(texts), dtype=pl.UInt32, eager=True),
    )
    # More empty cells than labels for them: only these few texts are worth reading.
    rows = np.flatnonzero((empty.sum(axis=1) > stated.to_numpy()) & texts.is_not_null().to_numpy())
    if not len(rows):
        return out
    labels = parse_source_labels(records[rows.astype(np.uint32)])
    place = _find_positions(part, rows)
    columns = [get_labels(labels, place.get(n, -1)).alias(n) for n in contract.names]
    named = pl.DataFrame(columns).select(pl.all().is_not_null() & ~pl.all().is_in(words))
    out[rows] = named.to_numpy() & empty[rows]
    return out


def _find_positions(part: Part, rows: Codes) -> dict[str, int]:
    """The position of each feature in the rows' own lists, if all list the same names."""
    if not isinstance(part.records.schema.get("feature_names"), pl.List | pl.Array):
        return {n: i for i, n in enumerate(part.contract.names)}
    listed = part.records["feature_names"][rows.astype(np.uint32)].unique()
    names = listed[0] if len(listed) == 1 else None
    return {} if names is None else {n: i for i, n in enumerate(names.to_list())}


def _report_absent(ctx: Context) -> None:
    """Report rows without any label, and tables without labels in further rows."""
    for name, (rows, others) in ctx.remember("bare rows", lambda: _find_bare(ctx)).items():
        features = ctx.contract.features if name is None else ctx.tables[name]
        _report_bare(ctx, rows, others, list(features), name)


def _find_bare(ctx: Context) -> dict[str | None, tuple[Mask, Mask]]:
    """Rows without labels, as a whole (None) or of a table, and those with another value there.

    None at all where every value is the default.
    """
    every = ctx.contract.features
    if not ctx.find_any(_OTHER, every).any():
        return {}
    whole = ctx.find_all(_BARE, every) & ctx.find_any(_UNLABELLED, every)
    out: dict[str | None, tuple[Mask, Mask]] = {None: (whole, ctx.find_any(_OTHER, every) & whole)}
    for table, features in ctx.tables.items():
        rows = ctx.find_all(_BARE, features) & ctx.find_any(_UNLABELLED, features) & ~whole
        out[table] = rows, ctx.find_any(_OTHER, features) & rows
    return out


def _report_bare(
    ctx: Context, rows: Mask, other: Mask, features: Sequence[Feature], table: str | None
) -> None:
    """Report rows, unless all their values are the default: then a job wrote nothing."""
    limits = LabelThresholds.of(ctx.contract)
    counts, others = ctx.count_per_date(rows), ctx.count_per_date(other)
    for at, _ in ctx.iterate_dates():
        count, share = counts[at], counts[at] / ctx.rows[at]
        if not count or share < limits.unlabelled_share:
            continue
        if others[at] < limits.contradiction_share * count:
            continue
        severity: Severity = "red" if share >= limits.unlabelled_share_red else "yellow"
        facts: dict[str, Any] = {"whole_rows": table is None, "share": round(float(share), 4)}
        SOURCES_ABSENT.report(ctx, at, severity, table or "", features, count, table, rows, **facts)


def _report_odd(ctx: Context, kind: Kind, cells: str) -> None:
    """Report features for which so many such cells are unusual, those of a table together."""
    counts = ctx.remember(cells, lambda: ctx.count_kept(cells))
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
    cells: str,
    shares: Matrix,
    usual: Matrix,
) -> None:
    rows = ctx.find_any(cells, odd)
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
