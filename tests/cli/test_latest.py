"""``latest``: the newest date that there is, wherever a command takes a date."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fsq
from tests.support.cli import Command
from tests.support.frames import wide

NEWEST = "2026-01-12"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.parquet"
    wide(120, 12).write_parquet(path)
    return path


def test_a_check_of_the_latest_date_is_that_of_no_date(short_store: str, run: Command) -> None:
    ask = ("check", "--store", short_store)
    assert run(*ask, "--date", "latest").out == run(*ask).out
    dates = run(*ask, "--start", "2026-01-11", "--end", "latest", "--json").document["dates"]
    assert [d["date"] for d in dates] == ["2026-01-11", NEWEST]


def test_a_record_of_the_latest_date_is_explained(short_store: str, run: Command) -> None:
    newest = fsq.open_store(short_store).read(NEWEST, columns=["player_lookup"]).collect()
    told = run("explain", newest.item(0, 0), "latest", "--store", short_store, "--json")
    assert told.document["record"]["game_date"] == NEWEST


def test_the_latest_date_is_trained_on(season_store: str, run: Command, tmp_path: Path) -> None:
    out = tmp_path / "set.parquet"
    run("training-set", "--store", season_store, "--start", "latest", "--out", out)
    days = pl.read_parquet(out)["game_date"].cast(pl.String).unique().to_list()
    assert days == ["2026-04-12"]


def test_the_latest_date_of_a_source_is_scored(source: Path, run: Command, tmp_path: Path) -> None:
    ask = ("backfill", "--source", source, "--store", tmp_path / "new", "--dry-run", "--json")
    plan = run(*ask, "--start", "latest").document["plan"]
    assert [step["date"] for step in plan] == [NEWEST]
    last = run(*ask, "--last", "2d", "--end", "latest").document["plan"]
    assert [step["date"] for step in last] == ["2026-01-11", NEWEST]


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--date", "latest", "--end", "latest"],
        ["trend", "--last", "week", "--end", "latest"],
        ["check", "--start", "latest", "--end", "2026-01-05"],
    ],
)
def test_what_contradicts_itself_is_refused(
    short_store: str, run: Command, words: list[str]
) -> None:
    assert run(*words, "--store", short_store).status == 2


def test_a_store_without_rows_has_no_latest_date(run: Command, tmp_path: Path) -> None:
    told = run("trend", "--store", tmp_path / "none", "--end", "latest")
    assert told.status == 3
    sql = run("sql", "trend", "--table", "bigquery://p.d.t", "--start", "lates")
    assert (sql.status, "today, yesterday or latest" in sql.err) == (2, True)
