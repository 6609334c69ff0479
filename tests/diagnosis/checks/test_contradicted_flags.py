"""A feature that tells whether others are available must agree with them."""

from __future__ import annotations

import polars as pl

from tests.support.healthy_days import LAST, diagnose_last, list_serious, make_days

FLAG, LINE = "has_vegas_line", "vegas_points_line"


def _rows() -> pl.DataFrame:
    has = pl.col(LINE).is_not_null()
    return make_days().with_columns(
        pl.when(has).then(1.0).otherwise(0.0).alias(FLAG),
        pl.lit("calculated").alias(f"{FLAG}__source"),
    )


def test_agreement_is_not_reported() -> None:
    assert "flag_contradicted" not in {f.kind for f in diagnose_last(_rows()).findings}


def test_a_value_that_stands_for_none_is_seen_on_dates_that_are_all_alike() -> None:
    rows = _rows().with_columns(pl.col(LINE).fill_null(0.0))
    found = [f for f in list_serious(diagnose_last(rows)) if f.kind == "flag_contradicted"]
    assert [(f.severity, f.rows_affected) for f in found] == [("red", 60)]
    assert LINE in found[0].features
    assert "is 0 for 60 rows that have these values" in found[0].cause


def test_values_that_vanish_contradict_the_flag_too() -> None:
    hit = (pl.col("game_date") == LAST) & (pl.col("player_lookup").str.slice(-1) == "0")
    rows = _rows().with_columns(pl.when(~hit).then(pl.col(LINE)).alias(LINE))
    found = [f for f in list_serious(diagnose_last(rows)) if f.kind == "flag_contradicted"]
    assert [f.severity for f in found] == ["yellow"]
    assert "not 0 for" in found[0].cause
