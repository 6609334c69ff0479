"""The page of the first ten minutes: each command runs, and shows what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.object_stores import ObjectStores
from tests.support.pages import find_commands, run_shown

PAGE = (Path(__file__).parents[1] / "docs/first-ten-minutes.md").read_text(encoding="utf-8")
COMMANDS = find_commands(PAGE)
IN_FOLDER = [c for c in COMMANDS if "s3://" not in c.line and "--version" not in c.line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands on files have run."""
    place = tmp_path_factory.mktemp("first")
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", script], cwd=place, check=True)
    for command in IN_FOLDER:
        run_shown(command, place)
    return place


@pytest.mark.xdist_group("first_minutes")
def test_the_commands_leave_what_the_page_says(folder: Path) -> None:
    assert len(IN_FOLDER) == 9
    assert (folder / "report.html").stat().st_size < 5_000_000
    assert (folder / "training.parquet").is_file()
    (shown,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown in (folder / "stations.toml").read_text()


@pytest.mark.xdist_group("first_minutes")
def test_the_same_commands_take_a_bucket(
    folder: Path, object_stores: Callable[[str], ObjectStores]
) -> None:
    served = object_stores("s3")
    for command in (c for c in COMMANDS if "s3://" in c.line):
        assert served.bucket == "s3://lake"
        run_shown(command, folder, served.environment)
