"""Level 3 columns that name things: features, sources and upstream processors."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.schema import UTC_MICROS


def available_names(long: pl.DataFrame, width: int) -> pl.Series:
    """Names of the features that are not default, in index order, per record."""
    names = long["feature_name"].head(width)
    default = long["is_default"].to_numpy().reshape(-1, width)
    # Few patterns of defaults occur; each list is made once and gathered.
    packed = np.packbits(default, axis=1)
    keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    lines = pl.DataFrame(
        {"default": default[first].ravel(), "name": pl.concat([names] * len(first))}
    )
    listed = lines.select(pl.when(~pl.col("default")).then("name").alias("n"))["n"]
    return listed.reshape((len(first), width)).arr.to_list().list.drop_nulls().gather(which)


def sources_json(long: pl.DataFrame, contract: Contract) -> pl.Series:
    """The legacy JSON object of index to raw word, from pieces made once per index and word."""
    width, words = len(contract.features), list(contract.sources)
    pieces = pl.Series([f'"{i}":"{w}"' for i in range(width) for w in words])
    at = pl.col("feature_index") * len(words) + pl.col("source").to_physical().cast(pl.Int64)
    text = long.select(pl.lit(pieces).gather(at.cast(pl.UInt32)).alias("t"))["t"]
    joined = text.reshape((long.height // width, width)).arr.join(",")
    return "{" + joined + "}"


def with_processors(records: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add ``ran`` and ``missing``; a day's rows share one list, so each is judged once."""
    done = pl.col("processors_completed")
    # The length tells an empty list from one that holds an empty name.
    key = done.list.len().cast(pl.String) + "\x00" + done.list.join("\x00")
    keyed = records.with_columns(key.alias("jobs"))
    lists = keyed.select("jobs", "processors_completed").unique(subset="jobs")
    judged = lists.select("jobs", **_judged(contract))
    return keyed.join(judged, on="jobs", how="left", nulls_equal=True, maintain_order="left")


def _judged(contract: Contract) -> dict[str, pl.Expr]:
    done = pl.col("processors_completed")
    known = [p.name for p in contract.processors]
    in_order = pl.concat_list(
        [pl.when(done.list.contains(p)).then(pl.lit(p)) for p in known] or [pl.lit(None, pl.String)]
    ).list.drop_nulls()
    rest = done.list.set_difference(pl.lit(known, dtype=pl.List(pl.String))).list.sort()
    ran = pl.when(done.is_not_null()).then(pl.concat_list(in_order, rest))
    lacking = pl.concat_list(
        [
            pl.when(~done.list.contains(p.name)).then(pl.lit(p.name))
            for p in contract.processors
            if p.expected
        ]
        or [pl.lit(None, pl.String)]
    ).list.drop_nulls()
    missing = pl.when(done.is_not_null() & (lacking.list.len() > 0)).then(lacking.list.join(","))
    return {"ran": ran, "missing": missing}


def columns(contract: Contract, now: datetime) -> dict[str, pl.Expr]:
    """Lineage and audit columns, from the record columns of intake and ``with_processors``."""
    age = (pl.col("as_of") - pl.col("computed_at")).dt.total_microseconds() / 3.6e9
    return {
        "feature_schema_version": pl.lit(contract.name),
        "feature_quality_detail_version": pl.lit(contract.detail_version),
        "upstream_pipeline_run_id": pl.col("pipeline_run_id"),
        "predecessor_processors_completed": pl.col("ran").fill_null([]),
        "upstream_processors_ran": pl.col("ran").list.join(","),
        "missing_processors": pl.col("missing"),
        "feature_store_age_hours": age.clip(lower_bound=0),
        "quality_computed_at": pl.lit(now, UTC_MICROS),
        "quality_schema_version": pl.lit(contract.schema_version),
    }
