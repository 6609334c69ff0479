"""A fault that lasts does not become normal: it is seen on every date, and the dates after it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

import fsq
from tests.support.faults import FACTORS, fall_back, number
from tests.support.healthy_days import (
    LAST,
    default_values,
    diagnose_last,
    list_serious,
    make_days,
)

LASTS = 10
COUNT, SEED = 30, 2
DATES = [LAST - timedelta(days=COUNT - 1 - i) for i in range(COUNT)]
# Twelve healthy dates, ten with the fault, eight healthy ones.
FAULTY = DATES[12 : 12 + LASTS]


@pytest.fixture(scope="module")
def healthy() -> pl.DataFrame:
    return make_days(COUNT, seed=SEED)


@pytest.mark.parametrize("share", [0.25, 0.6, 1.0])
def test_it_is_seen_on_every_date_and_on_no_other(healthy: pl.DataFrame, share: float) -> None:
    dx = fsq.diagnose(fsq.score(fall_back(healthy, FAULTY, share)))
    assert [d for d, v in dx.dates.items() if v in ("red", "yellow")] == FAULTY
    assert {f.table for f in list_serious(dx)} == {FACTORS}


@pytest.mark.parametrize("at", [0, 4, LASTS - 1])
def test_checking_one_date_sees_it_as_well(healthy: pl.DataFrame, at: int) -> None:
    scored = fsq.score(fall_back(healthy, FAULTY, 0.25))
    dx = fsq.diagnose(scored, dates=[FAULTY[at]])
    assert list(dx.dates) == [FAULTY[at]]
    (finding,) = list_serious(dx)
    assert (finding.kind, finding.dates) == ("processor_wrote_part", (FAULTY[at],))
    assert finding.evidence["usual_share"] == 0


def test_rows_that_stay_away_stay_missed(healthy: pl.DataFrame) -> None:
    gone = pl.col("game_date").is_in(FAULTY) & (number % 3 == 0)
    dx = fsq.diagnose(fsq.score(healthy.filter(~gone)))
    assert {d for f in list_serious(dx) for d in f.dates if f.kind == "missing_rows"} == {*FAULTY}
    assert {v for d, v in dx.dates.items() if d > FAULTY[-1]} == {"green"}


def test_dates_that_are_known_to_be_faulty_are_no_history(healthy: pl.DataFrame) -> None:
    rows = fall_back(healthy, DATES[-8:], 0.25)
    # Too few dates are read for a comparison with what was before the fault.
    short = fsq.score(rows.filter(pl.col("game_date") >= DATES[-8]))
    assert fsq.diagnose(short, dates=[LAST]).verdict == "green"
    known = fsq.diagnose(short, dates=[LAST], not_history=DATES[-8:-1])
    assert known.verdict == "unknown"
    assert list_serious(diagnose_last(rows, not_history=DATES[-8:-1]))


def test_a_fault_that_was_repaired_is_forgotten(healthy: pl.DataFrame) -> None:
    rows = fall_back(healthy, FAULTY[:3], 1.0)
    dx = fsq.diagnose(fsq.score(rows))
    assert [d for d, v in dx.dates.items() if v == "red"] == FAULTY[:3]
    assert [d for d, v in dx.dates.items() if v not in ("red", "green")] == DATES[:3]


def test_windows_that_lost_their_games_for_long_are_no_season_start(healthy: pl.DataFrame) -> None:
    lost = pl.col("game_date").is_in(FAULTY)
    windows = [f.name for f in fsq.load_contract().features if f.window]
    rows = healthy.with_columns(
        *(
            pl.when(lost).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in default_values(windows).items()
        ),
        *(
            pl.when(lost).then(0).otherwise(pl.col(name)).alias(name)
            for name in ("last_5__sample_size", "last_10__sample_size")
        ),
    )
    dx = fsq.diagnose(fsq.score(rows))
    assert [d for d, v in dx.dates.items() if v == "red"] == FAULTY
    assert "season_start" not in {f.kind for f in dx.findings}


def test_the_run_that_is_given_is_not_that_of_earlier_dates(healthy: pl.DataFrame) -> None:
    """What did not run tonight ran before, so that the dates before are still history."""
    scored = fsq.score(healthy.drop("processors_completed"))
    dx = fsq.diagnose(scored, dates=[LAST], run=fsq.RunContext("run", []))
    assert {f.kind for f in list_serious(dx)} == {"run_context_disagrees"}
    assert not [n for n in dx.not_evaluated if "earlier dates" in n["reason"]]
