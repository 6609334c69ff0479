"""A whole contract as TOML, merged with what it extends and with every default stated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fsq.contract.model import Contract
from fsq.contract.text import to_key, to_literal


def to_toml(contract: Contract) -> str:
    """Write a contract as TOML that loads to the same contract.

    >>> from fsq.contract import load_contract
    >>> from fsq.contract.loading import parse_contract
    >>> contract = load_contract("v3_37features")
    >>> parse_contract(to_toml(contract), "copy").version_hash == contract.version_hash
    True
    """
    data = contract.model_dump(mode="json")
    plain = {k: v for k, v in data.items() if not isinstance(v, dict) and v is not None}
    tables = {k: v for k, v in data.items() if isinstance(v, dict)}
    lines = [
        *(line for key, value in plain.items() for line in _write_value(key, value)),
        *(line for key, table in tables.items() if table for line in _write_table(key, table)),
    ]
    return "\n".join(lines) + "\n"


def _write_value(key: str, value: Any) -> Iterator[str]:
    """A key and its value; a list of tables takes a line for each."""
    if not (isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value)):
        yield f"{key} = {to_literal(value)}"
        return
    yield f"{key} = ["
    yield from (f"  {to_literal(entry)}," for entry in value)
    yield "]"


def _write_table(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"[{to_key(name)}]"
    for key, value in table.items():
        if value is not None:
            yield f"{to_key(key)} = {to_literal(value)}"
