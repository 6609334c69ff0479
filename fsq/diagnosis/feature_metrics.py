"""Scored rows aggregated to features: one row per date and feature.

Counts add up over the parts in which the rows are read. What takes all values of a feature at once
is measured for a few features after the other, so that a large date fits into memory.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.long_detail import (
    SAMPLE,
    LongDetail,
    Part,
    get_ages,
    get_integers,
    read_long_detail,
    repeat,
)
from fsq.diagnosis.scored_columns import require_columns
from fsq.schema.columns import DETAIL
from fsq.schema.vocabulary import FEATURE_TIERS

_DATE = "date of the record"  # no field of the detail has this name
_BY = [_DATE, "feature_index"]
_POINTS, _SCORED = "sum of scores", "number of scores"  # likewise
_BLOCK_CELLS = 1_000_000  # values that are measured at once
_LARGE_DATE = 20_000  # records of a date, on average, from which on each is measured alone
# Values divided by it can be squared and summed; it is a power of two, so that nothing is rounded.
_HUGE, _LARGEST = 2.0**600, sys.float_info.max
# Names of ``measure_features`` that no contract chooses.
_SPREAD = (
    "quality_pct", "mean", "std", "age_hours", "sample_size", "distinct", "most_common_share",
)  # fmt: skip
_FEATURE_METRICS = (
    "feature_index", "feature_name", "feature_category", "upstream_table", "rows", "default_rows",
    "values", "trusted", "expected_rows", "violation_rows", "stale_rows", "very_stale_rows",
    "aged_rows", "empty_rows", "thin_rows", "training_rows", *FEATURE_TIERS, *_SPREAD,
)  # fmt: skip


def name_source_counts(contract: Contract) -> dict[str, str]:
    """The column of ``measure_features`` that counts the values of each source type.

    >>> from fsq.contract import load_contract
    >>> name_source_counts(load_contract("v2_33features"))["phase4"]
    'phase4'
    """
    taken = (*_FEATURE_METRICS, contract.table.date)
    return {t: f"{t}_values" if t in taken else t for t in contract.source_type_names}


def measure_features(scored: pl.LazyFrame, contract: Contract) -> pl.DataFrame:
    """Measure each feature of each date: one row per date and feature, in order.

    Args:
        scored: scored rows with the contract's date and ``feature_quality_detail``.
        contract: of the scoring.

    Returns:
        The contract's date, ``feature_index``, ``feature_name``, ``feature_category``,
        ``upstream_table`` (the contract's); counts ``rows``, ``default_rows``, ``values``
        (not NULL), ``trusted`` (not default), ``expected_rows`` (the expected value exactly, not
        default), ``violation_rows``, ``stale_rows``, ``very_stale_rows``, ``aged_rows`` (age
        known), ``empty_rows`` (default, and nothing in the window), ``thin_rows``,
        ``training_rows``, per tier and per source type (see ``name_source_counts``);
        ``quality_pct`` (mean score, a default counts 0); of the values that are not default
        ``distinct``, ``mean``, ``std`` and ``most_common_share`` (0 to 1), NULL where there are
        none; ``age_hours`` and ``sample_size`` (medians, NULL if unknown).

    Raises:
        InputError: columns are missing, or the rows were scored under another contract.
    """
    require_columns(scored.collect_schema(), [contract.table.date, DETAIL])
    return aggregate_features(read_long_detail(scored, contract, count_features), contract)


def count_features(part: Part) -> pl.DataFrame:
    """Count and sum what can be added up over parts: one row per date and feature."""
    contract, width = part.contract, len(part.contract.features)
    dated = part.fields.with_columns(repeat(part.records[contract.table.date], width).alias(_DATE))
    equal = ~pl.col("is_default") & (pl.col("feature_value") == pl.col("expected_value"))
    age, source, tier = pl.col("age_hours"), pl.col("source_type"), pl.col("feature_quality_tier")
    counted = {
        "default_rows": pl.col("is_default"),
        "values": pl.col("feature_value").is_not_null(),
        "trusted": ~pl.col("is_default"),
        "expected_rows": equal.fill_null(False),
        "violation_rows": ~pl.col("value_range_valid"),
        "stale_rows": age > _get_limits("stale_hours", contract),
        "very_stale_rows": age > _get_limits("very_stale_hours", contract),
        "aged_rows": age.is_not_null(),
        "empty_rows": pl.col("is_default") & (pl.col("sample_size") == 0),
        "thin_rows": pl.col("sample_size") < _get_limits("thin_sample", contract),
        "training_rows": pl.col("is_training_quality"),
    }
    counted |= {t: tier == t for t in FEATURE_TIERS}
    counted |= {name: source == s for s, name in name_source_counts(contract).items()}
    points = pl.col("quality_score") * ~pl.col("is_default")
    return (
        dated.lazy()
        .group_by(_BY)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            *(met.sum().cast(pl.Int64).alias(name) for name, met in counted.items()),
            points.sum().alias(_POINTS),
            points.count().alias(_SCORED),
        )
        .collect()
    )


def aggregate_features(long: LongDetail, contract: Contract) -> pl.DataFrame:
    """Aggregate the result of ``read_long_detail``; see ``measure_features``."""
    date, records = contract.table.date, long.records.height
    counts = long.counts.group_by(_BY).sum()
    every = range(len(contract.features))
    if records > max(_BLOCK_CELLS, _LARGE_DATE * long.records[date].n_unique()):
        spread = _measure_alone(long, contract)
    else:
        per_block = max(1, _BLOCK_CELLS // max(1, records))
        blocks = [every[at : at + per_block] for at in range(0, len(every), per_block)]
        spread = pl.concat([_measure_block(long, contract, block) for block in blocks])
    first = ["feature_index", "feature_name", "feature_category", "upstream_table"]
    features = pl.LazyFrame(
        [(f.index, f.name, f.category, f.upstream_table) for f in contract.features],
        schema=dict(zip(first, (pl.Int64, pl.String, pl.String, pl.String), strict=True)),
        orient="row",
    )
    out = (
        counts.lazy()
        .join(spread.lazy(), on=_BY, how="left")
        .join(features, on="feature_index", how="left")
        .with_columns(
            pl.when(pl.col(_SCORED) > 0)
            .then(pl.col(_POINTS) / pl.col(_SCORED))
            .alias("quality_pct"),
            pl.col("distinct").fill_null(0),
            (pl.col("most") / pl.col("trusted")).alias("most_common_share"),
        )
        .sort(_BY)
    )
    counted = [c for c in counts.columns if c not in (*_BY, _POINTS, _SCORED)]
    return out.select(
        pl.col(_DATE).alias(date),
        *first,
        *counted,
        *_SPREAD,
    ).collect()


def _measure_block(long: LongDetail, contract: Contract, block: range) -> pl.DataFrame:
    """What takes all values of a feature at once: one row per date and feature of the block."""
    read: dict[str, Callable[[int], pl.Series]] = {
        "value": lambda f: _get_values(long, f),
        "age": lambda f: get_ages(long, f),
        "sample": lambda f: get_integers(long, SAMPLE, f),
    }
    columns = [get(f).alias(f"{name} {f}") for name, get in read.items() for f in block]
    # Records are grouped once for all of the features.
    dated = pl.DataFrame([long.records[contract.table.date].alias(_DATE), *columns]).lazy()
    measured = dict[str, Callable[[int], pl.Expr]](
        mean=lambda f: pl.col(f"value {f}").mean(),
        std=lambda f: pl.col(f"value {f}").std(),
        age_hours=lambda f: pl.col(f"age {f}").median(),
        sample_size=lambda f: pl.col(f"sample {f}").median(),
        # Counting each value once gives both the distinct ones and the most common.
        counts=lambda f: pl.col(f"value {f}").drop_nulls().unique_counts(),
    )
    wide = (
        dated.group_by(_DATE)
        .agg(measure(f).alias(f"{name} {f}") for name, measure in measured.items() for f in block)
        .collect()
    )
    out = pl.DataFrame(
        {
            _DATE: pl.concat([wide[_DATE]] * len(block)),
            "feature_index": np.repeat(np.array(block, dtype=np.int64), wide.height),
            **{name: pl.concat([wide[f"{name} {f}"] for f in block]) for name in measured},
        }
    )
    counts = pl.col("counts").list
    distinct, most = counts.len().cast(pl.Int64), counts.max()
    days = out.with_columns(distinct.alias("distinct"), most.alias("most")).drop("counts")
    return _measure_overflowed(days, long, contract)


def _measure_alone(long: LongDetail, contract: Contract) -> pl.DataFrame:
    """The same of every feature, one after the other: grouping takes 100 bytes for a value."""
    days = long.records[contract.table.date]
    dates = days.drop_nulls().unique().sort()
    order = np.argsort(days.to_physical().to_numpy(), kind="stable") if len(dates) > 1 else None
    counts = days.drop_nulls().value_counts().sort(contract.table.date)["count"]
    ends = np.cumsum(counts.to_numpy())
    out = []
    for f in range(len(contract.features)):
        columns = [_get_values(long, f), get_ages(long, f), get_integers(long, SAMPLE, f)]
        if order is not None:
            columns = [c.gather(order) for c in columns]
        for day, first, end in zip(dates, [0, *ends[:-1]], ends, strict=True):
            value, age, sample = (c.slice(first, end - first) for c in columns)
            facts = {"age_hours": age.median(), "sample_size": sample.median()}
            out.append({_DATE: day, "feature_index": f} | _measure_values(value) | facts)
    types = dict.fromkeys(("mean", "std", "age_hours", "sample_size"), pl.Float64)
    found = pl.DataFrame(out, schema_overrides=types)
    return found.with_columns(pl.col("distinct", "most").replace(0, None))


def _measure_values(values: pl.Series) -> dict[str, Any]:
    """Mean, spread, distinct values, and how often the most common one occurs."""
    known = values.drop_nulls()
    mean, std = _measure_spread(known)
    if not all(n is None or math.isfinite(n) for n in (mean, std)):
        small = _measure_spread(known / _HUGE)
        mean, std = (n and float(np.clip(n * _HUGE, -_LARGEST, _LARGEST)) for n in small)
    ordered = np.sort(known.to_numpy())
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    most = np.diff(starts, append=len(ordered)).max(initial=0)
    if len(starts) == 1:  # no rounding may turn the spread of one value into another number
        mean, std = float(ordered[0]), None if std is None else 0.0
    return {"mean": mean, "std": std, "distinct": len(starts), "most": int(most)}


def _measure_spread(values: pl.Series) -> tuple[float | None, float | None]:
    value = pl.col("value")
    mean, std = values.to_frame("value").select(value.mean(), value.std().alias("std")).row(0)
    return mean, std


def _measure_overflowed(days: pl.DataFrame, long: LongDetail, contract: Contract) -> pl.DataFrame:
    """Measure mean and spread again where sums of huge values, such as DBL_MAX, overflowed."""
    overflowed = days.filter(~pl.col("mean").is_finite() | ~pl.col("std").is_finite()).select(_BY)
    for f in overflowed["feature_index"].unique():
        dates = long.records[contract.table.date].alias(_DATE)
        small = pl.col("value") / _HUGE
        again = (
            pl.DataFrame([dates, _get_values(long, f).alias("value")])
            .with_columns(pl.lit(f, pl.Int64).alias("feature_index"))
            .join(overflowed, on=_BY, how="semi")
            .group_by(_BY)
            .agg(small.mean().alias("mean"), small.std().alias("std"))
            .with_columns((pl.col("mean", "std") * _HUGE).clip(-_LARGEST, _LARGEST))
        )
        days = days.update(again, on=_BY)
    return days


def _get_values(long: LongDetail, feature: int) -> pl.Series:
    """A feature's values that are not default; NULL elsewhere."""
    return pl.Series(long.get_values(feature), nan_to_null=True)


def _get_limits(name: str, contract: Contract) -> pl.Expr:
    """A threshold as it applies to the feature of each row."""
    limits = [contract.threshold(f, name) for f in contract.features]
    if len(set(limits)) == 1:
        return pl.lit(limits[0])
    return pl.lit(pl.Series(limits)).gather(pl.col("feature_index"))
