"""Quality over time: each date compared with the median of the dates before it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from fsq.contract import Contract, choose_contract
from fsq.diagnosis.daily_metrics import measure_dates
from fsq.diagnosis.scored_columns import require_columns
from fsq.errors import InputError, NoRowsError
from fsq.schema.tables import AnyRows, StoredRows, is_stored, read_rows
from fsq.stores import Store, get_backend
from fsq.stores.read_errors import store_read_errors
from fsq.utils.arguments import DateLike
from fsq.utils.dates import move_date, read_date_range
from fsq.utils.frames import filter_dates

# How far before the first date to read for its comparison; longer breaks separate seasons.
LOOKBACK = 31  # days
HEADLINE = "the trend cannot be shown"
SUMMARY_TABLE = "feature_quality_daily"


def list_compared_metrics(contract: Contract) -> tuple[str, ...]:
    """The columns of a trend that get a ``_trailing`` median."""
    means = (f"{c}_quality_pct" for c in contract.category_names)
    return ("rows", "quality_pct", *means, "default_pct")


def make_trend(days: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Compare each date with the dates before it.

    Args:
        days: the result of ``fsq.diagnosis.daily_metrics.measure_dates``.
        contract: of the scoring; its feature count makes counts of defaults a share.

    Returns:
        The contract's date; ``rows``; ``quality_pct``, ``<category>_quality_pct`` and
        ``default_pct`` (share of all values), 0 to 100; ``green``, ``yellow`` and ``red`` (rows);
        ``production_ready_pct`` and ``training_ready_pct``; for each of ``list_compared_metrics`` a
        ``<name>_trailing`` median of the dates before (the contract sets how many, and with how
        few it is NULL);
        ``quality_change`` and ``default_change`` (points against that median) and
        ``coverage_pct`` (rows in percent of its rows), NULL where the median is.

    >>> import fsq
    >>> from fsq.demo import simulate_season
    >>> contract = fsq.load_contract()
    >>> rows = simulate_season("2025-26").rows.head(2_000)
    >>> days = make_trend(measure_dates(fsq.score(rows).lazy(), contract), contract)
    >>> days["quality_pct_trailing"].is_null().head(4).to_list()
    [True, True, True, False]
    """
    rules = contract.diagnosis
    share = pl.col("default_features") / (pl.col("rows") * len(contract.features))
    measured = days.sort(contract.table.date).select(
        contract.table.date,
        "rows",
        pl.col("quality").alias("quality_pct"),
        *(f"{c}_quality_pct" for c in contract.category_names),
        (100 * share).alias("default_pct"),
        "green",
        "yellow",
        "red",
        (100 * pl.col("production_ready") / pl.col("rows")).alias("production_ready_pct"),
        (100 * pl.col("training_ready") / pl.col("rows")).alias("training_ready_pct"),
    )
    compared = measured.with_columns(
        pl.col(name)
        .cast(pl.Float64)
        .shift(1)
        .rolling_median(rules.history_days, min_samples=rules.history_min_days)
        .alias(f"{name}_trailing")
        for name in list_compared_metrics(contract)
    )
    return compared.with_columns(
        (pl.col("quality_pct") - pl.col("quality_pct_trailing")).alias("quality_change"),
        (pl.col("default_pct") - pl.col("default_pct_trailing")).alias("default_change"),
        (100 * pl.col("rows") / pl.col("rows_trailing")).alias("coverage_pct"),
    )


def trend(
    scored: AnyRows,
    start: DateLike | None = None,
    end: DateLike | None = None,
    contract: str | Path | Contract | None = None,
) -> pl.DataFrame:
    """Quality per date, each compared with the dates before it.

    Args:
        scored: scored rows: a frame or table of any library, or a store.
        start: first date; an ISO text will do. Earlier rows serve for comparison.
        end: last date, included.
        contract: of the scoring; None for the store's, and for ``v2_33features`` where there is
            no store.

    Returns:
        One row per date; ``make_trend`` describes the columns.

    Raises:
        InputError: an argument is wrong, or the rows are not scored or have none of these dates.
        StoreError: the store cannot be read, or has no rows of these dates.

    >>> import fsq
    >>> from fsq.demo import simulate_season
    >>> scored = fsq.score(simulate_season("2025-26").rows.head(2_000))
    >>> fsq.trend(scored, end="2025-10-23").select("rows", "quality_change").rows()
    [(180, None), (300, None), (210, None)]
    """
    loaded, (first, last) = choose_contract(scored, contract), read_date_range(start, end, HEADLINE)
    if is_stored(scored):
        return read_trend(scored, loaded, first, last)
    every, day = read_rows(scored, "scored", HEADLINE).lazy(), loaded.table.date
    require_columns(every.collect_schema(), [day], HEADLINE)
    rows = filter_dates(every, day, None if first is None else move_date(first, -LOOKBACK), last)
    out = _cut(make_trend(measure_dates(rows, loaded), loaded), loaded, first)
    if out.is_empty():
        raise InputError([f"there are no rows {_describe_range(first, last)}"], HEADLINE)
    return out


def read_trend(
    store: StoredRows, contract: Contract, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """Read a store and compare its dates from start to end with those before each.

    Raises:
        StoreError: the store cannot be read, or has no rows on these dates.
    """
    with store_read_errors(store.uri):
        rows = store.read(None if start is None else move_date(start, -LOOKBACK), end)
        out = _cut(make_trend(measure_dates(rows, contract), contract), contract, start)
    if out.is_empty():
        day = contract.table.date
        with store_read_errors(store.uri):
            newest = store.read(columns=[day]).select(pl.col(day).max()).collect().item()
        known = "it is empty" if newest is None else f"its newest date is {newest}"
        raise NoRowsError(f"{store.uri} has no rows {_describe_range(start, end)}; {known}")
    return out


def _cut(days: pl.DataFrame, contract: Contract, start: date | None) -> pl.DataFrame:
    return days if start is None else days.filter(pl.col(contract.table.date) >= start)


def write_summary(trend: pl.DataFrame, store: Store, contract: Contract) -> str:
    """Write the trend into ``feature_quality_daily`` beside the store, one row per date.

    Dates that it has already are replaced, so a second run changes nothing.

    Returns:
        The path of the table.

    Raises:
        InputError: the store cannot keep a table beside it.
        StoreError: the table cannot be written.
    """
    rows = trend.with_columns(
        pl.col(pl.Float64).round(9),  # sums of floats depend on their order
        pl.lit(contract.name).alias("contract"),
        pl.lit(contract.version_hash).alias("contract_version"),
    )
    return get_backend(store.uri).write_summary(store.uri, SUMMARY_TABLE, rows)


def _describe_range(start: date | None, end: date | None) -> str:
    parts = [f"from {start}" if start else "", f"to {end}" if end else ""]
    return " ".join(part for part in parts if part) or "at all"
