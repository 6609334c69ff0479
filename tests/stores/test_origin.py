"""A store without a contract of its own takes that of the rows, if they name a shipped one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.errors import InputError


def _score(contract: str, day: int = 6) -> pl.DataFrame:
    """Two rows that are scored under a shipped contract."""
    loaded = fsq.load_contract(contract)
    row = {"player_lookup": ["ann", "bob"], "game_date": [date(2026, 2, day)] * 2}
    row |= {n: [1.0, 1.0] for n in loaded.names}
    row |= {f"{n}__source": ["default"] * 2 for n in loaded.names}
    return fsq.score(pl.DataFrame(row), contract)


def test_the_contract_of_the_first_rows_is_taken_and_remembered(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"))
    store.replace(_score("v2_60features"))
    assert store.contract.name == "v2_60features"
    assert fsq.open_store(str(tmp_path / "store")).contract.name == "v2_60features"


def test_a_contract_that_was_given_is_not_exchanged(tmp_path: Path) -> None:
    store = fsq.open_store(str(tmp_path / "store"), contract="v2_33features")
    with pytest.raises(InputError, match="the rows were scored with v2_60features"):
        store.replace(_score("v2_60features"))
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_contract_that_a_store_remembers_is_not_exchanged(tmp_path: Path) -> None:
    fsq.open_store(str(tmp_path / "store")).replace(_score("v2_33features"))
    again = fsq.open_store(str(tmp_path / "store"))
    with pytest.raises(InputError, match="has v2_33features"):
        again.replace(_score("v2_60features", day=7))


def test_rows_of_two_contracts_or_of_an_unknown_one_are_refused(tmp_path: Path) -> None:
    rows = _score("v2_60features")
    mine = pl.lit("mine").alias("feature_schema_version")
    half = pl.when(pl.int_range(pl.len()) == 0).then(mine).otherwise("feature_schema_version")
    for named, said in ((half, "mine, v2_60features"), (mine, "mine")):
        store = fsq.open_store(str(tmp_path / "store"))
        with pytest.raises(InputError, match=f"scored with {said}, "):
            store.replace(rows.with_columns(named.alias("feature_schema_version")))
