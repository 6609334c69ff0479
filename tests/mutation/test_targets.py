"""The targets follow every move: whatever is named exists, and no module is left out."""

from __future__ import annotations

from pathlib import Path

from tests.mutation.mutants import mutants
from tests.mutation.targets import GROUPS, ROOT, list_modules, list_tests

FILES = [file for group in GROUPS.values() for file in group]


def test_every_target_and_its_tests_exist() -> None:
    assert len(FILES) == len(set(FILES))
    for file in FILES:
        assert (ROOT / file).is_file(), file
        missing = [t for t in list_tests(file) if not (ROOT / t).exists()]
        assert not missing, f"{file}: {missing}"


def test_whole_packages_are_targets_and_can_be_changed() -> None:
    for package in ("fsq/scoring", "fsq/intake", "fsq/stores/bigquery", "fsq/training"):
        assert set(list_modules(package)) <= set(FILES)
    file = "fsq/training/gates.py"
    assert list_tests(file)[0] == "tests/training/test_gates.py"
    assert mutants(file, Path(ROOT / file).read_text(encoding="utf-8"))
