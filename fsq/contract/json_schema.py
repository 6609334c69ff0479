"""A JSON Schema of contract files, with which editors complete and check them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from fsq.contract import rules, sections, thresholds
from fsq.contract.model import Contract
from fsq.contract.sections import Section
from fsq.contract.table import Table

_NEEDED = ("name", "table", "features", "sources")  # by a contract that extends none
_MERGED = ("Table", "Legacy", "Gate")  # sections of which an extending contract may state a part
_ENTRY = re.compile(r"^ {4}(?: {4})?(\w+): (.*(?:\n {8}(?: {4})? +.*)*)", re.MULTILINE)


def make_json_schema() -> dict[str, Any]:
    """The JSON Schema of a contract's file, for editors and ``check-jsonschema``.

    It knows names, types and bounds; what holds between the parts of a contract, only
    ``fsq contract check`` knows.

    >>> make_json_schema()["$defs"]["DiagnosisRules"]["properties"]["silent_share"]["default"]
    0.2
    """
    schema = Contract.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for model in _list_models():
        described = schema if model is Contract else definitions.get(model.__name__)
        if described is not None:
            _describe(described, model)
    definitions["Feature"]["required"].remove("index")
    whole = {
        "table": {
            "required": ["keys"],
            "anyOf": [{"required": ["date"]}, {"required": ["time"]}],
        },
        **{gate: {"required": ["tiers"]} for gate in ("training_ready", "production_ready")},
        "legacy": {"required": definitions["Legacy"]["required"]},
    }
    for name in _MERGED:
        definitions[name].pop("required")
    _add_thresholds(definitions["DiagnosisRules"])
    for flags in ("flags", "model_flags"):
        _allow_lists(schema["properties"][flags])
    _close_tables(schema)
    _drop_nulls(schema)
    _drop_titles(schema)
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "A shipped contract, or a path that ends in .toml: tables are merged, "
        "features and other lists are added",
    }
    schema |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fsq contract",
        "required": [],
        "if": {"required": ["extends"]},
        "else": {"required": list(_NEEDED), "properties": whole},
    }
    return schema


def _list_models() -> list[type[Section]]:
    own = [m for part in (sections, rules) for _, m in inspect.getmembers(part, inspect.isclass)]
    return [Contract, Table, *(m for m in own if issubclass(m, Section) and m is not Section)]


def _describe(schema: dict[str, Any], model: type[Section]) -> None:
    """Say of each field what the docstrings of its class and of its bases say."""
    for owner in reversed(model.__mro__):
        text = inspect.getdoc(owner) if issubclass(owner, Section) else None
        _, _, attributes = (text or "").partition("Attributes:\n")
        for name, what in _ENTRY.findall(attributes):
            if name in schema["properties"]:
                plain = re.sub(r"\s+", " ", what).replace("``", "`")
                schema["properties"][name]["description"] = plain[:1].upper() + plain[1:]
    schema["description"] = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")


def _add_thresholds(section: dict[str, Any]) -> None:
    """The thresholds that checks declare, with their defaults."""
    for declared in thresholds.list_declared():
        fields = declared.model_json_schema()["properties"]
        for name, what in thresholds.describe_thresholds(declared).items():
            fields[name]["description"] = what
        section["properties"] |= fields
    for field in section["properties"].values():
        if "prefixItems" in field:  # pairs, which older validators do not know
            field["items"] = field.pop("prefixItems")[0]
    section["additionalProperties"] = False


def _allow_lists(flags: dict[str, Any]) -> None:
    """A flag may be written as the list of its features alone."""
    for pattern, flag in flags["patternProperties"].items():
        names = {"type": "array", "items": {"type": "string"}}
        flags["patternProperties"][pattern] = {"anyOf": [flag, names]}


def _close_tables(schema: dict[str, Any]) -> None:
    """Refuse keys that break the pattern of names."""
    for node in _list_objects(schema):
        if "patternProperties" in node:
            node["additionalProperties"] = False


def _drop_nulls(schema: dict[str, Any]) -> None:
    """TOML has no NULL: what may be one is left out."""
    for node in _list_objects(schema):
        options = [o for o in node.get("anyOf", []) if o != {"type": "null"}]
        if len(options) == 1 != len(node["anyOf"]):
            del node["anyOf"]
            node |= options[0]
        if node.get("default", 0) is None:
            del node["default"]


def _drop_titles(schema: dict[str, Any]) -> None:
    """Drop the titles that only repeat a field's name."""
    for node in _list_objects(schema):
        if isinstance(node.get("title"), str):
            del node["title"]


def _list_objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document, from the outside in; each may be changed when it comes."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _list_objects(value)
