"""The worst records, one for each way in which records are bad."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.schema.columns import DETAIL
from fsq.scoring.explode import explode_detail

WORST_RECORDS = 12
_SUMMARY = ("feature_quality_score", "quality_tier", "quality_alert_level", "default_feature_count")
_SHOWN_FIELDS = (
    "feature_index", "feature_name", "feature_value", "original_value", "source_type",
    "upstream_table", "sample_size", "quality_score", "feature_quality_tier", "is_default",
    "fallback_reason", "triggered_alert",
)  # fmt: skip


def find_worst_records(
    scored: pl.LazyFrame,
    contract: str | Path | Contract = "v2_33features",
    dates: Collection[date] = (),
) -> list[dict[str, Any]]:
    """Find the records with the lowest scores that differ from one another, with their features.

    Records with the same alerts and as many defaults in each category are bad in the same way: the
    one with the lowest score stands for all of them; among equal ones, the latest.

    Args:
        scored: scored rows.
        contract: of the scoring.
        dates: those that count; all without any. While windows fill, low scores are normal.

    Returns:
        Per record its summary, ``similar_records`` (how many are bad in its way, itself included),
        ``name`` (its keys as one text), ``moment`` (its date or time) and ``features``.
    """
    loaded = load_contract(contract)
    table = loaded.table
    if dates:
        scored = scored.filter(pl.col(table.date).is_in(list(dates)))
    counts = [f"{c}_default_count" for c in loaded.category_names if loaded.in_category(c)]
    alerts = pl.col("quality_alerts").list.sort().list.join(", ")
    way = ["quality_alerts", "quality_tier", *counts]
    columns = dict.fromkeys([*table.key, *_SUMMARY, *counts])
    latest = [c for c in table.order if c not in table.keys]
    worst = (
        scored.select(*columns, alerts)
        .filter(pl.col("quality_tier") != "gold")
        .sort(
            ["feature_quality_score", *table.order],
            descending=[False, *(c in latest for c in table.order)],
        )
        .group_by(way, maintain_order=True)
        .agg(
            pl.len().alias("similar_records"),
            *(pl.col(c).first() for c in columns if c not in way),
        )
        .sort("feature_quality_score", maintain_order=True)
        .head(WORST_RECORDS)
        .collect()
    )
    if worst.is_empty():
        return []
    near = [pl.col(c).is_in(worst[c].unique().to_list()) for c in (*table.keys, table.date)]
    rows = scored.filter(*near).select(*table.key, DETAIL).collect()
    exact = rows.join(worst, on=table.key, how="semi")
    detail = explode_detail(exact, loaded).select(*table.key, *_SHOWN_FIELDS)
    by_key = detail.sort("feature_index").partition_by(table.key, as_dict=True)
    return [
        {
            **record,
            "name": " ".join(str(record[c]) for c in table.keys),
            "moment": record[table.time or table.date],
            "features": by_key[tuple(record[c] for c in table.key)].to_dicts(),
        }
        for record in worst.iter_rows(named=True)
    ]
