"""Windows that hold the record's own event."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

import fsq
from tests.support.healthy_days import LAST
from tests.support.labelled_days import (
    AVERAGES,
    HIT,
    compute_windows,
    find_kinds,
    make_labelled_days,
)

ROWS = make_labelled_days()
LEAKING = compute_windows(ROWS, shift=0)


def test_the_windows_ids_prove_it() -> None:
    finding = find_kinds(LEAKING)["window_leak"]
    assert finding.severity == "red"
    assert finding.rows_affected == LEAKING.height
    assert "hold their own game" in finding.title
    assert "points_avg_last_5" in finding.features


def test_one_record_is_proof_enough() -> None:
    one = HIT & (pl.col("player_lookup") == "player003")
    ids = pl.when(one).then(pl.concat_list("game_id", "last_5__game_ids"))
    rows = ROWS.with_columns(last_5__game_ids=ids.otherwise(pl.col("last_5__game_ids")))
    assert find_kinds(rows)["window_leak"].rows_affected == 1


def test_an_event_of_a_later_date_is_a_leak_too() -> None:
    event = ROWS.filter(HIT)["game_id"][0]
    day = pl.col("game_date") == LAST - timedelta(days=2)
    ids = pl.when(day).then(pl.lit([event])).otherwise(pl.col("last_5__game_ids"))
    found = find_kinds(ROWS.with_columns(last_5__game_ids=ids))
    assert found["window_leak"].rows_affected == 120


@pytest.mark.parametrize("without", [["last_5__game_ids"], ["last_5__game_ids", "game_id"]])
def test_without_ids_the_steps_tell(without: list[str]) -> None:
    finding = find_kinds(LEAKING.drop(without))["window_leak"]
    assert finding.severity == "red"
    assert set(finding.features) == set(AVERAGES)
    assert len(finding.dates) >= 19
    assert "window_leak" not in find_kinds(ROWS.drop(without))


def test_a_leak_on_one_date_names_that_date() -> None:
    columns = [
        pl.when(HIT).then(pl.col(f"{n}_own")).otherwise(pl.col(n)).alias(n) for n in AVERAGES
    ]
    own = LEAKING.select(pl.col(n).alias(f"{n}_own") for n in AVERAGES)
    rows = ROWS.hstack(own).with_columns(columns).drop(own.columns, "last_5__game_ids")
    assert find_kinds(rows)["window_leak"].dates == (LAST,)
    made = fsq.training_set(fsq.score(rows), "points", "keep", exclude="findings")
    (finding,) = [f for f in made.findings if f.kind == "window_leak"]
    assert finding.severity == "yellow"
    assert finding.cause.endswith("The set leaves them out.")
    assert made.frame.filter(HIT).is_empty()
    assert made.frame.height > 0.8 * rows.height


def test_a_wrong_date_makes_no_leak_of_the_next_one() -> None:
    # The step from a wrong value takes in all that the entity's form explains.
    wrong = pl.col("game_date").is_between(LAST - timedelta(days=9), LAST - timedelta(days=6))
    for values in ({n: pl.lit(0.0) for n in AVERAGES}, {n: pl.col(n) * 100 for n in AVERAGES}):
        rows = ROWS.drop("last_5__game_ids").with_columns(
            pl.when(wrong).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()
        )
        assert "window_leak" not in find_kinds(rows)


def test_small_dates_leak_together() -> None:
    some = pl.col("player_lookup").is_in([f"player{i:03}" for i in range(0, 120, 8)])
    few = LEAKING.filter(some).drop("last_5__game_ids")
    assert len(find_kinds(few)["window_leak"].dates) >= 19
    assert "window_leak" not in find_kinds(ROWS.filter(some).drop("last_5__game_ids"))


def test_a_leak_in_most_of_the_set_stays_red_although_it_is_left_out() -> None:
    scored = fsq.score(LEAKING.drop("last_5__game_ids"))
    made = fsq.training_set(scored, "points", "keep", exclude="findings")
    (finding,) = [f for f in made.findings if f.kind == "window_leak"]
    assert finding.severity == "red"
    assert made.frame.height < 0.1 * scored.height
