"""Findings about a training set: leaks, mixed definitions, and bias from its own filter."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from fsq.diagnosis import Finding
from fsq.diagnosis.findings import Severity
from fsq.training.columns import bound
from fsq.training.options import Options
from fsq.training.parts import CONTRACT_COLUMN
from fsq.training.result import GateResults, Matrix

MOST = 0.5  # share of the labels that may be doubted and left out before training is forbidden
UNEVEN = 20.0  # percentage points between the group that loses most and the one that loses least


def compute_correlations(results: GateResults, options: Options) -> pl.DataFrame:
    """Each feature's correlation with the label over the kept records that have its value.

    Returns:
        ``feature``, ``correlation`` (Pearson, -1 to 1; NULL below the contract's ``min_rows``, or
        for a constant) and ``rows``, the strongest first; empty without a label.
    """
    schema = {"feature": pl.String, "correlation": pl.Float64, "rows": pl.Int64}
    if options.label is None:
        return pl.DataFrame(schema=schema)
    kept = results.kept
    label = bound(results.rows[options.label].cast(pl.Float64).to_numpy()[kept])
    chosen = np.flatnonzero(kept)
    features = range(len(options.features))
    found = [_correlate(results.values.get(at, chosen), label) for at in features]
    coefficients, rows = (np.array(column) for column in zip(*found, strict=True))
    coefficients[rows < options.contract.diagnosis.min_rows] = np.nan
    correlations = pl.DataFrame(
        {"feature": options.features, "correlation": coefficients, "rows": rows}, schema=schema
    ).with_columns(pl.col("correlation").fill_nan(None))
    return correlations.sort(pl.col("correlation").abs(), descending=True, nulls_last=True)


def _correlate(values: Matrix, label: Matrix) -> tuple[float, int]:
    """Pearson's coefficient, NaN without one, and the number of values; the label is bounded."""
    known = ~np.isnan(values)
    x, y = bound(values[known]), label[known]
    if not len(x):
        return np.nan, 0
    x -= x.sum() / len(x)
    y -= y.sum() / len(y)
    with np.errstate(invalid="ignore", over="ignore"):
        scale = np.sqrt((x**2).sum() * (y**2).sum())
        coefficient = (x * y).sum() / scale if scale > 1e-9 else np.nan
    return float(np.clip(coefficient, -1.0, 1.0)), len(x)


def find_problems(
    results: GateResults, options: Options, correlations: pl.DataFrame, groups: pl.DataFrame
) -> tuple[Finding, ...]:
    """What to look at before training; a red finding forbids it."""
    findings = [_nothing_kept(results)] if not results.kept.any() else []
    findings += _label_leaks(results, options, correlations)
    findings += _label_faults(results)
    findings += _late_updates(results)
    findings += _mixed_versions(results)
    return (*findings, *_uneven_drop(results, options, groups))


def _finding(
    results: GateResults,
    kind: str,
    severity: Severity,
    title: str,
    cause: str,
    remedy: str,
    features: tuple[str, ...] = (),
    rows: np.ndarray | None = None,
    **evidence: object,
) -> Finding:
    affected = results.kept if rows is None else rows
    days: tuple[date, ...] = tuple(
        results.dates.filter(pl.Series(affected)).unique().sort().to_list()
    )
    return Finding(
        kind,
        severity,
        title,
        days,
        features,
        int(affected.sum()),
        results.rows.height,
        None,
        None,
        cause,
        dict(evidence),
        (remedy,),
    )


def _nothing_kept(results: GateResults) -> Finding:
    return _finding(
        results,
        "nothing_kept",
        "red",
        "no record passes every gate",
        "The waterfall shows which gate dropped the last records.",
        "loosen that gate",
        rows=np.ones(results.rows.height, dtype=np.bool_),
    )


def _label_leaks(
    results: GateResults, options: Options, correlations: pl.DataFrame
) -> list[Finding]:
    leaking = correlations.filter(pl.col("correlation").abs() >= options.leak_from)
    return [
        _finding(
            results,
            "label_leak",
            "red",
            f"{feature} correlates {r:.3f} with {options.label}: label leak",
            f"Measured over {rows:,} records; anything from {options.leak_from:g} up is too good "
            "to be true. The feature may be computed from what is to be predicted.",
            f"leave {feature} out of the features, and recompute it from earlier dates",
            (feature,),
            correlation=r,
        )
        for feature, r, rows in leaking.iter_rows()
    ]


def _label_faults(results: GateResults) -> list[Finding]:
    """What is wrong with the labels.

    Where such records are left out, that is no reason to stop, unless most labels are doubted.
    """
    kept, findings = results.kept, []
    labelled = int((~results.failed["label"]).sum()) if results.label_faults else 0
    for fault in results.label_faults:
        left_out = not (fault.records & kept).any()
        few = int(fault.records.sum()) <= MOST * labelled
        severity = "yellow" if left_out and few else fault.severity
        told = " The set leaves them out." if left_out and fault.records.any() else ""
        findings.append(
            _finding(
                results,
                fault.kind,
                severity,
                fault.title,
                fault.cause + told,
                fault.remedy,
                fault.features,
                fault.records if fault.affected is None else fault.affected,
                **fault.evidence,
            )
        )
    return findings


def _late_updates(results: GateResults) -> list[Finding]:
    late = results.late & results.kept
    if not late.any():
        return []
    return [
        _finding(
            results,
            "updated_after_as_of",
            "yellow",
            f"{int(late.sum()):,} records have a value that was updated after their as_of",
            "Such a value was not known at prediction time.",
            "drop them with drop_late=True",
            rows=late,
        )
    ]


def _mixed_versions(results: GateResults) -> list[Finding]:
    findings = []
    mixed = [f"{f}: {' and '.join(v)}" for f, v in results.versions.items()]
    if mixed:
        what = "feature mixes" if len(mixed) == 1 else "features mix"
        findings.append(
            _finding(
                results,
                "mixed_definitions",
                "yellow",
                f"{len(mixed)} {what} definition versions",
                f"{'; '.join(mixed)}.",
                "backfill the older dates, or train on the newer ones",
                tuple(results.versions),
            )
        )
    if CONTRACT_COLUMN in results.rows.columns:
        names = results.rows[CONTRACT_COLUMN].filter(pl.Series(results.kept)).unique()
        if len(names) > 1:
            contracts = " and ".join(sorted(str(n) for n in names))
            findings.append(
                _finding(
                    results,
                    "mixed_contracts",
                    "yellow",
                    f"records were scored under {contracts}",
                    "Their gates may have used different thresholds.",
                    "backfill all dates under one contract",
                )
            )
    return findings


def _uneven_drop(results: GateResults, options: Options, groups: pl.DataFrame) -> list[Finding]:
    large = groups.filter(pl.col("rows") >= options.contract.diagnosis.min_rows).sort("dropped_pct")
    if large.height < 2:
        return []
    least, most = large.row(0, named=True), large.row(-1, named=True)
    if most["dropped_pct"] - least["dropped_pct"] < UNEVEN:
        return []
    name = groups.columns[0]
    return [
        _finding(
            results,
            "uneven_drop",
            "yellow",
            f"the gates drop {most['dropped_pct']:.0f} % of group {most[name]}, but only "
            f"{least['dropped_pct']:.0f} % of {least[name]}",
            "A model trained on the rest knows the first group less well.",
            "keep the records and mask their bad values with on_default='mask'",
        )
    ]
