"""Labels of events that have not taken place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

import fsq
from tests.support.any_table import CONTRACT, make_rows
from tests.support.healthy_days import LAST
from tests.support.labelled_days import HIT, find_kinds, make_labelled_days

ROWS = make_labelled_days(8, 40)
SCORED = fsq.score(make_rows(), CONTRACT)


def test_a_label_of_a_later_date_is_red() -> None:
    now = datetime.combine(LAST - timedelta(days=1), datetime.min.time())
    finding = find_kinds(ROWS.filter(pl.col("game_date") != LAST - timedelta(days=1)), now=now)
    assert list(finding) == ["label_before_event"]
    assert finding["label_before_event"].severity == "red"
    assert finding["label_before_event"].dates == (LAST,)
    made = fsq.training_set(fsq.score(ROWS), "points", "keep", exclude="findings", now=now)
    assert made.frame["game_date"].max() == LAST - timedelta(days=2)


def test_a_label_of_today_may_be_preliminary() -> None:
    now = datetime.combine(LAST, datetime.min.time(), UTC)
    assert find_kinds(ROWS, now=now)["label_before_event"].severity == "yellow"
    assert "label_before_event" not in find_kinds(ROWS, now=now + timedelta(days=1))
    none = ROWS.with_columns(points=pl.when(~HIT).then("points"))
    assert "label_before_event" not in find_kinds(none, now=now)


def test_a_time_says_it_to_the_moment() -> None:
    time = CONTRACT.table.time
    assert time is not None
    middle = SCORED[time].sort()[SCORED.height // 2]
    made = fsq.training_set(
        SCORED, "outcome", "keep", contract=CONTRACT, exclude="findings", now=middle
    )
    assert made.frame[time].max() < middle
    (finding,) = [f for f in made.findings if f.kind == "label_before_event"]
    assert finding.rows_affected == SCORED.filter(pl.col(time) >= middle).height
