"""One entity in two spellings, and entities with the very same values."""

from __future__ import annotations

import polars as pl

import fsq
from tests.support.healthy_days import LAST, change_last, diagnose_last, list_serious
from tests.support.league import make_league

LAST_ROWS = pl.col("game_date") == LAST
NAMES = pl.col("player_lookup").str.replace("player", "josé")


def make_named() -> pl.DataFrame:
    return make_league().with_columns(player_lookup=NAMES)


def add(rows: pl.DataFrame, which: pl.Expr, **changed: pl.Expr) -> pl.DataFrame:
    """Some rows of the last date once more, with other values."""
    return pl.concat([rows, rows.filter(LAST_ROWS & which).with_columns(**changed)])


def test_two_spellings_on_one_date() -> None:
    upper = pl.col("player_lookup").str.replace("josé", "jose")
    rows = add(make_named(), pl.col("seat") == 0, player_lookup=upper)
    dx = diagnose_last(rows)
    (finding,) = [f for f in list_serious(dx) if f.kind == "look_alikes"]
    assert finding.severity == "yellow"
    assert "two spellings: jose000 and josé000" in finding.title
    assert finding.rows_affected == 16
    assert [f.kind for f in list_serious(dx)] == ["look_alikes"]


def test_a_spelling_that_no_earlier_date_has() -> None:
    plain = pl.when(pl.col("seat") == 0).then(pl.col("player_lookup").str.replace("é", "e"))
    rows = change_last(make_named(), player_lookup=plain.otherwise("player_lookup"))
    dx = diagnose_last(rows)
    (finding,) = list_serious(dx)
    assert finding.kind == "look_alikes"
    assert finding.title.startswith(
        "8 players are spelled differently than before: jose000 and jos"
    )
    assert dx.named_rows.height == 8


def test_ids_that_differ_in_case_alone_are_usual() -> None:
    again = make_named().with_columns(player_lookup=pl.col("player_lookup").str.to_uppercase())
    values = [pl.col(c) + 0.001 for c in ("fatigue_score", "points_avg_season")]
    rows = pl.concat([make_named(), again.with_columns(values)])
    assert list_serious(diagnose_last(rows)) == []


def test_the_same_record_under_a_similar_name() -> None:
    longer = pl.col("player_lookup") + "jr"
    rows = add(make_named(), pl.col("player_lookup").is_in(["josé004"]), player_lookup=longer)
    dx = diagnose_last(rows)
    (finding,) = list_serious(dx)
    assert finding.kind == "look_alikes"
    assert "josé004 and josé004jr" in finding.title
    assert finding.rows_affected == 2


def test_a_single_record_with_the_values_of_an_unlike_one_is_chance() -> None:
    other = pl.lit("unlike") + pl.col("player_lookup").str.slice(4).str.reverse()
    rows = add(make_named(), pl.col("player_lookup").is_in(["josé004"]), player_lookup=other)
    assert "look_alikes" not in {f.kind for f in diagnose_last(rows).findings}


def test_many_records_with_the_values_of_others() -> None:
    other = pl.lit("unlike") + pl.col("player_lookup").str.slice(4).str.reverse()
    rows = add(make_named(), pl.col("seat") < 2, player_lookup=other)
    kinds = [f.kind for f in list_serious(diagnose_last(rows))]
    assert kinds == ["look_alikes"]


def test_records_without_values_are_not_alike() -> None:
    names = list(fsq.load_contract().names)
    few = pl.col("seat") >= 13
    empty = {n: pl.when(~few).then(pl.col(n)) for n in names}
    kinds = [f.kind for f in list_serious(diagnose_last(make_named().with_columns(**empty)))]
    assert "look_alikes" not in kinds


def test_healthy_dates_have_none() -> None:
    assert list_serious(fsq.diagnose(fsq.score(make_named()))) == []
