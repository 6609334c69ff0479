"""The small tables of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract, load_contract
from fsq.diagnosis.feature_metrics import name_source_counts
from fsq.reporting.spec import format_name
from fsq.schema.columns import DETAIL
from fsq.scoring.explode import explode_detail
from fsq.training.gates import list_training_ready_conditions
from fsq.utils.palette import colour_sources

WORST_ENTITIES = 12
WORST_FEATURES = 10
_SHOWN_FIELDS = (
    "feature_index", "feature_name", "feature_value", "expected_value", "original_value",
    "source_type", "upstream_table", "last_updated", "sample_size", "quality_score",
    "feature_quality_tier", "is_default", "fallback_reason", "triggered_alert",
)  # fmt: skip


def count_gates(scored: pl.LazyFrame, contract: Contract) -> list[dict[str, Any]]:
    """Count what each gate of ``is_training_ready`` drops of what the gates before it left.

    Returns:
        One dict per gate with ``gate``, ``dropped`` and ``left``; the first counts all rows, and
        the last one's ``left`` is the number of training-ready rows.
    """
    gates = list_training_ready_conditions(contract)
    passed = scored.select(gate.expression.alias(str(i)) for i, gate in enumerate(gates))
    cumulative = [pl.all_horizontal(str(j) for j in range(i + 1)).sum() for i in range(len(gates))]
    counts = passed.select(pl.len(), *(c.alias(f"left{i}") for i, c in enumerate(cumulative)))
    left = [int(n) for n in counts.collect().row(0)]
    falls = [{"gate": "all rows", "dropped": 0, "left": left[0]}]
    falls += [
        {"gate": gate.description, "dropped": before - after, "left": after}
        for gate, before, after in zip(gates, left, left[1:], strict=False)
    ]
    return falls


def find_worst_features(features: pl.DataFrame) -> pl.DataFrame:
    """Find the features with the lowest mean quality over all rows, optional ones included."""
    weight = pl.col("rows")
    return (
        features.group_by("feature_index", "feature_name", "feature_category", "upstream_table")
        .agg(
            ((pl.col("quality_pct") * weight).sum() / weight.sum()).alias("quality"),
            (100 * pl.col("default_rows").sum() / weight.sum()).alias("default_pct"),
            (pl.col("default_rows") >= 0.5 * weight).sum().alias("bad_dates"),
            pl.col("violation_rows").sum(),
            pl.col("stale_rows").sum(),
            pl.col("thin_rows").sum(),
        )
        .sort("quality", "feature_index")
        .head(WORST_FEATURES)
    )


def count_sources(features: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Count values per ``date`` and source type, with ``default`` as a source type."""
    counts = name_source_counts(contract) | {"default": "default_rows"}
    return (
        features.select(pl.col(contract.table.date).alias("date"), **counts)
        .group_by("date")
        .sum()
        .unpivot(index="date", variable_name="source", value_name="values")
        .sort("date", "source")
    )


def measure_table_ages(features: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Take, per ``date`` and upstream table, the largest median age of its features, in hours."""
    known = features.filter(pl.col("age_hours").is_not_null())
    return (
        known.group_by(pl.col(contract.table.date).alias("date"), "upstream_table")
        .agg(pl.col("age_hours").max())
        .sort("date", "upstream_table")
    )


def average_categories(days: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Each category's mean quality over all rows, and its lowest on a date."""
    names = [n for n in contract.category_names if contract.in_category(n)]
    rows, quality = days["rows"].sum(), [pl.col(f"{c}_quality_pct") for c in names]
    means = days.select((q * pl.col("rows")).sum() / rows for q in quality).row(0)
    lows = days.select(q.min() for q in quality).row(0)
    return [
        {"name": format_name(c), "mean": m, "lowest": low}
        for c, m, low in zip(names, means, lows, strict=True)
    ]


def compute_shares(features: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """The share of values per source type, best first, and of defaults."""
    mix = count_sources(features, contract).group_by("source").agg(pl.col("values").sum())
    counts = dict(mix.iter_rows())
    total = sum(counts.values())
    return [
        {"source": s, "values": counts.get(s, 0), "share": 100 * counts.get(s, 0) / total}
        for s in colour_sources(contract.source_type_names)
    ]


def summarize_ages(features: pl.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Per upstream table, the median and the largest of its ages per date, in hours."""
    ages = (
        measure_table_ages(features, contract)
        .group_by("upstream_table")
        .agg(
            pl.col("age_hours").median().alias("median"), pl.col("age_hours").max().alias("largest")
        )
    )
    return ages.sort("upstream_table").to_dicts()


def find_worst_records(
    scored: pl.LazyFrame, contract: str | Path | Contract = "v2_33features"
) -> list[dict[str, Any]]:
    """Find the entities with the lowest scores, and the worst record of each with its features.

    Among equal scores the latest date wins: while windows fill, low scores are normal.

    Returns:
        Per record its summary, ``name`` (its keys as one text), ``moment`` (its date or time) and
        ``features``.
    """
    loaded = load_contract(contract)
    table = loaded.table
    summary = scored.select(
        *table.key,
        "feature_quality_score",
        "quality_tier",
        "quality_alert_level",
        "default_feature_count",
        pl.col("quality_alerts").list.join(", "),
    )
    worst = (
        summary.sort(
            ["feature_quality_score", *table.order],
            descending=[False, *(c not in table.keys for c in table.order)],
        )
        .unique(table.keys, keep="first", maintain_order=True)
        .head(WORST_ENTITIES)
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
