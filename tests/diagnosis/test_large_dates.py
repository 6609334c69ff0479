"""Dates that are larger than what is read and kept in memory at once."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import backfill
from fsq.diagnosis.cells import Cells
from fsq.errors import StoreError
from fsq.training.export import read_provenance
from tests.support.frames import wide
from tests.support.healthy_days import LAST, change_last, default_values, make_days
from tests.support.training import SCORED

# Measures the peak of a fresh process: the check itself, or the training set.
_PROGRAM = """
import sys
from fsq.bench.watch import read_peak_memory
from fsq.cli import main
main(sys.argv[1:])
print("peak", read_peak_memory() // 2**20)
"""


def make_faulty() -> pl.DataFrame:
    """Rows with faults of values, labels, stamps, windows and rows that keep their own values."""
    rows = change_last(
        make_days(),
        **default_values(["fatigue_score", "pace_score"]),
        pct_paint=pl.lit(0.4),
        team_pace__source=pl.lit(None, pl.String),
        team_off_rating__source=pl.lit(None, pl.String),
        odds_api__last_updated=pl.col("odds_api__last_updated") - pl.duration(hours=60),
    )
    last = pl.col("game_date") == LAST
    own = pl.when(last).then(pl.concat_list("game_id")).otherwise(pl.lit(["other"]))
    scored = fsq.score(rows.with_columns(last_10__game_ids=own))
    return scored.with_columns(
        pl.concat_list(pl.lit(-5.0).repeat_by(33)).alias("features"),
        pl.lit(list(fsq.load_contract().names)).alias("feature_names"),
    )


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsq.diagnosis.long_detail.PART_CELLS", 33 * 50)
    monkeypatch.setattr("fsq.diagnosis.daily_metrics._ROWS_AT_ONCE", 70)
    monkeypatch.setattr("fsq.diagnosis.feature_metrics._BLOCK_CELLS", 1)
    monkeypatch.setattr("fsq.diagnosis.feature_metrics._LARGE_DATE", 1)
    monkeypatch.setattr("fsq.diagnosis.cells._MOST_IN_MEMORY", 30_000)
    monkeypatch.setattr("fsq.training.evaluation.PART_CELLS", 33 * 7)
    monkeypatch.setattr("fsq.training.records.SLICE_CELLS", 33 * 2)
    monkeypatch.setattr("fsq.training.sorting._AT_ONCE", 5)
    monkeypatch.setattr("fsq.training.export._ROWS_AT_ONCE", 1)


def require_same(got: Any, want: Any, where: str = "") -> None:
    """Equal, but for the last digits of sums."""
    if isinstance(want, dict):
        assert list(got) == list(want), where
        for key, value in want.items():
            require_same(got[key], value, f"{where}/{key}")
    elif isinstance(want, list):
        assert len(got) == len(want), where
        for at, value in enumerate(want):
            require_same(got[at], value, f"{where}/{at}")
    elif isinstance(want, float):
        assert math.isclose(got, want, rel_tol=1e-9), (where, got, want)
    else:
        assert got == want, where


def test_parts_give_the_diagnosis_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    scored = make_faulty()
    whole = fsq.diagnose(scored, dates=LAST)
    kinds = {f.kind for f in whole.findings}
    assert {"own_event_in_window", "quality_out_of_date", "sources_absent"} <= kinds
    request.getfixturevalue("small_parts")
    parts = fsq.diagnose(scored.lazy(), dates=LAST)
    require_same(json.loads(json.dumps(parts.to_dict())), json.loads(json.dumps(whole.to_dict())))
    assert_frame_equal(parts.named_rows, whole.named_rows)
    assert_frame_equal(parts.features, whole.features)


@pytest.mark.parametrize("mode", ["drop", "mask", "keep"])
def test_parts_give_the_training_set_of_the_whole(
    mode: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    version = pl.element().struct.with_fields(feature_definition_version=pl.lit("v9"))
    detail = pl.col("feature_quality_detail")
    mixed = SCORED.with_columns(
        pl.when(pl.int_range(pl.len()) % 3 == 0).then(detail.list.eval(version)).otherwise(detail)
    )
    options: dict[str, Any] = {"exclude": None, "training_ready": False}
    if mode != "keep":
        options |= {"min_quality": 60.0, "max_age_hours": 900.0}
    whole = fsq.training_set(mixed, "points", mode, **options)
    want = whole.frame, whole.waterfall, whole.findings, whole.fingerprint, whole.late_rows
    file = whole.write(tmp_path / "whole.parquet")
    assert any(f.kind == "mixed_definitions" for f in whole.findings) == bool(len(whole))
    request.getfixturevalue("small_parts")
    parts = fsq.training_set(mixed, "points", mode, **options)
    assert_frame_equal(parts.frame, want[0])
    assert_frame_equal(parts.waterfall, want[1])
    assert (parts.findings, parts.fingerprint, parts.late_rows) == want[2:]
    written = parts.write(tmp_path / "parts.parquet")
    assert_frame_equal(pl.read_parquet(written), pl.read_parquet(file))
    assert read_provenance(written) == read_provenance(file)


def test_no_room_for_a_temporary_file_is_one_clear_error(
    small_parts: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"gone: no temporary file can be written: .*TMPDIR"):
        fsq.diagnose(fsq.score(make_days(2)))


def test_cells_give_back_what_was_kept(small_parts: None) -> None:
    cells = Cells(3)
    parts = [pl.DataFrame({str(f): range(f, f + n) for f in range(3)}) for n in (4_000, 1, 0)]
    for part in parts:
        cells.append({"number": part.to_numpy(), "same": part.to_numpy() * 0})
    whole = pl.concat(parts)
    assert "number" in cells
    assert "other" not in cells
    assert cells.get_matrix("number").tolist() == [list(r) for r in whole.rows()]
    assert cells.get_column("same", 2).tolist() == [0] * whole.height


def repeat_files(store: Path, times: int) -> None:
    """Commit a store's file several times, as files of their own."""
    log = store / "_delta_log"
    commit = max(log.glob("*.json"))
    lines = commit.read_text().splitlines()
    for line in list(lines):
        added = json.loads(line).get("add")
        if added is None or "/" in added["path"]:
            continue
        for i in range(times - 1):
            copy = f"copy{i}-{added['path']}"
            shutil.copy(store / added["path"], store / copy)
            lines.append(json.dumps({"add": added | {"path": copy}}))
    commit.write_text("\n".join(lines) + "\n")
    for checksum in log.glob(".*.crc"):
        checksum.unlink()


def test_the_check_of_a_large_date_stays_small(tmp_path: Path) -> None:
    """It took 3.5 GB to hold the details of 200,000 rows at once."""
    source, store = tmp_path / "rows.parquet", tmp_path / "store"
    wide(20_000, 1).write_parquet(source)
    backfill(str(source), str(store))
    repeat_files(store, 10)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "check", "--store", str(store), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    text, _, peak = done.stdout.rpartition("peak ")
    (day,) = json.loads(text)["dates"]
    assert (day["date"], day["rows"]) == (str(date(2026, 1, 1)), 200_000)
    assert int(peak) < 2_000
