"""The small tables of the page."""

from __future__ import annotations

from typing import Any

import polars as pl

from fsq.contract import Contract
from fsq.contract.v2 import KEYS
from fsq.scoring.engine import explode_detail
from fsq.training.gates import list_training_ready_conditions

WORST_PLAYERS = 12
WORST_FEATURES = 10
_SHOWN_FIELDS = (
    "player_lookup", "game_date", "feature_index", "feature_name", "feature_value",
    "expected_value", "original_value", "source_type", "upstream_table", "last_updated",
    "sample_size", "quality_score", "feature_quality_tier", "is_default", "fallback_reason",
    "triggered_alert",
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


def count_sources(features: pl.DataFrame) -> pl.DataFrame:
    """Count values per date and source type, with ``default`` as a source type."""
    sources = ["phase4", "phase3", "calculated"]
    return (
        features.group_by("game_date")
        .agg(*(pl.col(s).sum() for s in sources), pl.col("default_rows").sum().alias("default"))
        .unpivot(index="game_date", variable_name="source", value_name="values")
        .sort("game_date", "source")
    )


def measure_table_ages(features: pl.DataFrame) -> pl.DataFrame:
    """Take, per date and upstream table, the largest median age of its features, in hours."""
    known = features.filter(pl.col("age_hours").is_not_null())
    return (
        known.group_by("game_date", "upstream_table")
        .agg(pl.col("age_hours").max())
        .sort("game_date", "upstream_table")
    )


def find_worst_records(scored: pl.LazyFrame) -> list[dict[str, Any]]:
    """Find the players with the lowest scores, and the worst record of each with its features.

    Among equal scores the latest date wins: while windows fill, low scores are normal.
    """
    summary = scored.select(
        *KEYS,
        "feature_quality_score",
        "quality_tier",
        "quality_alert_level",
        "default_feature_count",
        pl.col("quality_alerts").list.join(", "),
    )
    worst = (
        summary.sort(
            ["feature_quality_score", "game_date", "player_lookup"], descending=[False, True, False]
        )
        .unique("player_lookup", keep="first", maintain_order=True)
        .head(WORST_PLAYERS)
        .collect()
    )
    if worst.is_empty():
        return []
    days = worst["game_date"].unique().to_list()
    players = worst["player_lookup"].unique().to_list()
    rows = scored.filter(
        pl.col("game_date").is_in(days), pl.col("player_lookup").is_in(players)
    ).select(*KEYS, "feature_quality_detail")
    detail = explode_detail(rows.collect()).select(_SHOWN_FIELDS).sort("feature_index")
    by_key = detail.partition_by(KEYS, as_dict=True)
    return [
        {**record, "features": by_key[(record["player_lookup"], record["game_date"])].to_dicts()}
        for record in worst.iter_rows(named=True)
    ]
