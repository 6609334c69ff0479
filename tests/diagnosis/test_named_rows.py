"""Findings name the records that they blame."""

from __future__ import annotations

import polars as pl

from fsq.contract import load_contract
from tests.support.healthy_days import LAST, diagnose_last, make_days


def test_a_table_that_is_missing_names_the_rows_without_it() -> None:
    table = "player_composite_factors"
    features = [f.name for f in load_contract().features if f.upstream_table == table]
    rows = make_days().with_row_index("n")
    lost = (pl.col("game_date") == LAST) & (pl.col("n") % 3 == 0)
    rows = rows.with_columns(
        *(pl.when(~lost).then(pl.col(f)).alias(f) for f in features),
        *(
            pl.when(lost)
            .then(pl.lit("default"))
            .otherwise(pl.col(f"{f}__source"))
            .alias(f"{f}__source")
            for f in features
        ),
    )
    dx = diagnose_last(rows)
    at = next(i for i, f in enumerate(dx.findings) if set(features) & set(f.features))
    named = dx.named_rows.filter(pl.col("finding") == at).drop("finding")
    expected = rows.filter(lost).select(named.columns)
    assert named.sort("player_lookup").equals(expected.sort("player_lookup"))


def test_healthy_rows_are_not_named() -> None:
    dx = diagnose_last(make_days())
    assert dx.named_rows.is_empty()
    assert dx.named_rows.columns == ["player_lookup", "game_date", "finding"]
