"""A ``~`` that no shell has replaced, as in a quoted path or a settings file, is the home."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import fsq
from fsq.demo import simulate_season
from fsq.diagnosis import Diagnosis
from tests.support.cli import Command


def test_every_path_may_begin_with_it(
    run: Command, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (home / "rows.parquet").write_bytes(rows.read_bytes())
    for words in (
        ("score", "~/rows.parquet", "--out", "~/scored.parquet"),
        ("backfill", "--source", "~/rows.parquet", "--store", "~/store"),
        ("trend", "--store", "~/store", "--out", "~/trend.svg"),
        ("report", "--store", "~/store", "--out", "~/report.html"),
        ("demo", "~/demo"),
    ):
        assert run(*words).status == 0, words
    assert {"scored.parquet", "store", "trend.svg", "report.html", "demo"} <= {
        path.name for path in home.iterdir()
    }
    assert not (tmp_path / "~").exists()
    store = fsq.open_store("~/store")
    assert repr(store) == f"DeltaStore({str(home / 'store')!r})"
    assert isinstance(fsq.diagnose(store), Diagnosis)


def test_the_example_of_the_help_is_in_the_demo(run: Command) -> None:
    said = " ".join(run("explain", "--help").out.split())
    player, day = re.findall(r"such as ([\w-]+)[;.]", said)[:2]
    found = simulate_season("2025-26").rows.filter(
        player_lookup=player, game_date=date.fromisoformat(day)
    )
    assert found.height == 1
