"""Older Delta tables get what they lack in one commit, and what is remembered stays true."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, Field, write_deltalake

import fsq
from fsq.cli import main
from fsq.schema.arrow import to_arrow
from fsq.schema.output import OutputSchema
from fsq.stores import LedgerEntry, migrate, open_store
from fsq.stores.delta import migrate as delta_schema
from tests.support.frames import wide
from tests.support.v2 import TABLE_SCHEMA

DAY = date(2026, 1, 1)


@pytest.fixture
def older(tmp_path: Path) -> str:
    """A store of an older version: without a column, and without two fields of the detail."""
    scored = to_arrow(fsq.score(wide(8, 1)))
    detail = scored["feature_quality_detail"].combine_chunks()
    lacking = {"sample_size", "contributing_game_ids"}
    structs = detail.values
    kept = [f for f in structs.type if f.name not in lacking]
    less = pa.StructArray.from_arrays([structs.field(f.name) for f in kept], fields=kept)
    at = scored.column_names.index("feature_quality_detail")
    table = scored.set_column(
        at, "feature_quality_detail", pa.ListArray.from_arrays(detail.offsets, less)
    ).drop(["quality_tier"])
    path = str(tmp_path / "store")
    open_store(path).replace(table, {DAY: LedgerEntry("c", "v", "f", 8)})
    return path


def test_one_commit_adds_what_is_missing(older: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pl.read_delta(older)
    before = DeltaTable(older).version()
    assert main(["schema", "migrate", older, "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [c["path"] for c in plan["added"]] == [
        "feature_quality_detail.sample_size",
        "feature_quality_detail.contributing_game_ids",
        "quality_tier",
    ]
    assert DeltaTable(older).version() == before
    assert main(["schema", "migrate", older]) == 0
    assert "1 column and 2 sub-fields added" in capsys.readouterr().out
    after = DeltaTable(older)
    assert after.version() == before + 1
    assert (
        pl.read_delta(older)
        .drop("quality_tier", "feature_quality_detail")
        .equals(rows.drop("feature_quality_detail"))
    )
    assert open_store(older).ledger() == {DAY: LedgerEntry("c", "v", "f", 8)}
    assert main(["schema", "migrate", older]) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert DeltaTable(older).version() == before + 1
    open_store(older).replace(fsq.score(wide(8, 1)))
    assert open_store(older).read(columns=["quality_tier"]).collect()["quality_tier"].len() == 8


def test_conflicts_change_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    wrong = {"player_lookup": ["a"], "game_date": [DAY], "quality_tier": [1], "Quality_Alerts": [1]}
    write_deltalake(path, pl.DataFrame(wrong).to_arrow())
    with pytest.raises(fsq.InputError) as error:
        migrate(path)
    assert [p.split()[0] for p in error.value.problems] == ["quality_tier", "quality_alerts"]
    assert DeltaTable(path).version() == 0


def test_a_change_by_others_is_looked_at_anew(older: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another migration wins between our look and our commit."""
    looks = delta_schema._diff_table

    def meddled(have: pa.Schema, output: OutputSchema) -> object:
        plan = looks(have, output)
        if "theirs" not in have.names:
            theirs = Field.from_arrow(pa.field("theirs", pa.string()))
            DeltaTable(older).alter.add_columns([theirs])
        return plan

    monkeypatch.setattr(delta_schema, "_diff_table", meddled)
    migrate(older)
    names = [f.name for f in DeltaTable(older).schema().fields]
    assert {"theirs", "quality_tier"} <= {*names}


def test_create_makes_an_empty_table(tmp_path: Path) -> None:
    path = str(tmp_path / "new")
    with pytest.raises(fsq.StoreError, match="--create"):
        migrate(path)
    assert migrate(path, create=True, dry_run=True).created
    assert not Path(path).exists()
    assert migrate(path, create=True).created
    assert open_store(path).read().collect_schema().names() == TABLE_SCHEMA.names
    assert migrate(path, create=True).empty


def test_the_legacy_fields_of_a_folder_stay(older: str) -> None:
    assert main(["schema", "drop-legacy", older, "--yes"]) == 2
