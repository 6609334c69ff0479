"""What is found of a date is the same whether it is checked alone or among many."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.diagnosis.findings import name_cause
from tests.support.faults import fall_back, number
from tests.support.healthy_days import LAST, TABLES, make_days

COUNT = 26
DATES = [LAST - timedelta(days=COUNT - 1 - i) for i in range(COUNT)]
JOBS = [job.name for job in fsq.load_contract().processors]
STAMPS = [f"{t}__last_updated" for t in TABLES]
HISTORY = ["points_avg_last_5", "points_avg_last_10", "points_avg_season"]


def _on(day: date, **values: pl.Expr) -> list[pl.Expr]:
    chosen = pl.col("game_date") == day
    return [pl.when(chosen).then(v).otherwise(pl.col(n)).alias(n) for n, v in values.items()]


def _damage(rows: pl.DataFrame) -> pl.DataFrame:
    """Faults of several kinds, each on a date of its own, and one that lasts three dates."""
    rows = fall_back(rows, DATES[12:15], 0.4)
    rows = rows.with_columns(_on(DATES[16], **{n: 100 * pl.col(n) for n in HISTORY}))
    rows = rows.with_columns(_on(DATES[17], opponent_pace=pl.lit(100.0)))
    zeros = pl.when(number % 3 == 0).then(0.0).otherwise(pl.col("minutes_avg_last_10"))
    rows = rows.with_columns(_on(DATES[18], minutes_avg_last_10=zeros))
    rows = rows.with_columns(_on(DATES[19], game_id=pl.format("2026_{}", pl.col("game_id"))))
    rows = rows.with_columns(_on(DATES[24], processors_completed=pl.lit(JOBS[1:])))
    rows = rows.with_columns(
        _on(DATES[25], **{s: pl.col(s) + pl.duration(hours=3) for s in STAMPS})
    )
    few = (pl.col("game_date") == DATES[22]) & (number >= 30)
    rows = rows.filter(~few).with_columns(_on(DATES[22], fatigue_score=pl.lit(50.0)))
    before = [pl.col(n).shift(1).over("player_lookup", order_by="game_date") for n in HISTORY]
    rows = rows.with_columns(_on(DATES[21], **dict(zip(HISTORY, before, strict=True))))
    return rows.filter((pl.col("game_date") != DATES[23]) | (number % 2 == 0))


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return fsq.score(_damage(make_days(COUNT, seed=4)))


@pytest.fixture(scope="module")
def profile() -> fsq.Profile:
    learned = fsq.learn_profile(fsq.score(make_days(COUNT, seed=5)))
    assert learned is not None
    return learned


@pytest.fixture(scope="module")
def together(scored: pl.DataFrame, profile: fsq.Profile) -> fsq.Diagnosis:
    return fsq.diagnose(scored, profile=profile)


def _list_findings(dx: fsq.Diagnosis, day: date) -> list[tuple[Any, ...]]:
    """What findings say of a date; of those that last, the figures are of their worst date."""
    return sorted(
        (f.kind, f.place, f.features, str((f.severity, f.evidence) if len(f.dates) == 1 else ""))
        for f in dx.findings
        if day in f.dates
    )


def _list_named(dx: fsq.Diagnosis, day: date) -> set[tuple[Any, ...]]:
    named = dx.named_rows.filter(pl.col("game_date") == day)
    kinds = [dx.findings[at].kind for at in named["finding"]]
    return set(named.with_columns(finding=pl.Series(kinds, dtype=pl.String)).rows())


@pytest.mark.parametrize("at", range(10, COUNT))
def test_a_date_alone_is_a_date_among_many(
    scored: pl.DataFrame, profile: fsq.Profile, together: fsq.Diagnosis, at: int
) -> None:
    day = DATES[at]
    alone = fsq.diagnose(scored, dates=[day], profile=profile)
    assert alone.dates[day] == together.dates[day]
    lasting = {f.id for f in together.findings if day in f.dates and len(f.dates) > 1}
    single = [f for f in _list_findings(alone, day) if name_cause(*f[:3]) not in lasting]
    assert single == [f for f in _list_findings(together, day) if f[3]]
    assert lasting == {f.id for f in alone.findings} & lasting
    assert _list_named(alone, day) == _list_named(together, day)
    unknown = [
        {(n["check"], n["reason"], *n["features"]) for n in dx.not_evaluated if day in n["dates"]}
        for dx in (alone, together)
    ]
    assert unknown[0] == unknown[1]


def test_the_faults_are_seen(together: fsq.Diagnosis) -> None:
    damaged = {*DATES[12:15], *(DATES[at] for at in (16, 17, 18, 19, 21, 22, 23, 24, 25))}
    seen = {d for d, verdict in together.dates.items() if verdict in ("red", "yellow")}
    assert seen & {*DATES[10:]} == damaged
    chosen = {DATES[19], DATES[22], DATES[24], DATES[25]}
    kinds = {f.kind for f in together.findings if chosen & {*f.dates}}
    assert kinds >= {"mixed_ids", "run_context_disagrees", "stamps_shifted", "silent_default"}
