"""Files from strangers: another process reads them, and what ends it is one error here."""

from __future__ import annotations

import signal
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.backfilling import untrusted
from tests.support.cli import Command
from tests.support.frames import wide


def commands(source: Path, folder: Path) -> list[list[str]]:
    drafted = ["--key", "player_lookup", "--date", "game_date"]
    return [
        ["score", str(source), "--out", str(folder / "out.parquet")],
        ["score", str(source), "--out", str(folder / "scored")],
        ["backfill", "--source", str(source), "--store", str(folder / "store")],
        ["contract", "init", str(source), *drafted, "--out", str(folder / "mine.toml")],
    ]


def test_the_answer_is_that_of_this_process(run: Command, tmp_path: Path) -> None:
    rows, source = wide().with_columns(game_id=pl.lit("0022500001")), tmp_path / "in.csv"
    rows.write_csv(source)
    for place, options in (("plain", []), ("apart", ["--untrusted"])):
        (tmp_path / place).mkdir()
        for words in commands(source, tmp_path / place)[1:]:
            assert run(*words, *options).status == 0, words
    plain, apart = (fsq.open_store(str(tmp_path / p / "scored")) for p in ("plain", "apart"))
    when = "quality_computed_at"
    assert plain.read().collect().drop(when).equals(apart.read().collect().drop(when))
    drafts = [(tmp_path / p / "mine.toml").read_text() for p in ("plain", "apart")]
    assert drafts[0] == drafts[1]


def test_a_file_that_ends_its_process_is_refused(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untrusted, "_COPIER", "tests.support.aborting")
    source = tmp_path / "in.parquet"
    wide().write_parquet(source)
    for words in commands(source, tmp_path):
        done = run(*words, "--untrusted")
        assert done.status == 2
        assert f"{source}: the process that read it was ended by SIGABRT" in done.err
    assert sorted(f.name for f in tmp_path.iterdir()) == ["in.parquet"]
    assert signal.getsignal(signal.SIGABRT) is signal.SIG_DFL


@pytest.mark.parametrize("data", [b"", b"PAR1" + b"x" * 400 + b"PAR1"], ids=["empty", "odd"])
def test_other_errors_are_the_same(run: Command, tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "in.parquet"
    source.write_bytes(data)
    words = commands(source, tmp_path)[0]
    plain, apart = run(*words), run(*words, "--untrusted")
    assert (plain.status, plain.err) == (apart.status, apart.err) == (2, plain.err)


def test_problems_with_rows_are_all_named(run: Command, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    wide().with_columns(game_date=pl.lit("01/02/2026")).write_csv(source)
    done = run("score", source, "--out", tmp_path / "out.parquet", "--untrusted")
    assert done.status == 2
    assert "'01/02/2026' is not an ISO date" in done.err
