"""Whole processes that are measured, and compared with earlier ones."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fsq.bench import compare_runs, processes
from fsq.bench.processes import Command, run_process_bench
from fsq.cli import main
from fsq.errors import FsqError
from tests.support.frames import CONTRACT, wide


def name_figures(document: dict[str, Any]) -> list[str]:
    return [p["name"] for p in document["processes"]]


@pytest.fixture(scope="module")
def startup() -> dict[str, Any]:
    return run_process_bench(case="startup", rounds=1)


def test_start_up_loads_less_than_polars_does(startup: dict[str, Any]) -> None:
    assert name_figures(startup) == [
        "import polars",
        "import fsq",
        "fsq --version",
        "fsq -h",
        "fsq check -h",
    ]
    figures = {p["name"]: p for p in startup["processes"]}
    assert all(p["processor_s"]["median"] > 0 for p in startup["processes"])
    assert figures["import fsq"]["peak_bytes"] < figures["import polars"]["peak_bytes"] / 2


def test_a_process_that_takes_longer_is_a_regression(startup: dict[str, Any]) -> None:
    slower = json.loads(json.dumps(startup))
    for figure in ("median", "best"):
        slower["processes"][1]["processor_s"][figure] *= 1.3
    compared = compare_runs(startup, slower, 0.15)
    assert compared["regressions"] == ["import fsq"]
    assert compare_runs(startup, startup, 0.15)["regressions"] == []


def test_a_large_date_is_scored_written_checked_and_filtered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "BIG_ROWS", 500)
    monkeypatch.setenv("FSQ_STORE", "elsewhere")
    source = str(tmp_path / "rows.parquet")
    wide(250, 1).write_parquet(source)
    assert main(["bench", source, "--case", "big-date", "--rounds", "1", "--json"]) == 0
    out, shown = capsys.readouterr()
    commands = ["fsq score", "fsq backfill", "fsq check", "fsq training-set"]
    assert name_figures(json.loads(out)) == ["import polars", *commands]
    assert all(command in shown for command in commands)


def test_copies_of_a_day_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "BIG_ROWS", 500)
    contract = CONTRACT
    rows = processes._make_big_date(wide(200, 1), contract)
    assert rows.height == 600
    assert rows.select(pl.struct(contract.table.key).n_unique()).item() == 600


def test_a_large_date_is_made_of_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "BIG_ROWS", 500)
    rows = processes._make_big_date(wide(800, 4), CONTRACT)
    assert rows["game_date"].unique().to_list() == [date(2026, 1, 3)]


def test_each_count_of_cores_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count_cores", lambda: 3)
    source = tmp_path / "rows.parquet"
    wide(300, 2).write_parquet(source)
    made = run_process_bench(str(source), case="cores", rounds=1)
    assert name_figures(made)[1:] == ["score on 1 core", "score on 2 cores", "score on 3 cores"]


def test_a_process_that_fails_is_an_error(tmp_path: Path) -> None:
    failing = Command("nothing", "raise SystemExit(70)")
    with pytest.raises(FsqError, match="the process of nothing failed"):
        processes._run(failing, tmp_path, {})


def test_options_that_have_no_effect_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--case", "startup", "--scale"]) == 2
    assert "have no effect on startup" in capsys.readouterr().err
