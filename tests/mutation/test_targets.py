"""The targets follow every move: whatever is named exists, and each line finds its tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutation.mutants import mutants
from tests.mutation.reach import Reach
from tests.mutation.targets import GROUPS, ROOT

SOURCE = "LIMIT = 3\n\n\ndef judge(x: int) -> bool:\n    return x > LIMIT\n"


def test_every_target_and_its_tests_exist() -> None:
    files = [file for group in GROUPS.values() for file in group.list_modules()]
    assert len(files) == len(set(files))
    for name, group in GROUPS.items():
        missing = [p for p in (*group.places, *group.tests) if not (ROOT / p).exists()]
        assert not missing, f"{name}: {missing}"


def test_whole_packages_are_targets_and_can_be_changed() -> None:
    file = "fsq/training/gates.py"
    assert file in GROUPS["training"].list_modules()
    assert mutants(file, Path(ROOT / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("line", "most", "chosen"),
    [
        (5, 60.0, ["near", "slow", "quick"]),  # those that run the line first
        (1, 60.0, ["quick", "near", "slow"]),  # run at import: any of them may notice
        (5, 3.0, ["near"]),
        (5, 0.5, ["near"]),  # one at least
    ],
)
def test_tests_that_run_a_line_come_first(
    line: int, most: float, chosen: list[str], tmp_path: Path
) -> None:
    noted = {
        "seconds": {"quick": 0.1, "near": 1.0, "slow": 9.0},
        "lines": {"fsq/a.py": {"1": ["quick"], "2": ["quick"], "5": ["slow", "near"]}},
    }
    (tmp_path / "notes.json").write_text(json.dumps(noted))
    reach = Reach.load(tmp_path / "notes.json")
    assert reach.list_tests("fsq/a.py", line, SOURCE, most) == chosen
    assert reach.list_tests("fsq/unknown.py", line, SOURCE, most) == []
