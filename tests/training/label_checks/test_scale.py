"""Labels out of line with earlier ones, and labels that belong to other records."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tests.support.healthy_days import LAST
from tests.support.labelled_days import find_kinds, make_labelled_days, on_date

ROWS = make_labelled_days()
P = pl.col("points")


@pytest.mark.parametrize("factor", [100.0, 60.0, 4.0, 0.1, 1 / 60])
def test_another_unit(factor: float) -> None:
    found = find_kinds(on_date(ROWS, P * factor))
    assert list(found) == ["label_out_of_line"]
    finding = found["label_out_of_line"]
    assert (finding.severity, finding.dates) == ("red", (LAST,))
    assert finding.evidence["factor"] == pytest.approx(factor, rel=0.25)


@pytest.mark.parametrize("changed", [-P - 1, P * 1.8 + 32, P + 60])
def test_another_sign_or_scale(changed: pl.Expr) -> None:
    finding = find_kinds(on_date(ROWS, changed))["label_out_of_line"]
    assert finding.dates == (LAST,)


def test_a_change_that_lasts_never_becomes_normal() -> None:
    late = pl.col("game_date") > LAST - timedelta(days=8)
    rows = ROWS.with_columns(points=pl.when(late).then(P * 100).otherwise(P))
    assert len(find_kinds(rows)["label_out_of_line"].dates) == 8


def test_dates_that_really_differ_are_no_finding() -> None:
    rng = np.random.default_rng(3)
    delay = rng.normal(-5, 15, 2400) + np.where(rng.random(2400) < 0.2, 60, 0)
    hit = np.arange(2400) >= 2280
    storm = np.where(hit, delay + rng.exponential(40, 2400), delay)
    rows = ROWS.with_columns(points=pl.Series(storm))
    assert "label_out_of_line" not in find_kinds(rows)


def test_labels_of_other_records() -> None:
    shuffled = pl.Series(np.random.default_rng(2).permutation(120))
    day = ROWS.filter(pl.col("game_date") == LAST)
    labels = day["points"].gather(shuffled)
    rows = pl.concat([ROWS.filter(pl.col("game_date") != LAST), day.with_columns(points=labels)])
    found = find_kinds(rows)
    assert list(found) == ["label_unrelated"]
    assert found["label_unrelated"].dates == (LAST,)
    assert found["label_unrelated"].rows_affected == 120


def test_features_that_say_little_accuse_no_label() -> None:
    noise = pl.Series(np.random.default_rng(4).normal(0, 1, 2400))
    assert find_kinds(ROWS.with_columns(points=noise)) == {}
