"""``fsq model check`` as people and scripts see it."""

from __future__ import annotations

import json

import pytest

from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    told = capsys.readouterr()
    return status, told.out, told.err


def test_model_check(labelled_store: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["model", "check", "--store", labelled_store, "--date", "2026-01-02"]
    status, out, _ = run(capsys, *ask, "home_away,back_to_back")
    assert status == 0
    assert "may predict on" in out
    assert max(len(line) for line in out.splitlines()) <= PIPE_WIDTH
    status, out, _ = run(capsys, *ask, "home_away,points_average_season", "--json")
    document = json.loads(out)
    assert status == document["exit_status"] == 1
    assert document["needed"] == ["home_away", "points_average_season"]
    assert document["renamed"] == {"points_average_season": "points_avg_season"}
    assert run(capsys, *ask, "back_to_back,home_away", "--ordered")[0] == 1
    assert run(capsys, *ask, "v9.cbm")[0] == 2
    assert run(capsys, *ask, "home_away,pace_score", "--start", "2026-01-01")[0] == 2
    status, out, _ = run(capsys, "model", "check", "home_away,nothing", "--store", labelled_store)
    assert status == 1
    assert "2026-01-04" in out
