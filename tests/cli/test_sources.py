"""Sources that ``fsq score`` and ``fsq backfill`` refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Command
from tests.support.frames import NAMES, wide


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_a_source_that_is_not_there(run: Command, tmp_path: Path, command: str) -> None:
    absent, target = tmp_path / "absent.parquet", tmp_path / "out"
    words = {
        "score": ("score", absent, "--out", f"{target}.parquet"),
        "backfill": ("backfill", "--source", absent, "--store", target),
    }
    told = run(*words[command])
    assert (told.status, told.out) == (2, "")
    assert "absent.parquet" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_damaged_pages_are_bad_input(run: Command, tmp_path: Path, command: str) -> None:
    path, target = tmp_path / "rows.parquet", tmp_path / "store"
    wide(400).write_parquet(path)
    content = bytearray(path.read_bytes())
    for at in range(200, len(content) // 2, 50):  # pages, not the footer
        content[at] ^= 0xFF
    path.write_bytes(content)
    words = [path, "--out"] if command == "score" else ["--source", path, "--store"]
    told = run(command, *words, target)
    assert told.status == 2
    assert str(path) in told.err
    assert "Traceback" not in told.err
    assert not target.exists()


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_a_folder_of_two_schemas_is_bad_input(run: Command, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    rows = wide()
    rows.head(20).write_parquet(folder / "a.parquet")
    rows.tail(20).drop(NAMES[0]).write_parquet(folder / "b.parquet")
    words = [folder, "--out"] if command == "score" else ["--source", folder, "--store"]
    told = run(command, *words, tmp_path / "store")
    assert told.status == 2
    assert NAMES[0] in told.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["score", "backfill"])
def test_a_row_of_too_many_values_is_bad_input(run: Command, tmp_path: Path, command: str) -> None:
    path, target = tmp_path / "rows.csv", tmp_path / "store"
    rows = wide()
    text = rows.select(c for c, t in rows.schema.items() if not t.is_nested()).write_csv()
    path.write_text(text.rstrip("\n") + ",1,2\n")
    words = [path, "--out"] if command == "score" else ["--source", path, "--store"]
    told = run(command, *words, target)
    assert told.status == 2
    assert str(path) in told.err
    assert "give each row as many values as the first line has names" in told.err
    assert not target.exists()
