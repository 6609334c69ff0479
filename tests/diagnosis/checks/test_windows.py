"""Windows of tables in which an entity has several events a date, and ids that are spelled anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fsq
from tests.support.healthy_days import LAST, change_last, diagnose_last, list_serious, make_days

CONTRACT = """
name = "runs"
unlabelled = "measured"
source_types = [{ name = "measured", tier = "gold" }]
categories = [{ name = "wear" }]

[[features]]
name = "wear_avg_last_3"
category = "wear"
upstream_table = "wear_log"
window = "last_3"
min = 0
max = 99

[table]
keys = ["machine", "shift"]
date = "day"
group = "run"
entity = "run"

[sources]
measured = { type = "measured", base = 100, reliability = 1 }

[windows]
last_3 = { size = 3 }
"""
FIRST = datetime(2026, 3, 2, tzinfo=UTC)


def make_runs(tmp_path: Path, *, timed: bool, ahead: int = 0) -> tuple[pl.DataFrame, str]:
    """Three runs a day of each machine, each with the average of the three runs before it.

    Args:
        tmp_path: where the contract is written.
        timed: whether the table has the moments of its runs.
        ahead: how many runs later the windows begin.
    """
    rows = pl.DataFrame(
        [
            {"machine": f"m{m}", "shift": s, "started": FIRST + timedelta(days=d, hours=8 * s)}
            for d in range(12)
            for s in range(3)
            for m in range(10)
        ]
    ).with_columns(
        day=pl.col("started").dt.date(),
        run=pl.format("{}/{}", "machine", pl.col("started").dt.epoch("s")),
        wear=pl.Series(np.random.default_rng(0).normal(50, 9, 360)),
    )
    past = [pl.col("run").shift(n - ahead).over("machine") for n in (1, 2, 3)]
    worn = [pl.col("wear").shift(n - ahead).over("machine") for n in (1, 2, 3)]
    rows = rows.with_columns(
        last_3__game_ids=pl.concat_list(past).list.drop_nulls(),
        wear_avg_last_3=pl.mean_horizontal(worn).fill_null(pl.col("wear")),
    )
    path = tmp_path / "runs.toml"
    path.write_text(
        CONTRACT.replace('date = "day"', 'date = "day"\ntime = "started"') if timed else CONTRACT
    )
    return rows, str(path)


def list_leaks(rows: pl.DataFrame, contract: str) -> tuple[list[int], list[int]]:
    """How many records a check and a training set name, date by date and in all."""
    scored = fsq.score(rows, contract=contract)
    dx = fsq.diagnose(scored, contract=contract)
    made = fsq.training_set(scored, label="wear", contract=contract, on_default="keep")
    leaks = [f for f in dx.findings if f.kind == "own_event_in_window"]
    proven = [f for f in made.findings if f.kind == "window_leak" and "records" in f.evidence]
    return [f.rows_affected for f in leaks], [f.rows_affected for f in proven]


@pytest.mark.parametrize("timed", [True, False])
def test_earlier_events_of_the_same_date_are_known(tmp_path: Path, timed: bool) -> None:
    assert list_leaks(*make_runs(tmp_path, timed=timed)) == ([], [])


@pytest.mark.parametrize("timed", [True, False])
def test_the_own_event_is_not(tmp_path: Path, timed: bool) -> None:
    assert list_leaks(*make_runs(tmp_path, timed=timed, ahead=1)) == ([360], [360])


def test_nor_are_later_events_of_the_same_date(tmp_path: Path) -> None:
    rows, contract = make_runs(tmp_path, timed=True)
    later = pl.col("run").shift(-1).over("machine")
    first = (pl.col("shift") == 0) & (pl.col("day") == FIRST.date() + timedelta(days=5))
    ids = pl.when(first).then(pl.concat_list(later)).otherwise("last_3__game_ids")
    assert list_leaks(rows.with_columns(last_3__game_ids=ids), contract) == ([10], [10])


def test_another_event_of_the_date_is_unusual_where_no_other_date_has_one() -> None:
    rows = make_days()
    others = rows.filter(pl.col("game_date") == LAST)["game_id"].unique().sort().to_list()[:2]
    before = pl.col("game_id").shift(1).over("player_lookup", order_by="game_date")
    rows = rows.with_columns(last_5__game_ids=pl.concat_list(before).list.drop_nulls())
    assert list_serious(diagnose_last(rows)) == []
    changed = change_last(rows, last_5__game_ids=pl.lit(others))
    (finding,) = list_serious(diagnose_last(changed))
    assert finding.kind == "own_event_in_window"


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("kind", [pl.Int64(), pl.Float64()])
def test_ids_that_became_numbers_are_the_same(own: bool, kind: pl.DataType) -> None:
    rows = make_days()
    number = pl.col("game_id").rank("dense").cast(pl.Int64) + 22_300_000
    rows = rows.with_columns(game_id=number.cast(kind), text=pl.format("00{}", number))
    window = pl.col("text").shift(0 if own else 1).over("player_lookup", order_by="game_date")
    rows = rows.with_columns(last_5__game_ids=pl.concat_list(window).list.drop_nulls())
    kinds = [f.kind for f in list_serious(diagnose_last(rows.drop("text")))]
    assert kinds == (["own_event_in_window"] if own else [])
