"""The simulated table of any contract: sound rows, and the incidents that the notes say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.contract import Contract
from fsq.demo import simulate_rows, simulate_table, write_demo
from tests.support import any_table

CONTRACTS = [any_table.CONTRACT, any_table.make_large_contract(), fsq.load_contract()]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_incidents_are_found_and_nothing_else(contract: Contract) -> None:
    rows, notes = simulate_table(contract, dates=40, entities=120)
    dx = fsq.diagnose(fsq.score(rows, contract), contract)
    planted = {(date.fromisoformat(n["dates"][0]), n["kind"]) for n in notes}
    found = {(d, f.kind) for f in dx.findings for d in f.dates if f.severity == "red"}
    assert len(planted) == 4
    assert planted <= found
    assert {d for d, _ in found} == {d for d, _ in planted}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_rows_are_those_of_the_contract(contract: Contract) -> None:
    rows, notes = simulate_table(contract, dates=12, entities=60, incidents=False)
    table = contract.table
    assert notes == []
    assert rows.select(table.key).is_unique().all()
    assert rows[table.date].n_unique() == 12
    for f in contract.features:
        assert rows[f.name].drop_nulls().is_between(f.min, f.max).all(), f.name
    if table.time is not None:
        local = pl.col(table.time).dt.convert_time_zone(table.timezone).dt.date()
        assert rows.select((local == pl.col(table.date)).all()).item()
    assert_frame_equal(rows, simulate_table(contract, dates=12, entities=60, incidents=False)[0])


def test_too_few_dates() -> None:
    with pytest.raises(fsq.InputError, match="30 dates for incidents"):
        simulate_table(any_table.CONTRACT, dates=20)


def test_a_season_is_simulated_where_it_has_the_features() -> None:
    assert "played" in simulate_rows(fsq.load_contract()).columns
    assert "outcome" in simulate_rows(any_table.CONTRACT).columns


def test_files_of_any_contract(tmp_path: Path) -> None:
    receipt = write_demo(tmp_path, contract=any_table.PATH)
    assert receipt.rows_path == tmp_path / "legs.parquet"
    assert (receipt.dates, receipt.incidents) == (160, 4)
    scored = fsq.score(pl.read_parquet(receipt.rows_path), any_table.PATH)
    assert scored["quality_tier"].is_in(["gold", "silver"]).mean() > 0.9
