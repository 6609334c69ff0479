"""What a record of a training set takes once it was read: growth between two sizes.

The rows are made in the place of those that are read, so that enough of them for a large date take
seconds. Caps on what is kept in memory are lowered, and allocators give back what is freed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.allocators import GIVE_BACK

FEW, MANY = 150_000, 450_000
MOST = 180  # bytes for each further record, whose values alone take 264; 90 were seen

_PROGRAM = """
import sys
from datetime import date, timedelta
import numpy as np
import polars as pl
import fsq
import fsq.diagnosis.cells, fsq.diagnosis.records, fsq.training.evaluation, fsq.training.records
import fsq.training.sorting
from fsq.bench.watch import read_peak_memory, reset_peak
from fsq.training.evaluation import PartResults
from fsq.training.versions import Versions
from tests.support.training import SCORED

RECORDS, DATES, PART = int(sys.argv[1]), int(sys.argv[2]), 15_000
WIDTH = len(fsq.load_contract().names)
fsq.diagnosis.cells._MOST_IN_MEMORY = fsq.diagnosis.records._MOST_IN_MEMORY = 2**20
fsq.diagnosis.records._PIECE_ROWS = 3 * PART
fsq.training.records.SLICE_CELLS = 75_000 * WIDTH
fsq.training.sorting._AT_ONCE = 75_000
rng = np.random.default_rng(7)

def make_rows(*_):
    for start in range(0, RECORDS, PART):
        records = pl.int_range(start, start + PART, eager=True).alias("record")
        day = pl.lit(date(2026, 1, 1)) + pl.duration(days=pl.col("record") % DATES)
        yield records.to_frame().select(
            player_lookup=pl.format("player{}", pl.col("record") * 7919 % RECORDS),
            game_date=day.cast(pl.Date),
            game_id=pl.format("00225{}", pl.col("record") // 20),
            points=pl.Series(rng.integers(0, 40, PART) * 1.0),
        )
    reset_peak()

def evaluate(frame, *_):
    values = rng.normal(size=(PART, WIDTH))
    cells = {"value": values, "untrusted": values > 3, "masked": values > 2}
    nothing = np.zeros(PART, np.bool_)
    return PartResults(frame, frozenset(), cells, {}, nothing, Versions([], None, PART), nothing)

fsq.training.evaluation.read_parts = make_rows
fsq.training.evaluation.evaluate_part = evaluate
fsq.training.evaluation.read_events = lambda *_: None
made = fsq.training_set(SCORED, "points", "mask")
assert not made.findings, made.findings
made.write(sys.argv[3])
assert len(made) == RECORDS
print("peak", read_peak_memory())
"""


def measure_peak(records: int, dates: int, target: Path) -> int:
    """The peak memory from the last record that is read to the file that is written, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(records), str(dates), str(target)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | GIVE_BACK,
    )
    return int(done.stdout.rpartition("peak ")[2])


@pytest.mark.parametrize("dates", [1, 5])
def test_memory_hardly_grows_with_the_records(dates: int, tmp_path: Path) -> None:
    peaks = [measure_peak(n, dates, tmp_path / "set.parquet") for n in (FEW, MANY)]
    growth = (peaks[1] - peaks[0]) / (MANY - FEW)
    print(dates, [p >> 20 for p in peaks], growth)
    assert growth < MOST, [p >> 20 for p in peaks]
