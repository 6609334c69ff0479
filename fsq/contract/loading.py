"""Loading contracts: TOML files, shipped in ``fsq/contract/shipped`` or your own.

A contract may extend another by naming it: its own values win, tables are merged, and features
and score caps are added.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fsq.contract.model import Contract
from fsq.contract.thresholds import complete_thresholds
from fsq.contract.validation import find_contradictions
from fsq.errors import ContractError
from fsq.schema.vocabulary import DEFAULT
from fsq.utils.files import read_text

SHIPPED = Path(__file__).parent / "shipped"
_MAX_BYTES = 16 << 20  # ten thousand features, each line with its comment
_MAX_CHAIN = 20


def load_contract(contract: str | Path | Contract = "v2_33features") -> Contract:
    """Load and validate a contract.

    Args:
        contract: the name of a shipped contract, or a path that ends in ``.toml``; a loaded
            contract is returned as it is.

    Raises:
        ContractError: the file is missing, is not TOML, or breaks a rule; ``.problems`` lists
            every problem with its place and cure.

    >>> load_contract("v3_37features").features[33].name
    'star_teammate_out'
    """
    if isinstance(contract, Contract):
        return contract
    if not isinstance(contract, str | Path):
        kind = type(contract).__name__
        cure = "pass its name, the path of a .toml file, or what fsq.load_contract returned"
        raise ContractError(f"of type {kind}", [f"a {kind} is not a contract; {cure}"])
    text = str(contract)
    if text.lower().endswith(".toml"):
        return _validate(text, _read_merged(Path(text)))
    return _load_shipped(text)


def choose_contract(rows: object, contract: str | Path | Contract | None = None) -> Contract:
    """The contract that is named, else that of a store, else ``v2_33features``.

    Args:
        rows: what it is for; a store knows its own.
        contract: as for ``load_contract``; None if none is named.

    Raises:
        ContractError: it cannot be used.
        StoreError: what the store remembers cannot be read.

    >>> choose_contract([{"team_pace": 101.5}]).name
    'v2_33features'
    """
    if contract is None and isinstance(known := getattr(rows, "contract", None), Contract):
        return known
    return load_contract() if contract is None else load_contract(contract)


def parse_contract(text: str, place: str) -> Contract:
    r"""Load and check a contract from the text of its file.

    Args:
        text: TOML; if it ``extends`` a contract by a path, that starts from the current folder.
        place: what messages call it.

    Raises:
        ContractError: it is not TOML, or breaks a rule.

    >>> parse_contract('name = "v2_33features_mine"\nextends = "v2_33features"', "mine").name
    'v2_33features_mine'
    """
    return _validate(place, _extend(Path(place), _parse_toml(text, place)))


def restore_contract(data: dict[str, Any], place: str) -> Contract:
    """Load and check a whole contract from its own data, as ``model_dump`` gives it.

    Args:
        data: the contract; it extends no other.
        place: what messages call it.

    Raises:
        ContractError: it breaks a rule.

    >>> contract = load_contract("v2_33features")
    >>> copied = restore_contract(contract.model_dump(mode="json"), "a copy")
    >>> copied.version_hash == contract.version_hash
    True
    """
    return _validate(place, data)


def shipped_contracts() -> list[str]:
    """List the contracts that come with fsq."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@lru_cache
def _load_shipped(name: str) -> Contract:
    if name not in shipped_contracts():
        cure = f"use one of {shipped_contracts()}, or a path that ends in .toml"
        raise ContractError(repr(name), [f"no contract of this name is shipped; {cure}"])
    return _validate(name, _read_merged(SHIPPED / f"{name}.toml"))


def _read_merged(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's data, merged into that of the contract that it extends."""
    return _extend(path, _read_toml(path), seen)


def _extend(path: Path, data: dict[str, Any], seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Data of a file, merged into that of the contract that it extends."""
    base_name = data.pop("extends", None)
    if base_name is None:
        return data
    if not isinstance(base_name, str):
        raise ContractError(str(path), ["extends: must be one contract's name"])
    if base_name.endswith(".toml"):
        base_path = path.parent / base_name
    elif base_name in shipped_contracts():
        base_path = SHIPPED / f"{base_name}.toml"
    else:
        cure = f"use one of {shipped_contracts()}, or a path that ends in .toml"
        raise ContractError(str(path), [f"extends: no contract {base_name!r}; {cure}"])
    if base_path.resolve() in (path.resolve(), *seen):
        problem = f"extends: {base_name} extends this contract in turn; remove one of the two"
        raise ContractError(str(path), [problem])
    if len(seen) >= _MAX_CHAIN:
        raise ContractError(str(path), [f"extends: more than {_MAX_CHAIN} contracts in a chain"])
    base = _read_merged(base_path, (*seen, path.resolve()))
    return _merge(base, data)


def _merge(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in data.items():
        old = base.get(key)
        if isinstance(old, list) and isinstance(value, list):
            out[key] = [*old, *value]
        elif isinstance(old, dict) and isinstance(value, dict):
            out[key] = {**old, **value}
        else:
            out[key] = value
    return out


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = read_text(path, _MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(str(path), [f"cannot be read: {error}"]) from error
    return _parse_toml(text, str(path))


def _parse_toml(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ContractError(place, [f"is not valid TOML: {error}"]) from error


def _complete(data: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a first contract may leave out; what is malformed is left to validation.

    Features are numbered in their order; categories and source types are those in use; the
    sources ``default`` and ``missing`` are always there.
    """
    out = dict(data)
    features, sources = data.get("features"), data.get("sources")
    if isinstance(features, list):
        out["features"] = features = [
            {"index": i} | f if isinstance(f, dict) else f for i, f in enumerate(features)
        ]
        if "categories" not in data:
            used = [f.get("category") for f in features if isinstance(f, dict)]
            out["categories"] = [{"name": n} for n in dict.fromkeys(used) if n is not None]
    if isinstance(sources, dict):
        out["sources"] = {**sources, **{k: v for k, v in _ALWAYS.items() if k not in sources}}
        if "source_types" not in data:
            used = [s.get("type") for s in sources.values() if isinstance(s, dict)]
            types = [n for n in dict.fromkeys(used) if n not in (None, DEFAULT)]
            out["source_types"] = [{"name": n} for n in types]
    return out


_ALWAYS: dict[str, Any] = {
    "default": {"type": DEFAULT, "base": 40, "reliability": 0},
    "missing": {"type": DEFAULT, "base": 0, "reliability": 0},
}


def _validate(place: str, data: dict[str, Any]) -> Contract:
    data = _complete(data)
    table, wrong = complete_thresholds(data.get("diagnosis", {}))
    problems = [f"diagnosis.{key}: {what}" for key, what in wrong]
    try:
        contract = Contract.model_validate(data | ({} if table is None else {"diagnosis": table}))
    except ValidationError as error:
        invalid = [f"{_describe_place(e['loc'], data)}: {e['msg']}" for e in error.errors()]
        raise ContractError(place, [*invalid, *problems]) from None
    if problems := [*find_contradictions(contract), *problems]:
        raise ContractError(place, problems)
    return contract


def _describe_place(loc: tuple[int | str, ...], data: Any) -> str:
    """The place of a problem as text: ``features[3] (points_std_last_10).min``."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(part, int) and isinstance(data, dict) and isinstance(data.get("name"), str):
            text += f" ({data['name'][:60]})"
    return text or "the document"
