"""What the pages under docs/integrations show, run with the tools that they are about."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import fsq
from fsq.demo import simulate_season

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/integrations"
TOOLS = ROOT / "build/integrations"
# A file of a page: its name in a line of its own, and its text.
SHOWN = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST, FILLED, GOOD, RED = (date(2026, m, d) for m, d in ((1, 20), (2, 4), (2, 5), (2, 6)))


@dataclass
class Bench:
    """A folder with the files of a page, feature rows, a store that lacks the last two dates."""

    tool: str
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.home / "features.parquet"

    @property
    def store(self) -> Path:
        return self.home / "store"

    def run(self, *words: str, status: int = 0) -> str:
        """What a program of the tool's environment printed."""
        programs = TOOLS / self.tool / "bin"
        environment = os.environ | {
            "HOME": str(self.home),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(self.home), str(ROOT)]),
            "FEATURES": str(self.source),
            "FSQ_STORE": str(self.store),
            **self.environment,
        }
        done = subprocess.run(
            [str(programs / words[0]), *words[1:]],
            cwd=self.home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def python(self, code: str, status: int = 0) -> str:
        return self.run("python", "-c", code, status=status)


@pytest.fixture(scope="session")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with feature rows of eighteen dates, of which sixteen are in the store."""
    home = tmp_path_factory.mktemp("season")
    rows = simulate_season("2025-26").rows.filter(pl.col("game_date").is_between(FIRST, RED))
    rows.write_parquet(home / "features.parquet")
    fsq.backfill(home / "features.parquet", home / "store", end=FILLED)
    return home


@pytest.fixture
def bench(request: pytest.FixtureRequest, season: Path, tmp_path: Path) -> Bench:
    """The bench of the tool after which the test's module is named."""
    tool = request.path.stem.removeprefix("test_")
    if not (TOOLS / tool / "made.txt").exists():
        pytest.skip(f"make integrations brings {tool}")
    home = tmp_path / tool
    shutil.copytree(season, home)
    shown = SHOWN.findall((PAGES / f"{tool}.md").read_text("utf-8"))
    assert shown
    for name, text in shown:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Bench(tool, home)
