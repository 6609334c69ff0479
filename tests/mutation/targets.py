"""Which files are changed, and which tests should notice, the fast ones first."""

from __future__ import annotations

_RULES = (
    "tests/golden",
    "tests/intake/test_formats.py",
    "tests/scoring/test_engine_matches_oracle.py",
    "tests/intake/test_hostile_rows.py",
)
_CONTRACTS = ("tests/contract",)
_WIRE = (
    "tests/stores/bigquery/test_stream.py",
    "tests/stores/bigquery/test_validate.py",
    "tests/stores/bigquery/test_write.py",
)
_BIGQUERY = (
    *_WIRE,
    "tests/stores/bigquery/test_ddl.py",
    "tests/stores/bigquery/test_migrate.py",
    "tests/stores/bigquery/test_legacy.py",
    "tests/cli/test_bigquery.py",
    "tests/stores/bigquery/test_distributed.py",
    "tests/backfill/test_run_bigquery.py",
    "tests/stores/test_storage_faults.py",
)
_DELTA = (
    "tests/stores/delta/test_store.py",
    "tests/stores/delta/test_migrate.py",
    "tests/stores/test_schema_diff.py",
    "tests/backfill/test_run.py",
    "tests/intake/test_hostile_files.py",
    "tests/stores/test_storage_faults.py",
)
_HERE = "fsq/stores/bigquery/"

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "scoring": {
        "fsq/intake/columnar.py": _RULES,
        "fsq/scoring/engine.py": _RULES,
        "fsq/intake/formats.py": _RULES,
        "fsq/intake/validation.py": _RULES,
        "fsq/intake/layout.py": _RULES,
        "fsq/intake/source_labels.py": _RULES,
        "fsq/schema/provenance.py": _RULES,
        "fsq/contract/loading.py": _CONTRACTS,
        "fsq/contract/validation.py": _CONTRACTS,
        "fsq/scoring/constants.py": _RULES,
        "fsq/scoring/feature_rules.py": _RULES,
        "fsq/scoring/lineage.py": _RULES,
        "fsq/scoring/detail_column.py": _RULES,
        "fsq/scoring/signature_cache.py": _RULES,
        "fsq/scoring/record_rules.py": _RULES,
        "fsq/scoring/indicators.py": _RULES,
    },
    "BigQuery's writer": {
        f"{_HERE}verify.py": _BIGQUERY,
        f"{_HERE}ddl.py": _BIGQUERY,
        f"{_HERE}fields.py": _BIGQUERY,
        f"{_HERE}ledger.py": _BIGQUERY,
        f"{_HERE}merge.py": _BIGQUERY,
        f"{_HERE}names.py": _BIGQUERY,
        f"{_HERE}write.py": _BIGQUERY,
        f"{_HERE}distributed.py": _BIGQUERY,
        f"{_HERE}retry.py": _BIGQUERY,
        f"{_HERE}staging.py": _BIGQUERY,
        f"{_HERE}store.py": _BIGQUERY,
        f"{_HERE}validate.py": _BIGQUERY,
        f"{_HERE}stream.py": _BIGQUERY,
    },
    "Delta's writer": {
        "fsq/stores/delta/ledger.py": _DELTA,
        "fsq/stores/delta/store.py": _DELTA,
        "fsq/stores/delta/write.py": _DELTA,
        "fsq/stores/delta/read.py": ("tests/training/test_source.py", *_DELTA),
        "fsq/stores/schema_diff.py": _DELTA,
        "fsq/stores/validation.py": _DELTA,
    },
}


def tests_of(file: str) -> list[str]:
    """The tests of a file, its own doctests last."""
    tests = next(group[file] for group in GROUPS.values() if file in group)
    return [*tests, file]
