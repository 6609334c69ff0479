"""Which files to change, and which tests should notice.

A module's own tests mirror its place and run first; those of its package run after them.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

_RULES = (
    "tests/scoring/test_february_sixth.py",
    "tests/intake/test_formats.py",
    "tests/scoring/test_engine_matches_oracle.py",
    "tests/intake/test_hostile_rows.py",
)
_BIGQUERY = (
    "tests/stores/bigquery",
    "tests/cli/test_bigquery.py",
    "tests/backfilling/test_run_bigquery.py",
    "tests/stores/test_storage_faults.py",
)
_DELTA = (
    "tests/stores/delta",
    "tests/stores/test_schema_diff.py",
    "tests/backfilling/test_run.py",
    "tests/intake/test_hostile_files.py",
    "tests/stores/test_storage_faults.py",
)
_TRAINING = ("tests/training", "tests/cli/test_training_set.py")

# Per group, the packages or modules to change, and the tests of each.
_TARGETS: dict[str, dict[str, tuple[str, ...]]] = {
    "contract, intake and scoring": {
        "fsq/contract/loading.py": ("tests/contract",),
        "fsq/contract/validation.py": ("tests/contract",),
        "fsq/schema/provenance.py": _RULES,
        "fsq/intake": _RULES,
        "fsq/scoring": _RULES,
    },
    "BigQuery": {"fsq/stores/bigquery": _BIGQUERY},
    "Delta": {
        "fsq/stores/delta": ("tests/training/test_source.py", *_DELTA),
        "fsq/stores/schema_diff.py": _DELTA,
        "fsq/stores/validation.py": _DELTA,
    },
    "training sets and models": {
        "fsq/training": _TRAINING,
        "fsq/models": ("tests/models", "tests/cli/test_model.py"),
    },
}


def list_modules(place: str) -> list[str]:
    """The modules of a package, or the module itself; a package's ``__init__`` has no rules."""
    path = ROOT / place
    modules = [path] if path.is_file() else sorted(path.glob("*.py"))
    return [m.relative_to(ROOT).as_posix() for m in modules if m.name != "__init__.py"]


def _list_tests(module: str, shared: tuple[str, ...]) -> tuple[str, ...]:
    """The module's own tests, if there are any, then those of its package."""
    path = Path(module)
    own = Path("tests", *path.parts[1:-1], f"test_{path.name}").as_posix()
    return (own, *shared) if (ROOT / own).exists() else shared


GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    group: {
        module: _list_tests(module, tests)
        for place, tests in places.items()
        for module in list_modules(place)
    }
    for group, places in _TARGETS.items()
}


def list_tests(file: str) -> list[str]:
    """The tests of a file, its own doctests last."""
    tests = next(group[file] for group in GROUPS.values() if file in group)
    return [*tests, file]
