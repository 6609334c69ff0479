"""``fsq explain``: the arithmetic adds up, and a misspelt name finds its like."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH
from tests.frames import CONTRACT, wide

DAY = date(2026, 1, 2)
Run = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def call(*words: object) -> Run:
        status = main([str(w) for w in words])
        return (status, *capsys.readouterr())

    return call


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Records of every word, with ages around the thresholds and samples around five."""
    rows = wide()
    number = pl.int_range(pl.len())
    end = datetime(2026, 1, 3, tzinfo=UTC)
    ages = [timedelta(hours=h) for h in (1, 24, 25, 48, 49)]
    rows = rows.with_columns(
        as_of=pl.lit(end),
        player_daily_cache__last_updated=pl.lit(pl.Series([end - a for a in ages])).gather(
            number % len(ages)
        ),
        last_10__sample_size=number % 12,
    )
    path = tmp_path / "store"
    fsq.open_store(str(path)).replace(fsq.score(rows))
    return str(path)


def test_the_arithmetic_gives_the_score(run: Callable[..., Run], store: str) -> None:
    seen: set[str] = set()
    for i in range(10):
        status, told, _ = run("explain", f"player{i}", DAY, "--store", store, "--json")
        assert status == 0
        for feature in json.loads(told)["features"]:
            points, score = feature["points"], feature["quality_score"]
            terms = re.sub(r" (stale \d+ h|thin \d+(/\d+)?)", "", points.split(" = ")[0])
            seen |= set(re.findall("stale|thin", points))
            if terms.startswith("at most"):
                assert score == 0
            else:
                first, *lost = (float(t) for t in terms.split(" − "))
                assert first - sum(lost) == score, points
    assert seen == {"stale", "thin"}


def test_a_record_is_told_in_80_columns(run: Callable[..., Run], store: str) -> None:
    status, told, _ = run("explain", "player1", DAY, "--store", store)
    assert status == 0
    assert told.startswith("player1 on 2026-01-02: ")
    assert all(name in told for name in CONTRACT.names)
    assert "default: " in told
    assert all(len(line) <= PIPE_WIDTH for line in told.splitlines())


@pytest.mark.parametrize(
    ("player", "day", "hint"),
    [
        ("playr1", DAY, "did you mean player1"),
        ("zzz", DAY, "10 others have"),
        ("player1", date(2027, 1, 1), "it holds 2026-01-01 to 2026-01-04"),
    ],
)
def test_what_is_not_there_is_bad_input_with_the_nearest(
    run: Callable[..., Run], store: str, player: str, day: date, hint: str
) -> None:
    status, told, error = run("explain", player, day, "--store", store)
    assert (status, told) == (2, "")
    assert hint in error


def test_another_contract_is_told(run: Callable[..., Run], store: str) -> None:
    words = ["--store", store, "--contract", "v3_37features"]
    status, _, error = run("explain", "player1", DAY, *words)
    assert status == 2
    assert "the record has 33 features, v3_37features 37" in error
