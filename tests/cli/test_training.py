"""``fsq training-set`` and ``fsq model check`` as people and scripts see them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH
from fsq.training import read_provenance
from tests.support.frames import wide


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("cli") / "store")
    rows = wide(240, 4, seed=2).with_columns(points=pl.int_range(pl.len()).cast(pl.Float64) % 31)
    fsq.open_store(path).replace(fsq.score(rows))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_training_set_for_people(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = [
        "training-set",
        "--store",
        store,
        "--label",
        "points",
        "--on-default",
        "mask",
        "--min-quality",
        "pace_score=50",
        "--start",
        "2026-01-02",
        "--out",
    ]
    status, out, err = run(capsys, *words, str(path))
    assert (status, err) == (0, "")
    assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) <= PIPE_WIDTH
    assert "points is known" in out
    made = fsq.training_set(
        fsq.open_store(store),
        "points",
        "mask",
        min_quality={"pace_score": 50.0},
        start=date(2026, 1, 2),
    )
    assert pl.read_parquet(path).equals(made.frame)
    assert read_provenance(path)["fingerprint"] == made.fingerprint
    assert f"fingerprint {made.fingerprint}" in out


def test_a_training_set_for_scripts(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.npz"
    status, out, _ = run(
        capsys,
        "training-set",
        "--store",
        store,
        "--on-default",
        "keep",
        "--json",
        "--out",
        str(path),
    )
    document = json.loads(out)
    assert status == document["exit_status"] == 0
    assert document["rows"] == 240
    assert document["waterfall"][0]["left"] == 240
    assert path.exists()


def test_a_red_finding_writes_nothing_unless_forced(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = ["training-set", "--store", store, "--min-training-quality", "33", "--out", str(path)]
    status, out, _ = run(capsys, *words)
    assert status == 1
    assert "no record passes" in out
    assert not path.exists()
    assert run(capsys, *words, "--force")[0] == 0
    assert pl.read_parquet(path).height == 0


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--out", "t.csv"], 2, ".parquet"),
        (["--out", "t.npz", "--label", "pints"], 2, "points"),
        (["--out", "t.npz", "--min-quality", "much"], 2, "write --min-quality 85"),
        (["--out", "t.npz", "--features", "pace_scor"], 2, "pace_score"),
        (["--out", "t.npz", "--on-default", "drp"], 2, "drop"),
    ],
)
def test_wrong_words(
    store: str, capsys: pytest.CaptureFixture[str], words: list[str], status: int, told: str
) -> None:
    got, _, err = run(capsys, "training-set", "--store", store, *words)
    assert got == status
    assert told in err
    assert not Path("t.npz").exists()


def test_a_store_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = str(tmp_path / "none")
    assert run(capsys, "training-set", "--store", away, "--out", "t.npz")[0] == 3
    assert run(capsys, "model", "check", "v2_14features", "--store", away)[0] == 3


def test_model_check(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["model", "check", "--store", store, "--date", "2026-01-02"]
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
    status, out, _ = run(capsys, "model", "check", "home_away,nothing", "--store", store)
    assert status == 1
    assert "2026-01-04" in out
