"""Level 3 columns about origin: available features, sources and upstream processors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.intake.batch_query import DATE
from fsq.intake.run_context import RunContext
from fsq.schema.columns import UTC_MICROS

# The lineage columns that follow from a record's list of processors.
_FROM_PROCESSORS = frozenset(
    ("predecessor_processors_completed", "upstream_processors_ran", "missing_processors")
)


def list_available_features(feature_rows: pl.DataFrame, width: int) -> pl.Series:
    """Names of the features that are not default, in index order, per record."""
    names = feature_rows.select(pl.when(~pl.col("is_default")).then("feature_name")).to_series()
    return names.reshape((feature_rows.height // width, width)).arr.to_list().list.drop_nulls()


def encode_sources(feature_rows: pl.DataFrame, contract: Contract) -> pl.Series:
    """The legacy JSON object of index to source label, one per record."""
    width, labels = len(contract.features), list(contract.sources)
    pieces = pl.Series([f'"{i}":"{label}"' for i in range(width) for label in labels])
    at = pl.col("feature_index") * len(labels) + pl.col("source").to_physical().cast(pl.Int64)
    text = feature_rows.select(pl.lit(pieces).gather(at.cast(pl.UInt32)).alias("t"))["t"]
    joined = text.reshape((feature_rows.height // width, width)).arr.join(",")
    return "{" + joined + "}"


def fill_run(records: pl.DataFrame, run: RunContext | None) -> pl.DataFrame:
    """Fill in the run's id and processors where a row has none of its own."""
    if run is None:
        return records
    days = records[DATE].unique().to_list()
    runs = [run.on(day) for day in days]
    stated = pl.DataFrame(
        {DATE: days, "run_id": [r[0] for r in runs], "done": [r[1] for r in runs]},
        schema={DATE: pl.Date, "run_id": pl.String, "done": pl.List(pl.String)},
    )
    return records.join(stated, on=DATE, how="left", maintain_order="left").with_columns(
        pl.coalesce("pipeline_run_id", "run_id").alias("pipeline_run_id"),
        pl.coalesce("processors_completed", "done").alias("processors_completed"),
    )


def compute_lineage(
    records: pl.DataFrame, contract: Contract, now: datetime, wanted: Collection[str]
) -> dict[str, pl.Series]:
    """Compute the lineage and audit columns that are wanted, from intake's columns."""
    columns = {n: e for n, e in _make_lineage_columns(contract, now).items() if n in wanted}
    if not columns:
        return {}
    if not _FROM_PROCESSORS.isdisjoint(columns):
        records = _add_processors(records, contract)
    computed = records.with_columns(e.alias(n) for n, e in columns.items())
    return {n: computed[n] for n in columns}


def _add_processors(records: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add which processors ran and which are missing.

    Neighbouring rows mostly share a list, so each stretch of equal lists is compared once.
    """
    done = records["processors_completed"]
    hashes = done.hash().to_numpy()
    starts = np.append(True, hashes[1:] != hashes[:-1])[: len(done)]
    lists = done[starts.nonzero()[0]].to_list()
    compared = _compare_lists(tuple(x if x is None else tuple(x) for x in lists), contract)
    return records.hstack(compared[pl.Series(starts.cumsum() - 1)])


@lru_cache(maxsize=64)
def _compare_lists(lists: tuple[tuple[str, ...] | None, ...], contract: Contract) -> pl.DataFrame:
    """What ran and what is missing by each list; the same lists come again with every chunk."""
    done = pl.Series("processors_completed", lists, dtype=pl.List(pl.String))
    return pl.DataFrame({done.name: done}).select(**_processor_columns(contract))


@lru_cache(maxsize=8)
def _processor_columns(contract: Contract) -> dict[str, pl.Expr]:
    done = pl.col("processors_completed")
    known = [p.name for p in contract.processors]
    in_order = pl.concat_list(
        [pl.when(done.list.contains(p)).then(pl.lit(p)) for p in known] or [pl.lit(None, pl.String)]
    ).list.drop_nulls()
    rest = done.list.set_difference(pl.lit(known, dtype=pl.List(pl.String))).list.sort()
    ran = pl.when(done.is_not_null()).then(pl.concat_list(in_order, rest))
    absent = pl.concat_list(
        [
            pl.when(~done.list.contains(p.name)).then(pl.lit(p.name))
            for p in contract.processors
            if p.expected
        ]
        or [pl.lit(None, pl.String)]
    ).list.drop_nulls()
    any_missing = done.is_not_null() & (absent.list.len() > 0)
    missing = pl.when(any_missing).then(absent.list.join(","))
    return {"ran": ran.fill_null([]), "missing": missing, "comma_joined": ran.list.join(",")}


@lru_cache(maxsize=8)
def _make_lineage_columns(contract: Contract, now: datetime) -> dict[str, pl.Expr]:
    """The lineage and audit columns, from intake's columns and ``_add_processors``."""
    age = (pl.col("as_of") - pl.col("computed_at")).dt.total_microseconds() / 3.6e9
    return {
        "feature_schema_version": pl.lit(contract.name),
        "feature_quality_detail_version": pl.lit(contract.detail_version),
        "upstream_pipeline_run_id": pl.col("pipeline_run_id"),
        "predecessor_processors_completed": pl.col("ran"),
        "upstream_processors_ran": pl.col("comma_joined"),
        "missing_processors": pl.col("missing"),
        "feature_store_age_hours": age.clip(lower_bound=0),
        "quality_computed_at": pl.lit(now, UTC_MICROS),
        "quality_schema_version": pl.lit(contract.schema_version),
    }
