"""The textbook statistics that fsq is compared with, and their limits."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks.damage.harm import Harm
from benchmarks.damage.statistics import (
    classify,
    measure_defaults,
    measure_mean,
    measure_nulls,
    measure_psi,
    measure_rows,
    measure_spread,
)
from benchmarks.damage.textbook import BUDGET, Textbook, set_limits
from fsq.bench.damage import select_templates
from fsq.bench.detection import Season, load_season
from fsq.bench.detection.trials import Judge, run_trials
from tests.support.any_table import CONTRACT, make_rows

SEATS = CONTRACT.features[CONTRACT.names.index("seats")]


@pytest.fixture(scope="module")
def season() -> Season:
    rows = make_rows(dates=60, entities=100, incidents=False)
    return load_season([rows], CONTRACT, "outcome", kept_share=0.3)


def _part(season: Season) -> tuple[pl.DataFrame, pl.DataFrame]:
    day = season.kept[0]
    return season.select(season.rows, [day]), season.select(season.rows, season.learned[-14:])


@pytest.mark.parametrize(
    ("statistic", "damage"),
    [
        (measure_mean, pl.col("seats") * 3),
        (measure_spread, pl.col("seats").mean()),
        (measure_nulls, pl.lit(None)),
        (measure_defaults, pl.lit(SEATS.expected)),
        (measure_psi, pl.col("seats") + pl.col("seats").std()),
        (classify, pl.col("seats") * 3),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_statistic_is_highest_where_the_damage_is(
    season: Season,
    statistic: object,
    damage: pl.Expr,
) -> None:
    day, before = _part(season)
    damaged = day.with_columns(damage.cast(pl.Float64).alias("seats"))
    clean, found = (statistic(season.table, rows, before) for rows in (day, damaged))  # type: ignore[operator]
    at = season.table.live.index("seats")
    assert (found - clean).argmax() == at
    assert found[at] > clean[at] + 0.1


def test_rows_are_counted_per_group(season: Season) -> None:
    day, before = _part(season)
    half = day.filter(pl.int_range(pl.len()) % 2 == 0)
    (usual,), (found,) = (measure_rows(season.table, rows, before) for rows in (day, half))
    assert found == pytest.approx(np.log(2), abs=0.3)
    assert usual < 0.3


def test_limits_keep_the_budget_together() -> None:
    worst = np.random.default_rng(0).lognormal(size=(5, 200))
    over = (worst > set_limits(worst, BUDGET)[:, None]).any(axis=0)
    assert over.sum() == BUDGET * 200
    assert not (worst > set_limits(worst, 0.0)[:, None]).any()
    one = np.array([[1.0, 2.0, 9.0, 4.0], [10.0, 10.0, 10.0, 10.0]])
    assert set_limits(one, 0.25).tolist() == [4.0, 10.0]


def test_textbook_sees_what_it_should(season: Season) -> None:
    detector = Textbook()
    known = season.select(season.rows, season.learned)
    detector.learn(season.table, known, season.select(season.scored, season.learned))
    judge = Judge(detector, season)
    words = "first table falls back, all; one feature times 100, all; 63 % of the rows missing"
    trials = list(run_trials([judge], season, season.kept[4], select_templates(words)))
    assert {t.template: t.seen for t in trials} == dict.fromkeys(
        (t.name for t in select_templates(words)), "yellow"
    )
    assert {t.right_kind for t in trials} == {None}
    clean = [a for d in season.kept for a in judge.judge([d])]
    assert len({a.day for a in clean}) <= 2


def test_harm_is_a_rise_of_the_error(season: Season) -> None:
    harm = Harm(season)
    day, _ = _part(season)
    assert np.abs(harm(day, day)).max() == 0
    names = list(season.table.live)
    shuffled = day.with_columns(pl.col(n).reverse() for n in names)
    assert harm(day, shuffled).mean() > 0
    unlabelled = day.with_columns(pl.lit(None, pl.Float64).alias("outcome"))
    assert not harm(unlabelled, shuffled).any()
