"""Labels that are one value for a date or an event, and labels that are absent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import fsq
from tests.support.healthy_days import LAST
from tests.support.labelled_days import HIT, find_kinds, make_labelled_days, on_date

ROWS = make_labelled_days()


def test_ordinary_labels_are_no_finding() -> None:
    assert find_kinds(ROWS) == {}


@pytest.mark.parametrize("value", [0.0, 10.0, -1.0])
def test_one_value_for_a_whole_date(value: float) -> None:
    found = find_kinds(on_date(ROWS, pl.lit(value)))
    assert list(found) == ["label_one_value"]
    finding = found["label_one_value"]
    assert (finding.severity, finding.dates) == ("red", (LAST,))
    assert finding.rows_affected == 120
    assert finding.title.startswith(f"points is {value:g} for 120 players on {LAST}")


def test_small_dates_are_judged_by_what_few_rows_can_say() -> None:
    few = make_labelled_days(20, 14)
    assert "label_one_value" in find_kinds(on_date(few, pl.lit(0.0)))
    four = few.filter(~HIT | pl.col("player_lookup").is_in(["player001", "player002"]))
    assert "label_one_value" not in find_kinds(on_date(four, pl.lit(0.0)))


def test_one_value_for_one_event_names_that_event_alone() -> None:
    event = ROWS.filter(HIT)["game_id"][0]
    zeros = pl.when(pl.col("game_id") == event).then(0.0).otherwise(pl.col("points"))
    finding = find_kinds(ROWS.with_columns(points=zeros))["label_one_value"]
    assert finding.rows_affected == 30
    kept = fsq.training_set(
        fsq.score(ROWS.with_columns(points=zeros)), "points", "keep", exclude="findings"
    ).frame
    assert kept.filter(pl.col("game_id") == event).is_empty()
    assert kept.filter(HIT).height == 90


def test_a_placeholder_for_some_rows_of_a_date() -> None:
    some = pl.when(pl.int_range(pl.len()) % 5 < 2).then(0.0).otherwise(pl.col("points"))
    finding = find_kinds(on_date(ROWS, some))["label_one_value"]
    assert finding.dates == (LAST,)
    assert 48 <= finding.rows_affected <= 60


def test_a_fault_that_lasts_is_seen_on_every_date() -> None:
    late = pl.col("game_date") > LAST - timedelta(days=6)
    rows = ROWS.with_columns(points=pl.when(late).then(0.0).otherwise(pl.col("points")))
    assert len(find_kinds(rows)["label_one_value"].dates) == 6


def test_a_binary_label_may_be_one_value_for_most_of_a_date() -> None:
    rng = np.random.default_rng(1)
    # Whole dates are better or worse than others, as in a storm.
    share = np.repeat(rng.uniform(0.6, 0.99, 20), 120)
    binary = ROWS.with_columns(points=pl.Series((rng.random(2400) < share).astype(float)))
    assert "label_one_value" not in find_kinds(binary)
    constant = ROWS.with_columns(points=7.0)
    assert find_kinds(constant) == {}


def test_absent_labels_of_a_date_that_is_followed_by_others() -> None:
    day = LAST - timedelta(days=4)
    none = on_date(ROWS, pl.lit(None, pl.Float64), day)
    finding = find_kinds(none)["label_absent"]
    assert (finding.severity, finding.dates, finding.rows_affected) == ("yellow", (day,), 120)
    few = on_date(ROWS, pl.when(pl.int_range(pl.len()) % 5 == 0).then("points"), day)
    assert find_kinds(few)["label_absent"].rows_affected == 96


def test_absent_labels_of_the_last_date_are_due_after_some_days() -> None:
    none = on_date(ROWS, pl.lit(None, pl.Float64))
    evening = datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(hours=20)
    assert "label_absent" not in find_kinds(none, now=evening)
    assert "label_absent" not in find_kinds(none, now=evening + timedelta(days=2))
    found = find_kinds(none, now=evening + timedelta(days=5))
    assert found["label_absent"].dates == (LAST,)


def test_absent_labels_of_one_event() -> None:
    event = ROWS.filter(pl.col("game_date") == LAST - timedelta(days=3))["game_id"][0]
    rows = ROWS.with_columns(points=pl.when(pl.col("game_id") != event).then("points"))
    finding = find_kinds(rows)["label_absent"]
    assert finding.rows_affected == 30
    assert "1 of their games" in finding.cause


@pytest.mark.parametrize("sentinel", [1.797e308, -1.797e308, 1e155])
def test_sentinels_are_judged_and_break_no_check(sentinel: float) -> None:
    one = HIT & (pl.col("player_lookup") == "player001")
    label = pl.when(one).then(sentinel).otherwise(pl.col("points"))
    value = pl.when(one).then(-sentinel).otherwise(pl.col("team_pace"))
    find_kinds(ROWS.with_columns(points=label, team_pace=value))
    found = find_kinds(on_date(ROWS, pl.lit(sentinel)))
    assert "label_one_value" in found
