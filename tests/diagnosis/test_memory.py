"""What a record of one large date takes, command by command: growth between two sizes.

The caps on what is kept in memory are lowered, and allocators give back what is freed, so that a
few records show what millions would take. What a check and a training set read ahead, which does
not grow beyond some size, does not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.support.allocators import GIVE_BACK
from tests.support.frames import wide

_COPIED, FEW, MANY = 20_000, 80_000, 160_000
# Bytes for each further row, of which a scored one takes 15,000. On a busy machine, which reads
# further ahead, 800 were seen.
MOST = 1_200
pytestmark = pytest.mark.xdist_group("memory")  # later commands read what earlier ones wrote

_PROGRAM = """
import sys
import fsq.diagnosis.cells, fsq.diagnosis.feature_metrics, fsq.diagnosis.long_detail
import fsq.diagnosis.records, fsq.training.evaluation
from fsq.bench.watch import read_peak_memory, reset_peak
from fsq.cli import main
from fsq.utils.frames import read_parts

def read_and_forget(*arguments):
    yield from read_parts(*arguments)
    reset_peak()

fsq.diagnosis.long_detail.read_parts = fsq.training.evaluation.read_parts = read_and_forget
fsq.diagnosis.cells._MOST_IN_MEMORY = fsq.diagnosis.records._MOST_IN_MEMORY = 2**20
fsq.diagnosis.records._PIECE_ROWS = 5_000
fsq.diagnosis.feature_metrics._BLOCK_CELLS = 10_000
fsq.diagnosis.feature_metrics._LARGE_DATE = 1
assert main(sys.argv[1:]) in (0, 1)
print("peak", read_peak_memory())
"""


def measure_peak(*arguments: str) -> int:
    """The peak memory of a command, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | GIVE_BACK,
    )
    return int(done.stdout.rpartition("peak ")[2])


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folders with one date of few and of many rows, each with a key of its own."""
    some = wide(_COPIED, 1).with_columns(points=pl.int_range(pl.len()).cast(pl.Float64) % 40)
    found = {}
    for rows in (FEW, MANY):
        copies = [
            some.with_columns(pl.concat_str("player_lookup", pl.lit(f"-{i}")))
            for i in range(rows // _COPIED)
        ]
        found[rows] = tmp_path_factory.mktemp(f"memory{rows}")
        pl.concat(copies).write_parquet(found[rows] / "rows.parquet", row_group_size=10_000)
    return found


COMMANDS = {
    "score": ["{}/rows.parquet", "--out", "{}/scored.parquet"],
    "backfill": ["--source", "{}/rows.parquet", "--store", "{}/store"],
    "check": ["--store", "{}/store", "--json"],
    "training-set": ["--store", "{}/store", "--label", "points", "--out", "{}/set.parquet"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_memory_hardly_grows_with_the_rows_of_a_date(command: str, dates: dict[int, Path]) -> None:
    peaks = [
        measure_peak(command, *(a.format(folder) for a in COMMANDS[command]))
        for folder in dates.values()
    ]
    growth = (peaks[1] - peaks[0]) / (MANY - FEW)
    print(command, [p >> 20 for p in peaks], growth)
    assert growth < MOST, [p >> 20 for p in peaks]
