"""The process itself: ``python -m fsq``, and the entry point in a pipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fsq


@pytest.mark.parametrize(
    ("words", "status", "out"),
    [(["--version"], 0, f"fsq {fsq.__version__}\n"), (["nonsense"], 2, "")],
)
def test_python_m_fsq(words: list[str], status: int, out: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fsq", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (status, out)


def test_the_process_itself(rows: Path, tmp_path: Path) -> None:
    """Status, one document and no colours, through the real entry point into pipes."""
    code = "import sys; from fsq.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "score", str(rows), "--out"]
    env = os.environ | {"FORCE_COLOR": "1", "COLUMNS": "200"}
    good = subprocess.run(
        [*words, str(tmp_path / "o.parquet"), "--json"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["rows"] == 40
    assert "\x1b" not in good.stdout + good.stderr
    bad = subprocess.run(
        [*words, str(tmp_path / "p.parquet"), "--contract", "none"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "Traceback" not in bad.stderr
