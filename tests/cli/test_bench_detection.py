"""``fsq bench --detection``: how much of your own rows' damage is seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fsq.bench.damage import select_templates
from tests.support.any_table import PATH, make_rows
from tests.support.cli import Command, CommandResult


@pytest.fixture
def few_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two faults, since all of them take minutes."""

    def select(words: str | None = None) -> Sequence[Any]:
        return select_templates("first table falls back, all; one feature by 60, one subgroup")

    monkeypatch.setattr("fsq.bench.detection.worker.select_templates", select)


def _measure(run: Command, rows: Path, *words: object) -> CommandResult:
    return run("bench", "--detection", rows, "--contract", PATH, *words)


@pytest.mark.usefixtures("few_templates")
def test_your_own_rows_are_measured(tmp_path: Path, run: Command) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=60, incidents=False).write_parquet(path)
    done = _measure(run, path, "--label", "outcome")
    assert done.status == 0
    assert "labelled fallback" in done.out
    assert "dates as they are" in done.out
    done = _measure(run, path, "--label", "outcome", "--json")
    assert done.status == 0
    assert done.document["source"] == str(path)
    families = done.document["detectors"]["fsq"]["families"]
    assert families["labelled fallback"]["seen"] == 1.0
    assert "labelled fallback" in done.err


@pytest.mark.usefixtures("few_templates")
def test_a_store_is_measured_like_its_source(tmp_path: Path, run: Command) -> None:
    source, store = tmp_path / "rows.parquet", tmp_path / "store"
    make_rows(dates=45, entities=60, incidents=False).write_parquet(source)
    backfill = ("backfill", "--source", source, "--store", store, "--contract", PATH)
    assert run(*backfill).status == 0
    found = []
    for rows in (source, store):
        done = _measure(run, rows, "--label", "outcome", "--json")
        assert done.status == 0
        found.append(done.document["detectors"]["fsq"]["templates"])
    assert found[0] == found[1]


def test_a_label_without_detection(run: Command) -> None:
    done = run("bench", "--label", "outcome")
    assert done.status == 2
    assert "--label needs --detection" in done.err


def test_a_label_that_is_absent(tmp_path: Path, run: Command) -> None:
    path = tmp_path / "rows.parquet"
    make_rows(dates=45, entities=20, incidents=False).write_parquet(path)
    done = _measure(run, path, "--label", "points")
    assert done.status == 2
    assert "no columns ['points']" in done.err
