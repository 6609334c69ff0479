"""The two readings of one contract: what the oracle takes, and the TOML text that fsq takes.

Both start from the contract as a TOML parser would return it; the defaults of what it leaves out
are those of the definition.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.oracle_model import (
    OracleAlerts,
    OracleContract,
    OracleFeature,
    OracleGate,
    OracleLegacy,
    OracleRules,
    OracleTiers,
)

Data = dict[str, Any]

# Raw words that every contract knows.
_ALWAYS = {"default": ("default", 40.0, 0.0), "missing": ("default", 0.0, 0.0)}


def write_toml(data: Data) -> str:
    """The data as a TOML document.

    >>> print(write_toml({"name": "mine", "table": {"keys": ["a"], "group": "b"}}))
    name = "mine"
    table = { keys = ["a"], group = "b" }
    """
    return "\n".join(f"{key} = {_write_value(value)}" for key, value in data.items())


def _write_value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_write_value(v)}" for key, v in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write_value, value)) + "]"
    return json.dumps(value)


def read_contract(data: Data) -> OracleContract:
    """The data as the oracle's contract."""
    table = data["table"]
    sources = {w: (s["type"], s["base"], s["reliability"]) for w, s in data["sources"].items()}
    sources |= {w: s for w, s in _ALWAYS.items() if w not in sources}
    features = [_read_feature(i, f) for i, f in enumerate(data["features"])]
    stated = data.get("source_types", [{"name": t} for t, _, _ in sources.values()])
    types = {t["name"]: t.get("tier", "gold") for t in stated if t["name"] != "default"}
    categories = data.get("categories", [{"name": f.category} for f in features])
    plain = ("unlabelled", "models", "model_column", "detail_version", "schema_version")
    optional: Data = {name: data[name] for name in plain if name in data}
    for gate in ("training_ready", "production_ready"):
        if gate in data:
            optional[gate] = OracleGate(**data[gate])
    return OracleContract(
        name=data["name"],
        features=features,
        sources=sources,
        source_types=types,
        categories={c["name"]: c.get("optional", False) for c in categories},
        keys=table["keys"],
        date=table.get("date", "date"),
        time=table.get("time"),
        group=table.get("group"),
        timezone=table.get("timezone", "UTC"),
        sizes={name: w.get("size") for name, w in data.get("windows", {}).items()},
        thresholds=data.get("tables", {}),
        processors={p["name"]: p.get("expected", True) for p in data.get("processors", [])},
        rules=OracleRules(**data.get("feature_rules", {})),
        tiers=OracleTiers(**data.get("tiers", {})),
        alerts=OracleAlerts(**data.get("alerts", {})),
        legacy=OracleLegacy(**data["legacy"]) if "legacy" in data else None,
        flags=_read_flags(data.get("flags", {})),
        model_flags=_read_flags(data.get("model_flags", {})),
        caps=[(c["min_required_defaults"], c["max_score"]) for c in data.get("score_caps", [])],
        **optional,
    )


def _read_feature(index: int, stated: Data) -> OracleFeature:
    defaults: Data = {
        "index": index,
        "window": None,
        "on_violation": "warn",
        "expected": None,
        "suspicious_default": False,
        "fallback_reason": "value_missing",
        "definition_version": "v1",
    }
    return OracleFeature(**(defaults | stated))


def _read_flags(flags: Data) -> dict[str, list[str]]:
    """A flag is the list of its features, or a table with that list."""
    return {name: f["features"] if isinstance(f, dict) else f for name, f in flags.items()}
