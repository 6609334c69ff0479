"""The JSON Schema accepts what loads, and refuses what an editor should underline."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fsq
from fsq.contract import thresholds
from fsq.contract.drafting import draft_contract
from fsq.contract.json_schema import make_json_schema
from fsq.contract.loading import SHIPPED
from fsq.contract.toml import to_toml

jsonschema = pytest.importorskip("jsonschema")
SCHEMA = make_json_schema()
FIRST = """
name = "first"
features = [{ name = "a", category = "c", upstream_table = "t", min = 0, max = 1 }]
[table]
keys = ["k"]
date = "day"
[sources]
db = { type = "db", base = 100, reliability = 1 }
[flags]
has_a = ["a"]
[diagnosis]
silent_share = 0.3
optional_normal = [0, 1]
"""


def find_errors(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_contracts_are_accepted(path: Path) -> None:
    assert find_errors(path.read_text()) == []
    assert find_errors(to_toml(fsq.load_contract(path.stem))) == []


def test_a_first_contract_and_a_draft_are_accepted() -> None:
    assert find_errors(FIRST) == []
    rows = pl.DataFrame({"k": ["a", "b"], "day": [date(2026, 1, 1)] * 2, "x_last_3": [1.0, 2.0]})
    assert find_errors(draft_contract(rows, keys=["k"], date="day")) == []


@pytest.mark.parametrize(
    "text",
    [
        'extends = "v2_33features"\n[table]\ntimezone = "America/New_York"',
        'extends = "mine.toml"\nname = "x"\n[training_ready]\nmin_score = 5',
        'extends = "v2_33features"\n[legacy]\nunavailable = "X"',
    ],
)
def test_an_extending_contract_may_state_parts(text: str) -> None:
    assert find_errors(text) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("min = 0", "mni = 0", "'mni' was unexpected"),
        ("min = 0", "min = '0'", "'0' is not of type 'number'"),
        ("min = 0, ", "", "'min' is a required property"),
        ("date = ", "dates = ", "'dates' was unexpected"),
        ('date = "day"', "", "is not valid under any"),
        ('keys = ["k"]', "", "'keys' is a required property"),
        ('name = "first"', "", "'name' is a required property"),
        ("base = 100", "base = 101", "101 is greater than the maximum"),
        ("silent_share = 0.3", "silent_shar = 0.3", "'silent_shar' was unexpected"),
        ("silent_share = 0.3", "silent_share = 3", "3 is greater than the maximum"),
        ("db = {", "DB = {", "'DB'"),
        ('has_a = ["a"]', "has_a = 1", "is not valid under any"),
    ],
)
def test_faults_are_underlined(old: str, new: str, told: str) -> None:
    assert old in FIRST
    errors = find_errors(FIRST.replace(old, new, 1))
    assert any(told in e for e in errors), errors


def test_fields_and_thresholds_are_described() -> None:
    definitions: dict[str, Any] = SCHEMA["$defs"]
    for name in ("Feature", "Table", "Source", "Window", "FeatureRules", "DiagnosisRules"):
        bare = [k for k, v in definitions[name]["properties"].items() if "description" not in v]
        assert bare == [], name
    rules = definitions["DiagnosisRules"]["properties"]
    for declared in thresholds.list_declared():
        for name, field in declared.model_fields.items():
            default = rules[name]["default"]
            plain = list(field.default) if isinstance(field.default, tuple) else field.default
            assert default == plain


def test_check_jsonschema_agrees(tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema")  # of the extra ``dev``, which tests do without
    schema, sound, broken = (tmp_path / n for n in ("s.json", "sound.json", "broken.json"))
    schema.write_text(json.dumps(SCHEMA))
    data = tomllib.loads(FIRST)
    sound.write_text(json.dumps(data))
    broken.write_text(json.dumps(data | {"surprise": 1}))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema)]
    assert subprocess.run([*command, str(sound)], check=False).returncode == 0
    assert subprocess.run([*command, str(broken)], check=False).returncode == 1
