"""What the gates drop: each in order, several together, and from which records."""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.errors import InputError
from fsq.training.options import HEADLINE, Options
from fsq.training.quarters import split_entities
from fsq.training.result import GateResults


def make_waterfall(results: GateResults) -> pl.DataFrame:
    """One row per gate, in order; the first row counts all records.

    Returns:
        ``gate``, ``asks`` (its requirement in words), ``dropped`` (of what the gates before it
        left), ``left``, ``failed`` (of all records, whatever the other gates say) and ``alone``
        (records that fail this gate and no other).
    """
    remaining = np.ones(results.rows.height, dtype=np.bool_)
    failures = np.zeros(remaining.shape, dtype=np.uint16)
    for fails in results.failed.values():
        failures += fails
    rows = [("all", "all records", 0, int(remaining.sum()), 0, 0)]
    for name, fails in results.failed.items():
        dropped = int((remaining & fails).sum())
        remaining &= ~fails
        alone = int((fails & (failures == 1)).sum())
        left, failed = int(remaining.sum()), int(fails.sum())
        rows.append((name, results.descriptions[name], dropped, left, failed, alone))
    counts = dict.fromkeys(("dropped", "left", "failed", "alone"), pl.Int64)
    schema = {"gate": pl.String, "asks": pl.String, **counts}
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_overlaps(results: GateResults) -> pl.DataFrame:
    """How many records fail exactly these ``gates``, the most frequent combination first."""
    names = list(results.failed)
    failed = pl.DataFrame({str(i): fails for i, fails in enumerate(results.failed.values())})
    counts = failed.group_by(failed.columns).len().rows() if names else []
    found = [
        ([n for n, fails in zip(names, combination, strict=True) if fails], rows)
        for *combination, rows in counts
    ]
    overlaps = pl.DataFrame(
        [(gates, rows) for gates, rows in found if gates],
        schema={"gates": pl.List(pl.String), "rows": pl.Int64},
        orient="row",
    )
    return overlaps.sort("rows", pl.col("gates").list.join(","), descending=[True, False])


def count_dropped(results: GateResults, column: str) -> pl.DataFrame:
    """Per value of a column: ``rows``, ``dropped`` and ``dropped_pct``, in order of the value.

    Records without a label do not count.

    Raises:
        InputError: the column was not read.
    """
    if column not in results.rows.columns:
        cure = f"name it in carry, or use one of {results.rows.columns}"
        raise InputError([f"column {column} was not read; {cure}"], HEADLINE)
    return _count_by_value(results, results.rows[column])


def count_dropped_by_group(results: GateResults, options: Options) -> pl.DataFrame:
    """The same per group of entities.

    A text column groups them by its values. Otherwise they are ranked by their median of
    ``options.group`` (a feature or a number), else of the label, else by their number of records,
    and split into quarters from the lowest to the highest.
    """
    by = options.group or options.label
    if by in options.features:
        measure = pl.Series(results.values.get(options.features.index(str(by))), nan_to_null=True)
    elif by is None:
        entities = results.rows.number(results.table.keys)
        measure = pl.Series(np.bincount(entities)[entities])
    else:
        measure = results.rows[by]
        if not (measure.dtype.is_numeric() or measure.dtype == pl.Boolean):
            return _count_by_value(results, measure.alias("group"))
    numbers = measure.cast(pl.Float64).to_numpy()
    group = split_entities(results.rows, results.table.keys, numbers)
    counted = _count_by_value(results, group.fill_null("unknown"))
    return counted.with_columns(pl.col("group").cast(pl.String))


def _count_by_value(results: GateResults, value: pl.Series) -> pl.DataFrame:
    has_label = ~results.failed.get("label", np.zeros(len(value), dtype=np.bool_))
    dropped = pl.Series("dropped", ~results.kept)
    return (
        pl.DataFrame([value, dropped, pl.Series("has_label", has_label)])
        .filter("has_label")
        .group_by(value.name)
        .agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("dropped").sum().cast(pl.Int64))
        .with_columns((100 * pl.col("dropped") / pl.col("rows")).alias("dropped_pct"))
        .sort(value.name)
    )
