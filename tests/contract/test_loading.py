"""Loading contracts: shipped ones, files that extend them, and every problem of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

import fsq
from fsq.contract import shipped_contracts


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_shipped_contracts_load_and_extend() -> None:
    for name in shipped_contracts():
        assert fsq.load_contract(name).name == name
    base, more = fsq.load_contract("v2_33features"), fsq.load_contract("v3_37features")
    assert more.names[:33] == base.names
    assert len(more.names) == 37
    assert base.version_hash != more.version_hash


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = ", "is not valid TOML"),
        ('extends = "nobody"', "no contract 'nobody'"),
        ('extends = "mine.toml"', "remove one of the two"),
        ('name = "x"', "features: Field required"),
        (
            'extends = "v2_33features"\nfeatures = [{ index = 33, name = "pace_score", '
            'category = "matchup", upstream_table = "t", min = 2, max = 1, '
            'on_violation = "warn", fallback_reason = "r", definition_version = "v2" }]',
            "'pace_score' is named twice",
        ),
        ('extends = "v2_33features"\n[models]\nm = ["nothing"]', "['nothing'] are not features"),
        ('extends = "v2_33features"\n[tiers]\ngold_above = 10', "bounds must fall"),
        ('extends = "v2_33features"\n[windows]\nlast_5 = { size = 0 }', "windows.last_5.size"),
        ('extends = "v2_33features"\nsurprise = 1', "surprise: Extra inputs"),
    ],
)
def test_problems_are_listed_with_their_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(fsq.ContractError) as error:
        fsq.load_contract(write(tmp_path, text))
    assert problem in str(error.value)


FEATURE = (
    "{{ index = {index}, name = '{name}', category = '{category}', upstream_table = 't', "
    "min = {low}, max = 1, on_violation = 'warn', fallback_reason = 'r', "
    "definition_version = 'v2' }}"
)


def test_several_problems_at_once(tmp_path: Path) -> None:
    odd = FEATURE.format(index=40, name="odd", category="matchup", low=2)
    text = f'name = "m"\nextends = "v2_33features"\nfeatures = [{odd}]'
    with pytest.raises(fsq.ContractError) as error:
        fsq.load_contract(write(tmp_path, text))
    assert len(error.value.problems) == 2
    assert "indices must run 0, 1, … 33" in str(error.value)
    assert "features[40] (odd).min: 2 is above max 1; swap them" in str(error.value)


def test_an_unknown_category_is_rejected(tmp_path: Path) -> None:
    odd = FEATURE.format(index=33, name="odd", category="weather", low=0)
    text = f'extends = "v2_33features"\nfeatures = [{odd}]'
    with pytest.raises(fsq.ContractError, match=r"features\[33\] \(odd\).category"):
        fsq.load_contract(write(tmp_path, text))


def test_an_unknown_contract_is_rejected() -> None:
    with pytest.raises(fsq.ContractError, match="v2_33features_capped"):
        fsq.load_contract("v9")
    with pytest.raises(fsq.ContractError, match="cannot be read"):
        fsq.load_contract("absent.toml")


def test_changing_the_diagnosis_makes_no_stored_row_outdated() -> None:
    contract = fsq.load_contract()

    def with_table(name: str, **values: float) -> fsq.Contract:
        data = contract.model_dump()
        data[name] |= values
        return fsq.Contract.model_validate(data)

    assert with_table("diagnosis", min_rows=60).version_hash == contract.version_hash
    assert with_table("legacy", primary_share=0.8).version_hash != contract.version_hash
