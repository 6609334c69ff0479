"""What only a terminal gets: colours, its own width, and commands on one line."""

from __future__ import annotations

import io
import re
import sys

import pytest

from fsq.cli import main

ASK = ("--date", "2026-02-06")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def show(monkeypatch: pytest.MonkeyPatch, *words: str, width: int, plain: bool = False) -> str:
    """What a command shows on a terminal of so many columns."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1") if plain else monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    main(words)
    return terminal.getvalue()


def test_the_verdict_and_the_bars_have_colours(
    season_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = ("check", "--store", season_store, *ASK)
    shown = show(monkeypatch, *ask, width=100)
    assert shown.startswith("\x1b[1;31mRED\x1b[0m  2026-02-06")
    lines = {line.split()[0]: line for line in shown.splitlines() if "█" in line}
    assert "\x1b[31m█" in lines["matchup"]
    assert "\x1b[32m█" in lines["team_context"]
    assert "\x1b" not in lines["vegas"]  # it is optional
    assert "\x1b" not in show(monkeypatch, *ask, width=100, plain=True)


def test_the_trend_has_the_colour_of_each_verdict(
    season_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = ("--start", "2026-02-05", "--end", "2026-02-06")
    shown = show(monkeypatch, "trend", "--store", season_store, *dates, width=100)
    assert re.search(r"2026-02-05 .*\x1b\[1;32mGREEN", shown)
    assert re.search(r"2026-02-06 .*\x1b\[1;31mRED", shown)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_paragraphs_have_the_width_of_the_terminal(
    season_store: str, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    shown = show(monkeypatch, "check", "--store", season_store, *ASK, width=width)
    lines = [ESCAPES.sub("", line) for line in shown.splitlines()]
    commands = [line for line in lines if "--store" in line]
    others = [len(t.rstrip()) for t in lines if "--store" not in t and "--date" not in t]
    assert width - 20 < max(others) <= width
    (backfill,) = commands
    assert backfill.split()[:2] == ["fsq", "backfill"]
    assert backfill.endswith("--start 2026-02-06 --end 2026-02-06")


def test_the_short_names_of_sources_are_explained(
    season_store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", "--store", season_store, *ASK])
    assert "sources: p4 phase4, def default" in capsys.readouterr().out
