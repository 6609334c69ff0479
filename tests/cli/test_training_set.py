"""``fsq training-set`` as people and scripts see it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.cli._output import PIPE_WIDTH
from fsq.training import read_provenance
from tests.support.healthy_days import LAST
from tests.support.labelled_days import make_labelled_days, on_date


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_training_set_for_people(
    labelled_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = [
        "training-set",
        "--store",
        labelled_store,
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
        fsq.open_store(labelled_store),
        "points",
        "mask",
        min_quality={"pace_score": 50.0},
        start=date(2026, 1, 2),
    )
    assert pl.read_parquet(path).equals(made.frame)
    assert read_provenance(path)["fingerprint"] == made.fingerprint
    assert f"fingerprint {made.fingerprint}" in out


def test_a_training_set_for_scripts(
    labelled_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.npz"
    status, out, _ = run(
        capsys,
        "training-set",
        "--store",
        labelled_store,
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
    labelled_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = [
        "training-set",
        "--store",
        labelled_store,
        "--min-training-quality",
        "33",
        "--out",
        str(path),
    ]
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
        (["--out", "t.npz", "--exclude", "yellow"], 2, "findings, red, nothing"),
        (["--out", "t.npz", "--exclude", "2026-02-30"], 2, "dates such as 2026-02-06"),
    ],
)
def test_wrong_words(
    labelled_store: str,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    got, _, err = run(capsys, "training-set", "--store", labelled_store, *words)
    assert got == status
    assert told in err
    assert not Path("t.npz").exists()


def test_a_store_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = str(tmp_path / "none")
    assert run(capsys, "training-set", "--store", away, "--out", "t.npz")[0] == 3
    assert run(capsys, "model", "check", "v2_14features", "--store", away)[0] == 3


@pytest.fixture(scope="module")
def doubtful_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Dates of which the last one has labels that were written too early."""
    path = str(tmp_path_factory.mktemp("doubtful") / "store")
    rows = on_date(make_labelled_days(12), pl.lit(0.0))
    fsq.open_store(path).replace(fsq.score(rows))
    return path


def test_what_is_left_out_is_a_step_and_a_finding_and_does_not_stop_it(
    doubtful_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = ["training-set", "--store", doubtful_store, "--label", "points", "--out", str(path)]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "points not doubted by a finding" in out
    assert "The set leaves them out." in out
    assert pl.read_parquet(path)["game_date"].max() == LAST - timedelta(days=1)
    status, out, _ = run(capsys, *words, "--json")
    document = json.loads(out)
    assert [(f["kind"], f["severity"]) for f in document["findings"]] == [
        ("label_one_value", "yellow")
    ]
    assert document["filter"]["exclude"] == "findings"
    assert {g["gate"] for g in document["waterfall"]} >= {"date", "findings", "label_findings"}


def test_what_is_doubted_and_kept_stops_it(
    doubtful_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.parquet"
    words = ["training-set", "--store", doubtful_store, "--label", "points", "--out", str(path)]
    assert run(capsys, *words, "--exclude", "nothing")[0] == 1
    assert not path.exists()
    assert run(capsys, *words, "--exclude", "red")[0] == 1  # the features of that date are fine
    assert run(capsys, *words, "--exclude-red")[0] == 1
    assert not path.exists()
    assert run(capsys, *words, "--exclude", f"{LAST}")[0] == 0
    assert LAST not in pl.read_parquet(path)["game_date"]
