"""The steps of the composite action, run as a runner runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.conftest import GOOD, RED, ROOT

yaml = pytest.importorskip("yaml")
ACTION = yaml.safe_load((ROOT / ".github/actions/check/action.yml").read_text("utf-8"))
EXPRESSION = re.compile(r"\$\{\{ *inputs\.([\w-]+) *\}\}")


def run_step(step: dict[str, Any], inputs: dict[str, str], home: Path) -> tuple[int, str]:
    """Exit status and log of a step, with these inputs."""
    given = {name: str(i.get("default", "")) for name, i in ACTION["inputs"].items()} | inputs
    words = {name: EXPRESSION.sub(lambda m: given[m[1]], v) for name, v in step["env"].items()}
    files = {f"GITHUB_{n}": str(home / n) for n in ("OUTPUT", "STEP_SUMMARY", "PATH")}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": programs, "RUNNER_TEMP": str(home)} | files | words
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def run_check(season: Path, home: Path, **inputs: str) -> tuple[int, str]:
    (step,) = [s for s in ACTION["runs"]["steps"] if s.get("id") == "check"]
    shutil.copytree(season / "store", home / "store")
    return run_step(step, {"store": str(home / "store")} | inputs, home)


@pytest.fixture(scope="module")
def filled(season: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import fsq

    home = tmp_path_factory.mktemp("filled")
    fsq.backfill(season / "features.parquet", home / "store")
    return home


def test_a_red_date_fails_the_job_and_annotates_it(filled: Path, tmp_path: Path) -> None:
    status, log = run_check(filled, tmp_path, options="--record")
    assert status == 1
    assert "::error title=fsq processor_did_not_run%3A" in log
    assert (tmp_path / "OUTPUT").read_text("utf-8").splitlines() == ["verdict=red", "findings=1"]
    assert (tmp_path / "STEP_SUMMARY").read_text("utf-8").startswith("## 🔴 fsq check: red")
    assert str(RED) in log


def test_a_green_date_passes(filled: Path, tmp_path: Path) -> None:
    status, log = run_check(filled, tmp_path, date=str(GOOD))
    assert (status, "::" in log) == (0, False)
    assert "verdict=green" in (tmp_path / "OUTPUT").read_text("utf-8")


def test_an_old_store_is_red(filled: Path, tmp_path: Path) -> None:
    assert run_check(filled, tmp_path, **{"max-age": "36h"})[0] == 1
    assert "findings=2" in (tmp_path / "OUTPUT").read_text("utf-8")


def test_a_check_that_cannot_be_made_says_so(filled: Path, tmp_path: Path) -> None:
    status, log = run_check(filled, tmp_path, store=str(tmp_path / "nothing"))
    assert (status, "there is no store at" in log) == (3, True)
    assert not (tmp_path / "OUTPUT").exists()


def test_words_of_the_caller_are_no_commands(filled: Path, tmp_path: Path) -> None:
    evil = '"; touch owned; $(touch owned) `touch owned` #'
    for name in ("date", "store", "fail-on", "options", "max-age"):
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        assert run_check(filled, tmp_path, **{name: evil})[0] >= 2
    assert not list(tmp_path.rglob("owned"))
    assert not [s for s in ACTION["runs"]["steps"] if "${{" in s["run"]]
