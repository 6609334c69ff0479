"""``fsq demo``."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.support.cli import Command


def test_demo(run: Command, tmp_path: Path) -> None:
    made = run("demo", tmp_path / "demo", "--seed", "3", "--json").document
    assert Path(made["rows_path"]).name == "season_2025-26.parquet"
    assert pl.scan_parquet(made["rows_path"]).select(pl.len()).collect().item() == made["rows"]
    assert Path(made["incidents_path"]).exists()
    assert run("demo", tmp_path, "--season", "2025-27").status == 2


def test_the_table_of_a_contract(run: Command, tmp_path: Path) -> None:
    made = run("demo", tmp_path, "--contract", "flights_2013", "--json").document
    rows = pl.scan_parquet(made["rows_path"])
    assert Path(made["rows_path"]).name == "flights_2013.parquet"
    assert rows.select(pl.col("flight_date").n_unique()).collect().item() == made["dates"] == 160
    assert made["incidents"] == 4
    assert run("demo", tmp_path, "--contract", "no_such").status == 2
