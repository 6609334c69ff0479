"""What Spark needs is told before any work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fsq.cli import main
from fsq.spark.engine import _find_problems


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
