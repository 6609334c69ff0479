"""The cores that a process may use, whatever the machine has."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import fsq
from fsq.backfilling import BackfillOptions, backfill
from fsq.errors import InputError
from fsq.utils.cores import choose_workers, count_cores
from tests.support.frames import wide

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, 64),
        ({"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
        ({"sys/fs/cgroup/cpu.max": "0 0\n"}, 64),
        ({"sys/fs/cgroup/cpu.max": "nonsense"}, 64),
        (
            {
                "proc/self/cgroup": "0::/pod/one\n",
                "sys/fs/cgroup/pod/one/cpu.max": "800000 100000\n",
                "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
            },
            3,
        ),
        ({"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/cpu.max": "500000 100000\n"}, 5),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "600000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            6,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            64,
        ),
    ],
)
def test_the_limit_of_a_control_group_counts(
    tmp_path: Path, files: dict[str, str], cores: int
) -> None:
    assert count_cores(machine(tmp_path, files)) == cores


def test_affinity_counts_and_there_is_always_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores in (3, 0):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, n=cores: set(range(n)))
        assert count_cores(tmp_path) == max(1, cores)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores(tmp_path) == 1


@pytest.mark.parametrize(
    ("threads", "workers"), [("3", 3), ("1", 1), ("99", 8), ("0", 8), ("", 8), ("two", 8)]
)
def test_threads_of_polars_limit_the_workers(
    monkeypatch: pytest.MonkeyPatch, threads: str, workers: int
) -> None:
    monkeypatch.setattr("fsq.utils.cores.count_cores", lambda: 64)
    monkeypatch.setenv("POLARS_MAX_THREADS", threads)
    assert choose_workers() == workers


@pytest.mark.parametrize("workers", [0, -1, 1.5, float("inf"), float("nan"), "many"])
def test_a_number_of_workers_that_is_none_is_refused(workers: object) -> None:
    with pytest.raises(InputError, match="workers"):
        BackfillOptions(workers=workers)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_answer_does_not_depend_on_the_workers(tmp_path: Path, workers: int) -> None:
    rows = wide(120, 6)
    backfill(rows, str(tmp_path), now=NOW, chunk_rows=20, workers=workers)
    found = fsq.open_store(tmp_path).read().sort("game_date", "player_lookup").collect()
    wanted = fsq.score(rows, now=NOW).sort("game_date", "player_lookup")
    assert_frame_equal(found, wanted)
