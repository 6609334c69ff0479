"""Rows of a remote source, held in a file for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsq.backfilling.source import spilled_to_disk
from tests.support.frames import wide


def test_a_held_source_leaves_nothing_even_if_its_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows lie in a file that has no name while they are read, where the system allows it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = wide()
    with spilled_to_disk(rows.lazy(), "bigquery://p.d.t", ["pace_score", "game_date"]) as kept:
        wanted = rows.select("pace_score", "game_date")
        assert kept.collect().equals(wanted)
        assert kept.select("game_date").collect().equals(wanted.select("game_date"))
        if Path("/proc/self/fd").is_dir():
            assert not [*tmp_path.iterdir()]
    assert not [*tmp_path.iterdir()]


def test_a_held_source_without_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "is_dir", lambda self: False)
    with spilled_to_disk(wide().lazy(), "bigquery://p.d.t", ["pace_score"]) as kept:
        assert kept.collect().equals(wide().select("pace_score"))
    assert not [*tmp_path.iterdir()]
