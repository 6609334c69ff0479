"""What Spark needs is told before any work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from fsq.cli import main
from fsq.spark.engine import _find_problems
from fsq.spark.remote import make_package_lister
from fsq.utils.version import VERSION


def backfilled(tmp_path: Path, *words: str) -> int:
    store = tmp_path / "t"
    given = ["--source", "rows.parquet", "--store", str(store), "--json", *words]
    status = main(["backfill", *given])
    assert not store.exists()
    return status


def problems(capsys: pytest.CaptureFixture[str]) -> list[str]:
    told: list[str] = json.loads(capsys.readouterr().out)["error"]["problems"]
    return told


def test_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert backfilled(tmp_path, "--engine", "spark") == 2
    assert "pip install 'feature-store-quality[spark]'" in problems(capsys)[0]


def test_java(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert backfilled(tmp_path, "--engine", "spark") == 2
    assert problems(capsys) == ["Java is not installed; install Java 17 or newer, or set JAVA_HOME"]
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    assert backfilled(tmp_path, "--engine", "spark") == 2
    assert problems(capsys)[0].startswith("Java 8 is too old")


def test_options_of_spark_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backfilled(tmp_path, "--spark-master", "local[2]", "--run-id", "one") == 2
    assert problems(capsys) == [
        "--spark-master needs --engine spark",
        "--run-id needs --engine spark",
    ]


def test_executors() -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    told = {"host": "a", "python": here, "packages": {"fsq": "?", "polars": "0.1", "numpy": None}}
    assert [p.split(";")[0].split(",")[0] for p in _find_problems(told)] == [
        "executors have polars 0.1",
        "executors lack the Python package numpy",
    ]
    (other,) = _find_problems({**told, "python": "3.9", "packages": {}})
    assert other.startswith("executors run Python 3.9")


def _list(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> dict[str, str | None]:
    """What a worker tells of some packages, with these folders before its others."""
    for folder in folders:
        monkeypatch.syspath_prepend(folder)
    names = ["fsq", "polars", "of_tests", "of_tests_broken", "nowhere_at_all"]
    told = json.loads(make_package_lister(names, ["fsq", "of_tests", "of_tests_broken"])(0))
    found: dict[str, str | None] = told["packages"]
    return found


def test_versions_are_those_of_the_code_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of an editable installation, whose installer noted an earlier one, and of a mere zip."""
    note = tmp_path / "of_tests-0.1.0.dist-info"
    note.mkdir()
    (note / "METADATA").write_text("Metadata-Version: 2.1\nName: of_tests\nVersion: 0.1.0\n")
    (tmp_path / "of_tests.py").write_text("__version__ = '0.2.0'\n")
    (tmp_path / "of_tests_broken.py").write_text("import nowhere_at_all\n")
    assert _list(monkeypatch, tmp_path) == {
        "fsq": VERSION,
        "polars": pl.__version__,
        "of_tests": "0.2.0",
        "of_tests_broken": "?",
        "nowhere_at_all": None,
    }
