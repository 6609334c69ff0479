"""Loading contracts: TOML files, shipped in ``fsq/contract/shipped`` or your own.

A contract may extend another by naming it: what it states wins, tables are merged, and features
and caps are added.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fsq.contract import thresholds
from fsq.contract.model import CategoryName, Contract
from fsq.errors import ContractError
from fsq.utils.files import read_text

SHIPPED = Path(__file__).parent / "shipped"
_MAX_BYTES = 1 << 20
_MAX_CHAIN = 20
# What rows hold beside their features, in any form.
RESERVED = re.compile(
    r"player_lookup|game_date|game_id|as_of|computed_at|updated_at|created_at|pipeline_run_id"
    r"|processors_completed|features|feature_store_values|feature_names|feature_sources"
    r"|feature_quality_detail|primary_data_source|matchup_data_status|feature_\d+_(value|source)"
    r"|.*__(source|last_updated|data_hash|upstream_table|sample_size|game_ids|original_value"
    r"|fallback_reason|duration_ms)"
)


def load_contract(contract: str | Path | Contract = "v2_33features") -> Contract:
    """Load and check a contract.

    Args:
        contract: the name of a shipped contract, or the path of a TOML file (it ends in
            ``.toml``); a loaded contract is returned as it is.

    Raises:
        ContractError: the file is absent, is not TOML, or breaks a rule; every fault is in
            ``.problems`` with its place and cure.

    >>> load_contract("v3_37features").features[33].name
    'star_teammate_out'
    """
    if isinstance(contract, Contract):
        return contract
    text = str(contract)
    return _shipped(text) if not text.endswith(".toml") else _checked(text, _merged(Path(text)))


def shipped_contracts() -> list[str]:
    """Names of the contracts that come with fsq."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@lru_cache
def _shipped(name: str) -> Contract:
    if name not in shipped_contracts():
        cure = f"use one of {shipped_contracts()}, or a path that ends in .toml"
        raise ContractError(repr(name), [f"no contract of this name is shipped; {cure}"])
    return _checked(name, _merged(SHIPPED / f"{name}.toml"))


def _merged(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's data laid over that of the contract that it extends."""
    data = _toml(path)
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
        raise ContractError(str(path), [f"extends: {base_name} extends it in turn; break the ring"])
    if len(seen) >= _MAX_CHAIN:
        raise ContractError(str(path), [f"extends: more than {_MAX_CHAIN} contracts in a chain"])
    base = _merged(base_path, (*seen, path.resolve()))
    return _overlaid(base, data)


def _overlaid(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
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


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path, _MAX_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(str(path), [f"cannot be read: {error}"]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ContractError(str(path), [f"is not valid TOML: {error}"]) from error


def _checked(place: str, data: dict[str, Any]) -> Contract:
    table, wrong = thresholds.complete(data.get("diagnosis"))
    problems = [f"diagnosis.{key}: {what}" for key, what in wrong]
    try:
        contract = Contract.model_validate(data | ({} if table is None else {"diagnosis": table}))
    except ValidationError as error:
        found = [f"{_place(e['loc'], data)}: {e['msg']}" for e in error.errors()]
        raise ContractError(place, [*found, *problems]) from None
    if problems := [*_faults(contract), *problems]:
        raise ContractError(place, problems)
    return contract


def _place(loc: tuple[int | str, ...], data: Any) -> str:
    """The fault's place in words: ``features[3] (points_std_last_10).min``."""
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


def _faults(c: Contract) -> list[str]:
    """Faults that show only when the parts are held against each other."""
    known, out = set(c.names), []
    for what, items in (
        ("features", c.names),
        ("categories", [k.name for k in c.categories]),
        ("processors", [p.name for p in c.processors]),
    ):
        twice = sorted(n for n, count in Counter(items).items() if count > 1)
        out += [f"{what}: {n!r} is named twice; rename or remove one" for n in twice]
    indices = [f.index for f in c.features]
    if indices != list(range(len(indices))):
        out.append(
            f"features: indices must run 0, 1, … {len(indices) - 1} in order; found {indices}"
        )
    categories = {k.name for k in c.categories}
    for f in c.features:
        place = f"features[{f.index}] ({f.name})"
        if f.min > f.max:
            out.append(f"{place}.min: {f.min:g} is above max {f.max:g}; swap them")
        if f.category not in categories:
            out.append(f"{place}.category: {f.category!r} is not in categories; add it there")
        if f.window is not None and f.window not in c.windows:
            out.append(f"{place}.window: {f.window!r} is not in windows; add it there")
    for name in sorted({*CategoryName.__args__} - categories):  # type: ignore[attr-defined]
        out.append(f"categories: {name!r} is lacking; the output has its columns, so name it")
    for model, wanted in c.models.items():
        lacking = [n for n in wanted if n not in known]
        if lacking:
            out.append(f"models.{model}: nobody defines {lacking}; add them or remove the model")
    for word in ("missing", "default"):
        if word not in c.sources or c.sources[word].type != "default":
            out.append(f"sources.{word}: must be there, with type = 'default'")
    t, r = c.tiers, c.feature_rules
    if not t.gold_above >= t.silver_from >= t.bronze_from >= t.poor_from:
        out.append("tiers: bounds must fall from gold_above to poor_from")
    if r.stale_hours > r.very_stale_hours:
        out.append("feature_rules: stale_hours is above very_stale_hours; swap them")
    if sum(p.calculates for p in c.processors) > 1:
        out.append("processors: only one may have calculates = true; choose one")
    d = c.diagnosis
    if d.history_min_days > d.history_days:
        out.append("diagnosis: history_min_days is above history_days; lower it")
    clash = known & {w for f in c.features for w in (f.window, f.upstream_table) if w}
    cure = "is a window's or a table's name too; rename it"
    out += [f"features: {n!r} {cure}" for n in sorted(clash)]
    out += [
        f"processors ({p.name}).rerun: only the placeholder {{date}} is known"
        for p in c.processors
        if p.rerun and re.search(r"[{}]", p.rerun.replace("{date}", ""))
    ]
    out += [
        f"processors ({p.name}).rerun: a command is one line of printable characters"
        for p in c.processors
        if p.rerun and not p.rerun.isprintable()
    ]
    out += [
        f"features: {n!r} is what rows call something else; rename it"
        for n in c.names
        if RESERVED.fullmatch(n)
    ]
    return out
