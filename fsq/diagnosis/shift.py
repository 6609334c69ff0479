"""Shift of a feature's values against the dates before: the population stability index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.checks import Days
from fsq.diagnosis.findings import Finding

Counts = npt.NDArray[np.float64]
_BINS = 10


def shifts(lines: pl.DataFrame, days: Days, every: list[date]) -> Iterator[Finding]:
    """Features whose values are spread otherwise than on the trailing dates.

    The index is the sum over ten bins, each a tenth of a feature's values, of
    (p − q) · ln(p / q). Of the same population it is not 0, but about (bins − 1) · (1/n + 1/N);
    n and N count distinct values, since a team's rating is one observation and not fifteen.
    What this explains twice over is no shift.
    """
    index = pl.DataFrame(
        {"game_date": every, "at": range(len(every))},
        schema={"game_date": pl.Date, "at": pl.Int64},
    )
    measured = _indices(lines, len(every), index, days)
    found = (
        days.features.join(measured, on=["game_date", "feature_index"], how="inner")
        .filter(
            pl.col("enough") & pl.col("compared") & ~pl.col("warm")
            & pl.col("min_std").is_not_null()
            & (pl.col("psi") - 2 * pl.col("noise") >= days.contract.diagnosis.psi)
        )
        .sort("game_date", "feature_index")
    )  # fmt: skip
    for row in found.iter_rows(named=True):
        yield Finding(
            "distribution_shift", "yellow", (row["game_date"],), (row["feature_name"],),
            row["trusted"],
            f"population stability index {row['psi']:.2f} against the dates before "
            f"({days.contract.diagnosis.psi:g} beyond chance is a shift)",
            f"{row['feature_name']} is spread otherwise than before",
            upstream_table=row["upstream_table"],
        )  # fmt: skip


def _indices(lines: pl.DataFrame, dates: int, index: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Index and its expected noise per date and feature."""
    trailing = days.contract.diagnosis.trailing_dates
    parts = []
    real = lines.filter(~pl.col("is_default") & pl.col("feature_value").is_not_null())
    real = real.join(index, on="game_date").select("at", "feature_index", "feature_value")
    for (feature,), rows in real.group_by("feature_index"):
        values, at = rows["feature_value"].to_numpy(), rows["at"].to_numpy()
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, values, side="right")
        counts = np.zeros((dates, len(edges) + 1))
        np.add.at(counts, (at, bins), 1)
        seen = np.zeros(dates)
        distinct = rows.group_by("at").agg(pl.col("feature_value").n_unique())
        seen[distinct["at"].to_numpy()] = distinct["feature_value"].to_numpy()
        before, seen_before = _before(counts, trailing), _before(seen[:, None], trailing)[:, 0]
        p, q = _shares(counts), _shares(before)
        noise = len(edges) * (1 / np.maximum(seen, 1) + 1 / np.maximum(seen_before, 1))
        parts.append(
            pl.DataFrame(
                {
                    "at": np.arange(dates),
                    "feature_index": np.full(dates, feature),
                    "psi": ((p - q) * np.log(p / q)).sum(axis=1),
                    "noise": noise,
                }
            )
        )
    if not parts:
        kinds = {"game_date": pl.Date, "feature_index": pl.Int64, "psi": pl.Float64}
        return pl.DataFrame(schema=kinds | {"noise": pl.Float64})
    return pl.concat(parts).join(index, on="at").drop("at")


def _before(counts: Counts, trailing: int) -> Counts:
    """Sums over the trailing dates, the date itself left out."""
    sums: Counts = np.vstack([np.zeros((1, counts.shape[1])), counts.cumsum(axis=0)])
    at = np.arange(len(counts))
    within: Counts = sums[at] - sums[np.maximum(at - trailing, 0)]
    return within


def _shares(counts: Counts) -> Counts:
    """Shares of the bins; half a row is added to each, so that an empty bin is no infinity."""
    padded: Counts = counts + 0.5
    shares: Counts = padded / padded.sum(axis=1, keepdims=True)
    return shares
