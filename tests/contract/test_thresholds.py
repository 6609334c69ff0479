"""Thresholds that checks declare: defaults, limits, and keys that nobody declared."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

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


@pytest.mark.parametrize("thresholds", DECLARED)
def test_defaults_are_allowed_values(thresholds: type[Thresholds]) -> None:
    """They are taken without validation."""
    assert thresholds.model_validate(dict(thresholds.read({}))) == thresholds.read({})


@pytest.mark.parametrize("thresholds", DECLARED)
def test_stated_defaults_are_the_defaults(thresholds: type[Thresholds]) -> None:
    stated = json.loads(json.dumps(dict(thresholds())))  # lists where there were tuples
    assert thresholds.read(stated) == thresholds.read({}) == thresholds()


class _Jumps(Thresholds):
    """Of every type that thresholds have."""

    jump_rows: Annotated[int, Field(ge=1)] = 1
    jump_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    jump_span: tuple[float, float] = (0.0, 1.0)


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ({"jump_rows": 2}, (2, 1.0, (0.0, 1.0))),
        ({"jump_share": 1}, (1, 1.0, (0.0, 1.0))),  # equal to the default, but no float
        ({"jump_span": [0, 1]}, (1, 1.0, (0.0, 1.0))),
        ({"jump_span": [0.0, 2.5], "other": 3}, (1, 1.0, (0.0, 2.5))),
    ],
)
def test_values_are_read_with_their_types(stated: dict[str, Any], read: tuple[Any, ...]) -> None:
    values = tuple(value for _, value in _Jumps.read(stated))
    assert repr(values) == repr(read)


@pytest.mark.parametrize(
    "stated", [{"jump_rows": 0}, {"jump_share": 1.5}, {"jump_span": [1.0]}, {"jump_rows": "x"}]
)
def test_values_beyond_their_limits_are_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _Jumps.read(stated)


def test_contracts_of_one_version_keep_their_own_thresholds() -> None:
    """What checks dates is no part of the version, by which contracts are told apart fastest."""
    (of_shift,) = (t for t in DECLARED if "psi_bins" in t.model_fields)
    rules = CONTRACT.diagnosis.model_copy(update={"psi_bins": 7})
    other = CONTRACT.model_copy(update={"diagnosis": rules})
    assert other.version_hash == CONTRACT.version_hash
    assert [of_shift.of(c).model_dump()["psi_bins"] for c in (CONTRACT, other, CONTRACT)] == [
        of_shift().model_dump()["psi_bins"],
        7,
        of_shift().model_dump()["psi_bins"],
    ]
