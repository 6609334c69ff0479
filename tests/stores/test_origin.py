"""A store without a contract of its own takes that of the rows, if they name a shipped one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.errors import InputError
from fsq.stores.delta.store import DeltaStore
from fsq.stores.origin import Origin


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


def test_one_look_tells_contract_and_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "store")
    DeltaStore(place, source="season.parquet").replace(_score("v2_33features"))
    looks: list[DeltaStore] = []
    known = DeltaStore.origin

    def look(store: DeltaStore) -> Origin | None:
        looks.append(store)
        return known(store)

    monkeypatch.setattr(DeltaStore, "origin", look)
    store = fsq.open_store(place)
    assert (store.contract.name, store.source) == ("v2_33features", "season.parquet")
    assert len(looks) == 1


def test_another_writer_s_source_is_remembered(tmp_path: Path) -> None:
    place = str(tmp_path / "store")
    DeltaStore(place, source="old.parquet").replace(_score("v2_33features"))
    store = fsq.open_store(place)
    assert (store.contract.name, store.source) == ("v2_33features", "old.parquet")
    DeltaStore(place, source="new.parquet").replace(_score("v2_33features", day=7))
    store.replace(_score("v2_33features", day=8))
    assert fsq.open_store(place).source == "new.parquet"
