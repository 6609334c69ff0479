"""What a training set must not hide: leaks, mixed definitions, and a bias of its own filter."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from fsq.diagnosis import Finding
from fsq.diagnosis.findings import Severity
from fsq.training.evaluation import CONTRACT, GateResults, Matrix
from fsq.training.options import Options

UNEVEN = 20.0  # percent points between the group that loses most and the one that loses least


def correlations(judged: GateResults, options: Options) -> pl.DataFrame:
    """Each feature's correlation with the label over the kept records that have its value.

    Returns:
        ``feature``, ``correlation`` (Pearson, -1 to 1; NULL with fewer values than the contract
        judges, or where nothing varies) and ``rows``, the strongest first; empty without a label.
    """
    schema = {"feature": pl.String, "correlation": pl.Float64, "rows": pl.Int64}
    if options.label is None:
        return pl.DataFrame(schema=schema)
    kept = judged.kept
    values = judged.values[kept]
    label = judged.rows[options.label].cast(pl.Float64).to_numpy()[kept]
    found, rows = _pearson(values, label)
    found[rows < options.contract.diagnosis.min_rows] = np.nan
    out = pl.DataFrame(
        {"feature": options.features, "correlation": found, "rows": rows}, schema=schema
    ).with_columns(pl.col("correlation").fill_nan(None))
    return out.sort(pl.col("correlation").abs(), descending=True, nulls_last=True)


def _pearson(values: Matrix, label: Matrix) -> tuple[Matrix, np.ndarray]:
    """Column by column, over the rows in which there is a value."""
    there = ~np.isnan(values)
    rows = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(there, values - np.nansum(values, axis=0) / rows, 0.0)
        y = np.where(there, label[:, None], 0.0)
        y = np.where(there, y - y.sum(axis=0) / rows, 0.0)
        spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
        found = np.where(spread > 1e-9, (x * y).sum(axis=0) / spread, np.nan)
    return np.clip(found, -1.0, 1.0), rows


def findings(
    judged: GateResults, options: Options, correlated: pl.DataFrame, groups: pl.DataFrame
) -> tuple[Finding, ...]:
    """What to look at before training; red ones forbid it."""
    out = [_nothing(judged)] if not judged.kept.any() else []
    out += _leaks(judged, options, correlated)
    out += _late(judged)
    out += _mixed(judged)
    return (*out, *_uneven(judged, options, groups))


def _finding(
    judged: GateResults,
    kind: str,
    severity: Severity,
    title: str,
    cause: str,
    remedy: str,
    features: tuple[str, ...] = (),
    rows: np.ndarray | None = None,
    **evidence: object,
) -> Finding:
    chosen = judged.kept if rows is None else rows
    days: tuple[date, ...] = tuple(
        judged.rows["game_date"].filter(pl.Series(chosen)).unique().sort().to_list()
    )
    return Finding(
        kind,
        severity,
        title,
        days,
        features,
        int(chosen.sum()),
        judged.rows.height,
        None,
        None,
        cause,
        dict(evidence),
        (remedy,),
    )


def _nothing(judged: GateResults) -> Finding:
    return _finding(
        judged,
        "nothing_kept",
        "red",
        "no record passes every gate",
        "The waterfall says which gate dropped the last ones.",
        "loosen that gate",
        rows=np.ones(judged.rows.height, dtype=np.bool_),
    )


def _leaks(judged: GateResults, options: Options, correlated: pl.DataFrame) -> list[Finding]:
    bad = correlated.filter(pl.col("correlation").abs() >= options.leak_from)
    return [
        _finding(
            judged,
            "label_leak",
            "red",
            f"{feature} correlates {r:.3f} with {options.label}: it knows the answer",
            f"Over {rows:,} records; from {options.leak_from:g} on no honest feature is so good. "
            "It may have been computed from the game that is to be predicted.",
            f"leave {feature} out of the features, and recompute it from earlier games",
            (feature,),
            correlation=r,
        )
        for feature, r, rows in bad.iter_rows()
    ]


def _late(judged: GateResults) -> list[Finding]:
    late = judged.late & judged.kept
    if not late.any():
        return []
    return [
        _finding(
            judged,
            "updated_after_as_of",
            "yellow",
            f"{int(late.sum()):,} records hold a value from after their as_of",
            "What was written later was not known when the prediction had to be made.",
            "drop_late=True drops them",
            rows=late,
        )
    ]


def _mixed(judged: GateResults) -> list[Finding]:
    out = []
    several = [f"{f}: {' and '.join(v)}" for f, v in judged.versions.items()]
    if several:
        out.append(
            _finding(
                judged,
                "mixed_definitions",
                "yellow",
                f"{len(several)} feature{'s' if len(several) > 1 else ''} of several definition "
                "versions in one set",
                f"{'; '.join(several)}.",
                "backfill the older dates, or train on the newer ones",
                tuple(judged.versions),
            )
        )
    if CONTRACT in judged.rows.columns:
        names = judged.rows[CONTRACT].filter(pl.Series(judged.kept)).unique()
        if len(names) > 1:
            said = " and ".join(sorted(str(n) for n in names))
            out.append(
                _finding(
                    judged,
                    "mixed_contracts",
                    "yellow",
                    f"records were scored under {said}",
                    "Their gates may have had other thresholds.",
                    "backfill all dates under one contract",
                )
            )
    return out


def _uneven(judged: GateResults, options: Options, groups: pl.DataFrame) -> list[Finding]:
    large = groups.filter(pl.col("rows") >= options.contract.diagnosis.min_rows).sort("dropped_pct")
    if large.height < 2:
        return []
    least, most = large.row(0, named=True), large.row(-1, named=True)
    if most["dropped_pct"] - least["dropped_pct"] < UNEVEN:
        return []
    name = groups.columns[0]
    return [
        _finding(
            judged,
            "uneven_drop",
            "yellow",
            f"the gates drop {most['dropped_pct']:.0f} % of group {most[name]}, but "
            f"{least['dropped_pct']:.0f} % of {least[name]}",
            "A model that is trained on what is left knows the first group less well.",
            "on_default='mask' keeps the records and leaves the bad values out",
        )
    ]
