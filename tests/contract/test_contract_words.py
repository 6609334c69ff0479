"""Words of a contract's author: refused where they could be more than words, else shown as such."""

from __future__ import annotations

import copy
import re
import tomllib
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsq import sql
from fsq.contract import Contract
from fsq.contract.expressions import ExpressionError, parse_expression
from fsq.contract.loading import parse_contract
from fsq.contract.text import to_key, to_literal
from fsq.contract.toml import to_toml
from fsq.errors import ContractError
from tests.fuzz.mutate import TEXTS
from tests.support.any_table import PATH
from tests.support.markup import Markup

SHIPPED: dict[str, Any] = tomllib.loads(PATH.read_text())
ENEMY = st.sampled_from(
    [*TEXTS, "__import__('os').system('id')", "a; DROP TABLE t; --", "a`b", "a\n::error::x", "a b",
     "<b>", "--yes", "$(id)", "a.b", "été", "a'b", 'a"b', "{date}", "a\u202eb", "x" * 200]
) | st.text(max_size=12)  # fmt: skip


def load(data: dict[str, Any]) -> Contract:
    """The contract that a file with this content states."""
    text = "".join(f"{to_key(key)} = {to_literal(value)}\n" for key, value in data.items())
    return parse_contract(text, "drawn")


def put(data: dict[str, Any], place: str, word: str) -> None:
    """Put a word where the contract's author may write one."""
    if place in ("keys", "date", "time", "group", "entity", "plural", "timezone", "season_start"):
        data["table"][place] = [word] if place == "keys" else word
    elif place == "category":
        data["categories"].append({"name": word})
    elif place == "feature":
        data["features"].append(data["features"][-1] | {"name": word})
    elif place == "upstream_table":
        data["features"][-1]["upstream_table"] = word
    elif place == "source":
        data["sources"][word] = data["sources"]["gauge"]
    elif place in ("flags", "models", "model_flags"):
        data[place][word] = ["seats"]
    elif place in ("processor", "rerun"):
        data["processors"].append(
            {"name": word if place == "processor" else "Job", "writes": "planes", "expected": False}
            | ({"rerun": word} if place == "rerun" else {})
        )
    elif place == "identity":
        data["identities"] = [{"name": word, "left": "seats", "right": "seats", "tolerance": 1}]
    elif place == "model_column":
        data["model_column"] = word
    else:
        data["name"] = word


PLACES = [
    "keys", "date", "time", "group", "entity", "plural", "timezone", "season_start", "category",
    "feature", "upstream_table", "source", "flags", "models", "model_flags", "processor", "rerun",
    "identity", "model_column", "name",
]  # fmt: skip


def test_what_the_words_are_put_into_is_sound() -> None:
    assert load(SHIPPED).names[0] == "delay_avg_last_10"
    for place in ("feature", "category", "source", "flags", "rerun", "identity"):
        data = copy.deepcopy(SHIPPED)
        put(data, place, "plain")
        if place != "category":  # it needs a feature
            load(data)


@pytest.mark.parametrize("place", PLACES)
@given(word=ENEMY)
def test_a_word_of_a_contract_is_refused_or_stays_a_word(place: str, word: str) -> None:
    data = copy.deepcopy(SHIPPED)
    put(data, place, word)
    try:
        contract = load(data)
    except ContractError:
        return
    assert parse_contract(to_toml(contract), "again").version_hash == contract.version_hash
    found = {word for name in Markup(contract._repr_html_()).found for word in name.split()}
    assert not {"script", "img", "onerror"} & found
    if place in ("rerun", "season_start", "timezone"):
        assert word.isprintable()
        return
    if place == "source":  # the only word that is data: a value, and never a name
        return
    # Python's \w lacks the vowel signs of many scripts, which are marks.
    assert all(c in "_ .-" or unicodedata.category(c)[0] in "LMN" for c in word)
    assert word.isprintable()
    columns = (
        contract.table.key + tuple(contract.names) + tuple(c.name for c in contract.output.columns)
    )
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in columns)


@given(ENEMY | st.text("ab_1.+-*/() ,'\"\n", max_size=20))
def test_an_identity_is_arithmetic_or_refused(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ExpressionError:
        return
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in tree.features())
    made = tree.build(str, repr, lambda sign, a, b: f"({a} {sign} {b})")
    assert not re.search(r"[^a-z0-9_ ()+\-*/.e]", made)


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b", "a[0]", "a ** b", "f(a)", "a if b else c", "'a'", "a; b", "a=1"],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    data = copy.deepcopy(SHIPPED)
    data["identities"] = [{"name": "x", "left": "seats", "right": text, "tolerance": 1}]
    with pytest.raises(ContractError, match="identities"):
        load(data)


@given(word=ENEMY)
def test_a_source_word_stays_in_its_literal(word: str) -> None:
    data = copy.deepcopy(SHIPPED)
    put(data, "source", word)
    try:
        contract = load(data)
    except ContractError:
        return
    for view in sql.VIEWS:
        text = sql.make_query(view, "bigquery://p.d.t", contract)
        bare = re.sub(r"'(?:[^'\\\n]|\\.)*'|`[^`\n]*`|--[^\n]*", "", text)
        assert not re.search(r"DROP|'|`|\\", bare)
