"""A contract that is written as TOML loads to the same contract."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsq
from fsq.contract import shipped_contracts
from fsq.contract.loading import parse_contract
from fsq.contract.text import Line, clean, to_key, to_literal
from fsq.contract.toml import to_toml

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
VALUES = st.recursive(
    st.one_of(NUMBERS, st.integers(-(2**63), 2**63 - 1), st.booleans(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@st.composite
def contracts(draw: st.DrawFn) -> fsq.Contract:
    """A shipped contract with some of its values redrawn."""
    contract = fsq.load_contract(draw(st.sampled_from(shipped_contracts())))
    data = contract.model_dump(mode="json")
    for f in draw(st.lists(st.sampled_from(data["features"]), max_size=5)):
        f["min"], f["max"] = sorted((draw(NUMBERS), draw(NUMBERS)))
        f["expected"] = draw(st.none() | NUMBERS)
        f["weight"] = draw(st.floats(0, 1e9))
        f["optional"] = draw(st.booleans())
        hours = draw(st.none() | st.floats(0, 24))
        f["stale_hours"], f["very_stale_hours"] = hours, None if hours is None else 2 * hours
    description = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    for kind in data["source_types"]:
        kind["description"] = draw(description)
    for flag in data["flags"].values():
        flag["description"] = draw(description)
    data["score_caps"] = draw(st.sampled_from([[], [{"min_required_defaults": 1, "max_score": 5}]]))
    data["windows"] |= {n: {"size": draw(st.none() | st.integers(1, 99))} for n in ["x", "y"]}
    data["diagnosis"]["silent_share"] = draw(st.floats(0, 1))
    return fsq.Contract.model_validate(data)


@given(contract=contracts())
def test_a_contract_survives_toml(contract: fsq.Contract) -> None:
    again = parse_contract(to_toml(contract), "copy")
    assert again.version_hash == contract.version_hash
    assert again.model_dump(mode="json") == contract.model_dump(mode="json")


@given(value=VALUES, key=TEXTS)
def test_any_value_survives_toml(value: Any, key: str) -> None:
    assert tomllib.loads(f"{to_key(key)} = {to_literal(value)}") == {key: value}


@given(text=st.text())
def test_any_comment_is_one_printable_line(text: str) -> None:
    line = str(Line("key", 1, f"x{text}"))
    assert tomllib.loads(line) == {"key": 1}
    assert clean(text).isprintable()


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        to_literal(float("inf"))
