"""Thresholds that checks declare: defaults, limits, and keys that nobody declared."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import fsq
from fsq.contract import Contract
from fsq.contract.loading import SHIPPED
from fsq.contract.rules import DiagnosisRules, Gate
from fsq.contract.thresholds import Thresholds, declare_thresholds, withdraw_thresholds
from fsq.diagnosis.checks import list_checks

DECLARED = [check.thresholds for check in list_checks() if check.thresholds is not None]
CONTRACT = fsq.load_contract()


def test_the_shipped_contract_states_every_default() -> None:
    stated = tomllib.loads((SHIPPED / "v2_33features.toml").read_text())["diagnosis"]
    defaults = {name: value for cls in DECLARED for name, value in cls()}
    assert {name: stated.get(name) for name in defaults} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()
    }


def test_the_shipped_contract_states_every_default_rule() -> None:
    stated = tomllib.loads((SHIPPED / "v2_33features.toml").read_text())["diagnosis"]
    usual = {n: f.default for n, f in DiagnosisRules.model_fields.items() if not f.is_required()}
    assert {n: stated[n] for n in usual if n in stated} == {
        n: usual[n] for n in usual if n in stated
    }
    assert "season_start_days" in stated


def test_a_gate_that_a_contract_leaves_out_is_strict() -> None:
    stated = CONTRACT.model_dump(exclude={"training_ready", "production_ready"})
    assert Contract.model_validate(stated).training_ready == Gate(
        tiers=("gold", "silver"), min_score=0, no_critical_default=True
    )
    assert Contract.model_validate(stated).production_ready == Gate(
        tiers=("gold", "silver", "bronze"), min_score=85, no_critical_default=False
    )


def test_what_a_contract_leaves_out_has_a_default() -> None:
    left_out = set(DECLARED[0].model_fields)
    shared = {k: v for k, v in CONTRACT.diagnosis if k not in left_out}
    rules = type(CONTRACT.diagnosis).model_validate(shared)
    without = CONTRACT.model_copy(update={"diagnosis": rules})
    assert DECLARED[0].of(without) == DECLARED[0]()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("psi_above = 2.0", "diagnosis.psi_above: is above psi_yellow; swap them"),
        ("optional_normal = [0.6, 0.4]", "diagnosis.optional_normal: the first value is above"),
        ("silent_share = 1.5", "diagnosis.silent_share: Input should be less than or equal to 1"),
        ("silent_shares = 0.5", "diagnosis.silent_shares: Extra inputs are not permitted"),
        ("min_rows = 0", "diagnosis.min_rows: Input should be greater than or equal to 2"),
    ],
)
def test_wrong_thresholds_are_named(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "mine"\nextends = "v2_33features"\n[diagnosis]\n{line}\n')
    with pytest.raises(fsq.ContractError) as error:
        fsq.load_contract(path)
    (found,) = error.value.problems
    assert found.startswith(problem)


def test_a_key_is_declared_once_and_has_a_default() -> None:
    class Again(Thresholds):
        silent_share: float = 0.1

    class Bare(Thresholds):
        loud_share: float

    class Shared(Thresholds):
        min_rows: int = 10

    for cls, cure in ((Again, "twice"), (Bare, "no default"), (Shared, "twice")):
        with pytest.raises(ValueError, match=cure):
            declare_thresholds(cls)
        with pytest.raises(ValueError, match="not in list"):
            withdraw_thresholds(cls)
