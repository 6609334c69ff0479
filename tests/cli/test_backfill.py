"""``fsq backfill`` as people and scripts see it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fsq
from tests.support.any_table import PATH, make_rows
from tests.support.cli import Command


def test_backfill_goes_on_where_it_was(run: Command, rows: Path, tmp_path: Path) -> None:
    words = ("backfill", "--source", rows, "--store", tmp_path / "store", "--json")
    plan = run(*words, "--dry-run").document
    assert [s["reason"] for s in plan["plan"]] == ["new"] * 4
    assert not (tmp_path / "store").exists()
    first = run(*words, "--start", "2026-01-02", "--end", "2026-01-03").document
    assert (first["dates"], first["rows"]) == (2, 20)
    second = run(*words, "--season", "2025-26").document
    assert (second["dates"], second["skipped"]) == (2, 2)
    assert sum(second["tiers"].values()) == 20
    assert run(*words).document["dates"] == 0
    assert run(*words, "--force").document["dates"] == 4
    assert fsq.open_store(str(tmp_path / "store")).read().collect().height == 40


def test_backfill_for_people(run: Command, rows: Path, tmp_path: Path) -> None:
    words = ("backfill", "--source", rows, "--store", tmp_path / "store")
    planned = run(*words, "--dry-run")
    assert "2026-01-01 to 2026-01-04" in planned.out
    assert "4 dates with 40 rows to score; nothing was written" in planned.out
    done = run(*words)
    assert "40 rows of 4 dates" in done.out
    assert "critical" in done.out
    assert done.err == ""
    skipped = run(*words, "--dry-run").out
    assert "2026-01-01 to 2026-01-04" in skipped
    assert skipped.count("up to date") == 1  # and no line for each date


def test_a_store_that_is_none(run: Command, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "letter.txt").write_text("dear")
    told = run("backfill", "--source", rows, "--store", tmp_path / "store", "--json")
    assert told.status == 3
    assert told.document["error"]["type"] == "StoreRefusedError"


def test_a_season_begins_when_the_contract_says(run: Command, tmp_path: Path) -> None:
    source, store = tmp_path / "legs.parquet", tmp_path / "store"
    make_rows(dates=4, entities=40, incidents=False).write_parquet(source)
    words = ("backfill", "--source", source, "--store", store, "--season", "2024-25", "--json")
    refused = run(*words, "--contract", PATH)
    assert refused.status == 2
    assert "use --start and --end, or state season_start" in refused.document["error"]["message"]
    assert not store.exists()
    contract = tmp_path / "autumn.toml"
    contract.write_text(PATH.read_text().replace("[table]\n", '[table]\nseason_start = "10-02"\n'))
    plan = run(*words, "--contract", contract).document["plan"]
    assert [step["date"] for step in plan] == ["2025-10-01"]  # the next season begins a day later
    assert run(*words).document["skipped"] == 1


@pytest.mark.parametrize("name", ["scored.csv", "scored.json.gz", "a.b.XLSX", "rows.parquet"])
def test_a_store_is_not_called_like_a_file(
    run: Command, rows: Path, tmp_path: Path, name: str
) -> None:
    command = "backfill" if name.endswith("parquet") else "score"
    words = ["--source", rows, "--store"] if command == "backfill" else [rows, "--out"]
    told = run(command, *words, tmp_path / "new" / name)
    assert told.status == 2
    assert "is called like a file, and a store is a folder" in told.err
    assert not (tmp_path / "new").exists()


def test_a_store_that_was_called_so_before_is_still_read(
    run: Command, rows: Path, tmp_path: Path
) -> None:
    assert run("backfill", "--source", rows, "--store", tmp_path / "store").status == 0
    (tmp_path / "store").rename(tmp_path / "store.csv")
    assert run("trend", "--store", tmp_path / "store.csv").status == 0
