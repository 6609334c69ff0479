"""Contracts made to break what reads them, or to run commands."""

from __future__ import annotations

from pathlib import Path

import pytest

import fsq


@pytest.mark.parametrize("name", ["player_lookup", "feature_sources", "as_of", "pace__source"])
def test_a_feature_with_a_reserved_name_is_rejected(tmp_path: Path, name: str) -> None:
    assert any("rename it" in p for p in load_changed(tmp_path, [("pace_score", name)]))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("history_days = 7", "history_days = 999999999999", "less than or equal"),
        ("size = 10", "size = 99999999999999999999999999", "less than or equal"),
        ("stale_hours = 24", "stale_hours = 1e300", "less than or equal"),
        ("--date {date}", "--date {date", "placeholder"),
        ("--date {date}", "--date }", "placeholder"),
        ("--date {date}", "--date {date!r}", "placeholder"),
        ("--date {date}", "\\nrm -rf x", "printable"),
    ],
)
def test_a_hostile_contract_is_rejected(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert any(problem in p for p in load_changed(tmp_path, [(old, new)]))


def load_changed(folder: Path, changes: list[tuple[str, str]]) -> list[str]:
    text = (Path(fsq.__file__).parent / "contract/shipped/v2_33features.toml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "hostile.toml"
    path.write_text(text)
    with pytest.raises(fsq.ContractError) as error:
        fsq.load_contract(path)
    return error.value.problems


def test_more_than_255_source_labels_are_rejected(tmp_path: Path) -> None:
    labels = "\n".join(f'w{i} = {{type = "phase4", base = 1, reliability = 1}}' for i in range(300))
    path = tmp_path / "many.toml"
    path.write_text(f'extends = "v2_33features"\nname = "many"\n[sources]\n{labels}\n')
    with pytest.raises(fsq.ContractError, match="255"):
        fsq.load_contract(path)


def test_a_long_chain_of_contracts_is_rejected(tmp_path: Path) -> None:
    for i in range(3_000):
        (tmp_path / f"{i}.toml").write_text(f'extends = "{i + 1}.toml"\n')
    with pytest.raises(fsq.ContractError, match="in a chain"):
        fsq.load_contract(tmp_path / "0.toml")
