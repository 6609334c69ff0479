"""Files, paths and links made to lead reading or writing elsewhere, or to break it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli import main
from fsq.intake.run_context import RunContext
from fsq.intake.validation import validate_input, validate_rows
from tests.support.frames import wide


def test_pipes_and_devices_are_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pipe.toml", "pipe.json", "pipe.parquet"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "zero.toml"):
        with pytest.raises(fsq.ContractError, match="not a regular file"):
            fsq.load_contract(tmp_path / name)
    with pytest.raises(fsq.InputError, match="not a regular file"):
        RunContext.from_json(tmp_path / "pipe.json")
    for source in (tmp_path, tmp_path / "pipe.parquet", tmp_path / "*.parquet"):
        assert main(["score", str(source), "--out", str(tmp_path / "out.parquet")]) == 2
        assert "no data files" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["st*r", "sp ace", "per%zz", "ha#sh", "qu?ery=1", "é~{}", "s3:x"])
def test_paths_are_taken_literally(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    wide().write_parquet(home / "in.parquet")
    store = home / "store"
    assert main(["score", str(home / "in.parquet"), "--out", str(home / "out.parquet")]) == 0
    assert main(["score", str(home), "--out", str(store)]) in (0, 2)  # out.parquet is in there
    assert main(["score", str(home / "in.parquet"), "--out", str(store)]) == 0
    assert main(["check", "--store", str(store), "--date", "2026-01-02"]) in (0, 1)
    assert main(["model", "check", "v2_14features", "--store", str(store)]) in (0, 1)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert sorted(p.name for p in home.iterdir()) == ["in.parquet", "out.parquet", "store"]


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fetc", "a%20b", "a[1]", "a|b", "a\\b", "a\nb", "a\x00b"]
)
def test_a_store_path_that_would_be_misread_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(fsq.StoreError, match="misread"):
        fsq.open_store(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_link_at_the_target_is_replaced_not_followed(tmp_path: Path) -> None:
    rows, elsewhere, out = tmp_path / "in.parquet", tmp_path / "elsewhere", tmp_path / "out.parquet"
    wide().write_parquet(rows)
    elsewhere.write_text("mine")
    out.symlink_to(elsewhere)
    # The part of the temporary name that an attacker could guess.
    (tmp_path / f".out.parquet.{os.getpid()}.tmp").symlink_to(elsewhere)
    assert main(["score", str(rows), "--out", str(out)]) == 0
    assert elsewhere.read_text() == "mine"
    assert not out.is_symlink()
    assert pl.read_parquet(out).height == 40


def test_a_store_named_by_a_link_is_written_where_it_points(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    fsq.open_store(str(link)).replace(fsq.score(wide()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]
    assert (real / "_delta_log").is_dir()  # naming the link names what it points to


@pytest.mark.parametrize("damage", ["data", "gone", "log"])
@pytest.mark.parametrize(
    "command",
    [
        ["check", "--date", "2026-01-02"],
        ["explain", "player3", "2026-01-02"],
        ["trend"],
        ["report", "--out", "report.html"],
        ["model", "check", "v2_14features"],
        ["training-set", "--out", "set.parquet"],
    ],
)
def test_a_damaged_store_gives_an_error_not_a_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    damage: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fsq.open_store("store").replace(fsq.score(wide()))
    for file in Path("store").glob("_delta_log/*.json" if damage == "log" else "*.parquet"):
        if damage == "gone":
            file.unlink()
        elif damage == "data":
            file.write_bytes(file.read_bytes()[:-2_000] + b"\xff" * 1_990)
        else:
            file.write_text('{"add":{"path":"' + "[" * 5_000)
    assert main([*command, "--store", "store"]) in (2, 3)
    err = capsys.readouterr().err
    assert "Error: " in err
    assert "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store"]


@pytest.mark.parametrize("path", ["../secret.parquet", "..%2Fsecret.parquet"])
def test_a_log_that_leads_out_of_the_table_is_rejected(
    tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, store = tmp_path / "secret.parquet", tmp_path / "store"
    fsq.score(wide()).write_parquet(secret)
    fsq.open_store(str(store)).replace(fsq.score(wide()))
    log = max((store / "_delta_log").glob("*.json"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "add" in line:
            line["add"] |= {"path": path, "size": secret.stat().st_size}
    log.write_text("\n".join(map(json.dumps, lines)))
    assert main(["check", "--store", str(store), "--date", "2026-01-02"]) == 3
    assert "outside the table" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 20_000])
def test_a_source_that_is_truncated_while_it_is_read_is_rejected(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    wide(2_000, 10).write_parquet(source, row_group_size=500)

    def then_truncate(*args: object) -> object:
        layout = validate_input(*args)  # type: ignore[arg-type]
        os.truncate(source, size)
        return layout

    monkeypatch.setattr("fsq.intake.validation.validate_input", then_truncate)
    assert main(["score", str(source), "--out", str(out)]) in (2, 3)
    assert not out.exists()


@pytest.mark.parametrize("size", [0, 20_000])
def test_rows_that_are_truncated_while_they_are_read_lazily_are_rejected(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.parquet"
    wide(2_000, 10).write_parquet(source, row_group_size=500)
    scored = fsq.score(pl.scan_parquet(source))

    def then_truncate(*args: object, **named: object) -> None:
        validate_rows(*args, **named)  # type: ignore[arg-type]
        os.truncate(source, size)

    monkeypatch.setattr("fsq.scoring.engine.validate_rows", then_truncate)
    with pytest.raises((fsq.FsqError, pl.exceptions.PolarsError)):
        scored.collect()
