"""What the data says about each feature: over all rows, and date by date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

DAY = "#day"  # not a possible name of a feature
_DATED = 0.6  # of the spread, from which on that of the dates' means is most of it
_QUANTILES = (0.001, 0.01, 0.5, 0.99, 0.999)


@dataclass(frozen=True)
class DailyShares:
    """A feature on each date, in order of dates; NaN where a date has too few values.

    Attributes:
        mean: of its values.
        std: sample standard deviation of its values.
        distinct: number of distinct values.
        most_common: share of the most common value among the values.
        default: share of rows without a value, or with one that is labelled as a default.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    distinct: npt.NDArray[np.float64]
    most_common: npt.NDArray[np.float64]
    default: npt.NDArray[np.float64]


@dataclass(frozen=True)
class FeatureStatistics:
    """A feature over all rows; only finite values that are not labelled as defaults count.

    Attributes:
        name: of the feature.
        rows: all rows.
        values: rows with a value.
        low: smallest value.
        high: largest value.
        quantiles: at 0.1, 1, 50, 99 and 99.9 %.
        whole: whether all values are whole numbers.
        distinct: number of distinct values.
        mode: the most common value; the smallest of those equally common.
        mode_count: rows that hold it.
        second_count: rows that hold the next most common value.
        std: standard deviation of its values.
        daily: the same by date.
    """

    name: str
    rows: int
    values: int
    low: float
    high: float
    quantiles: tuple[float, ...]
    whole: bool
    distinct: int
    mode: float
    mode_count: int
    second_count: int
    std: float
    daily: DailyShares

    @property
    def default_share(self) -> float:
        """Share of rows without a value that can be trusted."""
        return 1 - self.values / self.rows

    @property
    def follows_date(self) -> bool:
        """Whether its values differ from date to date more than within a date, as weather does."""
        means = self.daily.mean[~np.isnan(self.daily.mean)]
        with np.errstate(all="ignore"):
            return bool(len(means) > 1 and np.std(means) > _DATED * self.std)


def read_values(
    rows: pl.LazyFrame, features: Sequence[str], default_labels: Iterable[str]
) -> pl.DataFrame:
    """The features as finite floats; NULL where there is none, or its source is a default.

    Args:
        rows: the data.
        features: columns to read.
        default_labels: source labels that mark a value as a default.
    """
    schema, labels = rows.collect_schema(), sorted(default_labels)
    columns = []
    for name in features:
        value = pl.col(name).cast(pl.Float64)
        usable = value.is_finite()
        if f"{name}__source" in schema:
            label = pl.col(f"{name}__source").cast(pl.String)
            usable &= ~label.is_in(labels).fill_null(False)
        columns.append(pl.when(usable).then(value + 0.0).alias(name))  # no negative zero
    return rows.select(columns).collect()


def measure_extremes(rows: pl.LazyFrame, features: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The smallest and largest finite value of each feature, including labelled defaults."""
    columns = []
    for name in features:
        value = pl.col(name).cast(pl.Float64)
        finite = value.filter(value.is_finite())
        columns += [finite.min().alias(f"{name}#low"), finite.max().alias(f"{name}#high")]
    found = rows.select(columns).collect().row(0, named=True)
    known = [n for n in features if found[f"{n}#low"] is not None]
    return {n: (found[f"{n}#low"], found[f"{n}#high"]) for n in known}


def measure(values: pl.DataFrame, days: pl.Series, min_rows: int) -> list[FeatureStatistics]:
    """Measure every feature that has a value.

    Args:
        values: the result of ``read_values``.
        days: the date of each row.
        min_rows: a date with fewer values says nothing about their spread.
    """
    names = [n for n in values.columns if values[n].null_count() < values.height]
    if not names:
        return []
    daily = _measure_days(values.select(names), days, min_rows)
    return [_measure_one(values[n], daily[n]) for n in names]


def _measure_one(column: pl.Series, daily: DailyShares) -> FeatureStatistics:
    present = column.drop_nulls()
    counts = present.value_counts().sort(["count", column.name], descending=[True, False])
    second = counts["count"][1] if counts.height > 1 else 0
    quantiles = [present.quantile(q, "nearest") for q in _QUANTILES]
    return FeatureStatistics(
        column.name,
        len(column),
        len(present),
        float(present.min()),  # type: ignore[arg-type]
        float(present.max()),  # type: ignore[arg-type]
        tuple(float(q) for q in quantiles if q is not None),
        bool((present == present.round()).all()),
        counts.height,
        float(counts[column.name][0]),
        int(counts["count"][0]),
        int(second),
        float(present.std(ddof=0)),  # type: ignore[arg-type]
        daily,
    )


def _measure_days(values: pl.DataFrame, days: pl.Series, min_rows: int) -> dict[str, DailyShares]:
    parts = []
    for n in values.columns:
        present = pl.col(n).drop_nulls()
        parts += [
            present.mean().alias(f"{n}#mean"),
            present.std().alias(f"{n}#std"),
            present.n_unique().alias(f"{n}#distinct"),
            (present.unique_counts().max() / present.len()).alias(f"{n}#most_common"),
            present.len().alias(f"{n}#values"),
        ]
    dated = values.with_columns(days.alias(DAY))
    table = dated.group_by(DAY).agg(pl.len().alias("#rows"), *parts).sort(DAY)
    rows = table["#rows"].to_numpy().astype(np.float64)
    out = {}
    for n in values.columns:
        count = table[f"{n}#values"].to_numpy().astype(np.float64)
        enough = count >= min_rows
        mean, std, distinct, most_common = (
            np.where(enough, table[f"{n}#{m}"].cast(pl.Float64).to_numpy(), np.nan)
            for m in ("mean", "std", "distinct", "most_common")
        )
        out[n] = DailyShares(mean, std, distinct, most_common, 1 - count / rows)
    return out


def quantile(values: npt.NDArray[np.float64], share: float) -> float:
    """A quantile of what is known, as one of the values; NaN if nothing is.

    >>> quantile(np.array([3.0, np.nan, 1.0, 2.0]), 0.5)
    2.0
    """
    known = np.sort(values[~np.isnan(values)])
    return float(known[round(share * (len(known) - 1))]) if len(known) else float("nan")
