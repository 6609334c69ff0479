"""``fsq trend`` as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH

DAYS = ("--start", "2026-01-05", "--end", "2026-01-10")


def test_trend_for_people(short_store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", "--store", short_store, *DAYS]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert told.err == ""
    assert "\x1b" not in told.out
    assert max(len(line) for line in lines) <= PIPE_WIDTH
    assert [line[:10] for line in lines[2:8]] == [f"2026-01-{d:02}" for d in range(5, 11)]
    assert any(line.startswith("default share") for line in lines)


def test_the_first_dates_have_nothing_to_be_held_against(
    short_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", "--store", short_store]) == 0
    first = capsys.readouterr().out.splitlines()[2].split()
    assert first[0] == "2026-01-01"
    assert first[1:4] == ["YELLOW", "10", "-"]
    assert main(["trend", "--store", short_store, "--json"]) == 0
    days = json.loads(capsys.readouterr().out)["days"]
    assert days[0]["quality_pct_trailing"] is None
    assert days[0]["verdict"] == "yellow"
    assert days[-1]["quality_pct_trailing"] is not None


def test_each_date_has_the_verdict_of_its_check(
    season_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    around = ("--start", "2026-02-04", "--end", "2026-02-07")
    assert main(["trend", "--store", season_store, *around, "--json"]) == 0
    days = json.loads(capsys.readouterr().out)["days"]
    verdicts = [d["verdict"] for d in days]
    assert verdicts == ["green", "green", "red", "green"]
    assert main(["trend", "--store", season_store, *around]) == 0
    shown = capsys.readouterr().out.splitlines()[2:6]
    assert [line.split()[1].lower() for line in shown] == verdicts


def test_two_weeks_up_to_the_newest_date_are_shown(
    season_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def list_dates(*words: str) -> list[str]:
        assert main(["trend", "--store", season_store, "--json", *words]) == 0
        return [d["game_date"] for d in json.loads(capsys.readouterr().out)["days"]]

    usual = list_dates()
    assert (usual[0], usual[-1]) == ("2026-03-30", "2026-04-12")
    assert list_dates("--last", "14d", "--end", "latest") == usual
    assert list_dates("--start", "2026-04-11") == ["2026-04-11", "2026-04-12"]


def test_dates_without_rows_name_the_newest_one(
    short_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", "--store", short_store, "--start", "2027-01-01"]) == 3
    told = capsys.readouterr().err
    assert "its newest date is 2026-01-12" in told
    assert "--end latest" in told


@pytest.mark.parametrize(
    ("name", "begins"), [("t.svg", b"<svg"), ("t.png", b"\x89PNG"), ("t.html", b"<!DOCTYPE html>")]
)
def test_trend_draws(
    short_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, begins: bytes
) -> None:
    assert main(["trend", "--store", short_store, "--out", str(tmp_path / name)]) == 0
    capsys.readouterr()
    made = (tmp_path / name).read_bytes()
    assert made.lstrip().lower().startswith(begins.lower())
    assert b'src="http' not in made
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_summary_is_kept_beside_the_store(
    short_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["trend", "--store", short_store, "--store-summary", "--json"]) == 0
    capsys.readouterr()
    path = Path(short_store).parent / "feature_quality_daily"
    assert pl.read_delta(str(path)).height == 12


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["trend", "--out", "t.gif"], 2),
        (["trend", "--start", "2026-01-05", "--end", "2026-01-01"], 2),
        (["trend", "--start", "2027-01-01"], 3),
        (["report", "--out", "r.pdf"], 2),
        (["report", "--out", "r.html", "--start", "2026-01-05", "--end", "2026-01-01"], 2),
        (["report", "--out", "r.html", "--start", "2027-01-01"], 3),
    ],
)
def test_what_cannot_be_done_writes_nothing(
    short_store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--store", short_store]) == status
    told = capsys.readouterr()
    assert told.err.startswith("Error: ")
    assert told.out == ""
    assert list(tmp_path.iterdir()) == []
