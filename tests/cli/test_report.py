"""``fsq report`` as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fsq.cli import main

DAYS = ("--start", "2026-01-05", "--end", "2026-01-10")


def test_report(short_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "pages" / "report.html"
    assert main(["report", "--store", short_store, *DAYS, "--out", str(target), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == str(target)
    assert told["bytes"] == target.stat().st_size < 5e6
    assert "2026-01-05 to 2026-01-10 (6 dates)" in target.read_text(encoding="utf-8")
