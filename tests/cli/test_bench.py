"""``fsq bench`` as people use it: a day, measured in real processes, compared with itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fsq.bench import compare_runs
from fsq.cli import main
from fsq.demo import simulate_season


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few dates, the first row's value out of every range."""
    path = tmp_path_factory.mktemp("bench") / "rows.parquet"
    season = simulate_season("2025-26", seed=5, players_per_team=10).rows
    season.filter(pl.col("game_date") < pl.col("game_date").min().dt.offset_by("5d")).write_parquet(
        path
    )
    return str(path)


@pytest.fixture(scope="module")
def document_path(rows: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``--json`` printed for these rows, with the slow but simple oracle beside."""
    path = tmp_path_factory.mktemp("bench") / "old.json"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        status = main(["bench", rows, "--rounds", "1", "--against", "oracle", "--json"])
    assert status == 0
    return path


def test_every_stage_has_time_bytes_and_memory(document_path: Path, rows: str) -> None:
    document = json.loads(document_path.read_text())
    height = pl.scan_parquet(rows).select(pl.len()).collect().item()
    assert (document["rows"], document["case"], document["source"]) == (height, "season", rows)
    stages = {s["stage"]: s for s in document["stages"]}
    assert list(stages) == [
        "read",
        "intake",
        "interleave",
        "level 1",
        "level 2",
        "level 3",
        "nest",
        "Arrow cast",
        "write Delta",
        "BigQuery requests",
        "between",
    ]
    assert sum(s["share"] for s in stages.values()) == pytest.approx(1)
    assert all(s["median_s"] > 0 and s["rows_per_s"] > 0 for s in stages.values())
    # A struct per feature holds more than 100 bytes, and the wire no less than the table.
    assert stages["nest"]["bytes"] > 33 * 100 * height
    assert stages["BigQuery requests"]["bytes"] > 0.9 * stages["Arrow cast"]["bytes"]
    assert 0 < document["figures"]["copy"]["median_s"] < document["figures"]["score"]["median_s"]
    assert document["context"]["contract"] == "v2_33features"
    (oracle,) = document["against"]
    assert oracle["ratio"] > 2  # of so few rows, on a machine that may be busy


def _changed(document_path: Path, tmp_path: Path, factor: float) -> str:
    """An earlier run in which all of it took so many times as long."""
    old: dict[str, Any] = json.loads(document_path.read_text())
    for figure in ("score", "flat"):
        for key in ("median_s", "best_s"):
            old["figures"][figure][key] *= factor
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(old))
    return str(path)


def test_a_run_much_slower_than_before_fails_and_is_drawn(
    document_path: Path, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "bench.svg"
    words = ["bench", rows, "--rounds", "1", "--json", "--out", str(picture), "--compare"]
    assert main([*words, _changed(document_path, tmp_path, 0.01), "--fail-over", "50%"]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)["comparison"]
    assert {"score", "flat"} <= set(found["regressions"])
    assert found["figures"][0]["change"] > 0.5
    table = printed.err.partition("stage ")[2].partition("picture")[0]
    assert "against the run of" in table
    assert max(map(len, table.splitlines()[1:-1])) <= 80
    drawn = picture.read_text()
    assert "write Delta" in drawn
    assert "copying the result" in drawn


def test_a_run_as_fast_as_before_passes(document_path: Path, tmp_path: Path) -> None:
    now = json.loads(document_path.read_text())
    for factor, slower in ((1.0, []), (2.0, []), (0.9, ["score", "flat"])):
        old = json.loads(Path(_changed(document_path, tmp_path, factor)).read_text())
        assert compare_runs(old, now, 0.15)["regressions"] == []
        assert compare_runs(old, now, 0.05)["regressions"] == slower


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--against", "spark"], "no such comparison"),
        (["--fail-over", "15%"], "--fail-over needs --compare"),
        (["--compare", "nothing.json"], "cannot be read"),
        (["--out", "bench.pdf"], "the name must end in one of .svg, .png, .html"),
        (["--profile", "flame.pdf"], "the name must end in one of .svg, .png, .html, .folded"),
        (["no such file.parquet"], "no such file"),
    ],
)
def test_bad_words_are_refused_before_anything_is_measured(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words]) == 2
    assert named in capsys.readouterr().err


def test_runs_of_unlike_things_are_not_compare_runs(
    document_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--case", "day", "--compare", str(document_path)]) == 2
    message = capsys.readouterr().err
    assert "case was season, and is day now" in message
    assert "source was " in message


def test_a_profile_names_the_functions_that_score(rows: str, tmp_path: Path) -> None:
    stacks, picture = tmp_path / "flame.folded", tmp_path / "flame.svg"
    assert main(["bench", rows, "--case", "day", "--profile", str(stacks)]) == 0
    lines = stacks.read_text().splitlines()
    assert any(
        "engine.py:_score_chunk;scoring/detail_column.py:build_detail_column" in line
        for line in lines
    )
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) > 20
    assert main(["bench", rows, "--case", "day", "--profile", str(picture)]) == 0
    assert "build_detail_column" in picture.read_text()
