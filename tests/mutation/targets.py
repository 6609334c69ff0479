"""Which packages to change, and which tests should notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Group:
    """Packages or modules whose score is stated as one, and the tests that look after them."""

    places: tuple[str, ...]
    tests: tuple[str, ...]

    def list_modules(self) -> list[str]:
        """The modules to change; a package's ``__init__`` has no rules."""
        paths = [ROOT / place for place in self.places]
        modules = [m for p in paths for m in ([p] if p.is_file() else sorted(p.glob("*.py")))]
        return [m.relative_to(ROOT).as_posix() for m in modules if m.name != "__init__.py"]

    def list_tests(self) -> list[str]:
        """The tests to run, doctests of the modules included."""
        return [*self.tests, *self.list_modules()]


GROUPS: dict[str, Group] = {
    "diagnosis": Group(
        ("fsq/diagnosis", "fsq/diagnosis/checks"),
        ("tests/diagnosis", "tests/cli/test_explain.py", "tests/cli/test_trend.py"),
    ),
    "profile": Group(("fsq/profile",), ("tests/profile", "tests/cli/test_profile.py")),
    "training": Group(
        ("fsq/training", "fsq/training/label_checks"),
        ("tests/training", "tests/cli/test_training_set.py", "tests/reporting/test_page.py"),
    ),
    "models": Group(("fsq/models",), ("tests/models", "tests/cli/test_model.py")),
    "scoring": Group(
        ("fsq/schema", "fsq/intake", "fsq/scoring"), ("tests/scoring", "tests/intake")
    ),
    "contract": Group(
        ("fsq/contract", "fsq/contract/drafting"),
        ("tests/contract", "tests/cli/test_contract.py", "tests/cli/test_contract_init.py"),
    ),
    "delta": Group(
        ("fsq/stores", "fsq/stores/delta", "fsq/stores/objects"),
        (
            "tests/stores/delta",
            "tests/stores/test_column_fit.py",
            "tests/stores/test_schema_diff.py",
            "tests/stores/test_side.py",
            "tests/stores/test_storage_faults.py",
            "tests/stores/test_third_store.py",
        ),
    ),
    "bigquery": Group(
        ("fsq/stores/bigquery",),
        ("tests/stores/bigquery", "tests/cli/test_bigquery.py"),
    ),
    "backfilling": Group(
        ("fsq/backfilling",),
        ("tests/backfilling", "tests/cli/test_backfill.py", "tests/cli/test_sources.py"),
    ),
    "incidents": Group(("fsq/incidents",), ("tests/incidents", "tests/cli/test_incidents.py")),
    "checking": Group(
        ("fsq/checking", "fsq/checking/formats"),
        (
            "tests/checking",
            "tests/cli/test_check.py",
            "tests/cli/test_check_morning.py",
            "tests/cli/test_repair.py",
        ),
    ),
    "sql": Group(("fsq/sql",), ("tests/sql",)),
    "reporting": Group(
        ("fsq/reporting",),
        ("tests/reporting", "tests/cli/test_report.py", "tests/cli/test_bench.py"),
    ),
}
