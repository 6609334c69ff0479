"""Help, wrong usage, and text that reaches the terminal, for every command."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.cli._output import PIPE_WIDTH, clean
from tests.support.cli import Command
from tests.support.frames import wide

COMMANDS = ["score", "backfill", "check", "explain", "trend", "report", "demo", "emulator",
            "sql", "contract", "contract show",
            "contract check", "contract diff"]  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(run: Command, command: str) -> None:
    told = run(*command.split(), "--help")
    assert told.status == 0
    assert told.err == ""
    assert "Usage: fsq" in told.out
    described = told.out.split("\n\n")[1].strip()
    assert described
    assert not described.startswith("Options")
    assert all(len(line) <= PIPE_WIDTH for line in told.out.splitlines())


def test_version(run: Command) -> None:
    assert run("--version").out == f"fsq {fsq.__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["score"],
        ["score", "in.parquet"],
        ["contract"],
        ["score", "in.parquet", "--out", "out.parquet", "--as-of", "noon"],
        ["score", "in.parquet", "--out", "out.parquet", "--on-unknown-source", "ignore"],
        ["backfill", "--source", "s", "--store", "d", "--start", "6.2.2026"],
        ["backfill", "--source", "s", "--store", "d", "--last", "7d", "--season", "2025-26"],
        ["backfill", "--source", "s", "--store", "d", "--last", "week"],
        ["backfill", "--source", "s", "--store", "d", "--season", "2025-27"],
        [
            "backfill",
            "--source",
            "s",
            "--store",
            "d",
            "--start",
            "2026-02-02",
            "--end",
            "2026-02-01",
        ],
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_usage_exits_2(run: Command, words: list[str], as_json: bool) -> None:
    told = run(*words, *(["--json"] if as_json else []))
    assert told.status == 2
    assert told.err.startswith("Error: ")
    assert "Hint: " in told.err
    assert ("error" in told.document) if as_json else (told.out == "")


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]0;title\x07x", "x"),
        ("bell\x07\x9b", "bell"),
        ("\u202eright", "right"),
        ("Dončić\tline\n", "Dončić\tline\n"),
    ],
)
def test_data_cannot_drive_the_terminal(text: str, want: str) -> None:
    assert clean(text) == want


def test_control_characters_in_the_input_are_not_printed(run: Command, tmp_path: Path) -> None:
    rows = wide().with_columns(player_lookup=pl.lit("\x1b[31mjames\x07"))
    rows.write_parquet(tmp_path / "in.parquet")
    told = run("score", tmp_path / "in.parquet", "--out", tmp_path / "o.parquet")
    assert told.status == 2
    assert "james" in told.err
    assert "\x1b" not in told.err
    assert "\x07" not in told.err


def test_hints_fit_what_the_command_does(run: Command, tmp_path: Path) -> None:
    """Who only reads has not asked whether something was written."""
    absent = tmp_path / "absent"
    reads = run("check", "--store", absent).err
    assert "there is no store" in reads
    assert "run it again" in reads
    assert "what it had before" not in reads
    records = run("check", "--store", absent, "--record").err
    assert "what it had before" in records
    scores = run("score", tmp_path / "no.parquet", "--out", tmp_path / "o.parquet").err
    assert "nothing was written" in scores
