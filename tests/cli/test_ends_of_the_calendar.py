"""The first and the last dates that there are: they are stored and judged like any other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.support.cli import Command
from tests.support.frames import wide

COMMANDS = [
    ["check"],
    ["check", "--max-age", "36h"],
    ["check", "--record"],
    ["trend"],
    ["incidents"],
    ["report", "--out", "report.html"],
]


def write_rows(path: Path, day: date | int) -> Path:
    moment = pl.lit(day, pl.Int32).cast(pl.Date) if isinstance(day, int) else pl.lit(day)
    wide(3, 1).with_columns(game_date=moment).write_parquet(path)
    return path


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1, 1, 2), date(9998, 12, 31)])
def test_the_ends_of_the_calendar_are_dates(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: date
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_rows(tmp_path / "in.parquet", day)
    assert run("backfill", "--source", source, "--store", "store").status == 0
    named = day.isoformat()
    explained = ["explain", "player0", named]
    model = ["model", "check", "v2_14features", "--date", named]
    for words in (*COMMANDS, explained, model):
        assert run(*words, "--store", "store").status in (0, 1), words


@pytest.mark.parametrize("day", [date(9999, 1, 1), 3_000_000, 2**31 - 1, -(2**31) + 1])
def test_what_lies_beyond_is_refused(run: Command, tmp_path: Path, day: date | int) -> None:
    source = write_rows(tmp_path / "in.parquet", day)
    drafted = ["contract", "init", source, "--key", "player_lookup", "--date", "game_date"]
    for words in (
        ["score", source, "--out", tmp_path / "out.parquet"],
        ["backfill", "--source", source, "--store", tmp_path / "store"],
        ["backfill", "--source", source, "--store", tmp_path / "store", "--dry-run"],
        drafted,
    ):
        done = run(*words)
        assert done.status == 2, words
        assert "game_date: 3 rows lie outside the years 1 to 9998" in done.err
    assert {f.name for f in tmp_path.iterdir()} == {"in.parquet"}


@pytest.mark.parametrize("word", ["9999-12-31T00:00:00Z", "9999-01-01"])
def test_moments_and_dates_beyond_are_named(run: Command, tmp_path: Path, word: str) -> None:
    source = write_rows(tmp_path / "in.parquet", date(2026, 1, 1))
    done = run("score", source, "--out", tmp_path / "o.parquet", "--as-of", word)
    assert done.status == 2
    assert "lies outside the years 1 to 9998" in done.err
