"""``fsq contract``: show, check and compare contracts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fsq.cli._options import CONTRACT, JsonOpt
from fsq.cli._output import Output
from fsq.contract import Contract, Feature, load_contract
from fsq.utils.text import plural

app = typer.Typer(help="Show, check and compare contracts.", rich_markup_mode=None)
ContractArg = Annotated[
    str, typer.Argument(metavar="NAME|PATH", help="A shipped contract, or your own TOML file.")
]


@app.command()
def show(contract: ContractArg = CONTRACT, as_json: JsonOpt = False) -> None:
    """Print a contract's features, processors and models."""
    loaded, out = load_contract(contract), Output(as_json)
    out.line(f"{_title(loaded)}\n")
    features = [
        (f.index, f.name, f.category, f"{f.min:g} to {f.max:g}", f.expected, _role(f))
        for f in loaded.features
    ]
    names = ("#", "feature", "category", "range", "expected", "role")
    out.table(names, features, numbers="# expected")
    out.line("")
    processors = [
        (p.name, p.writes, len([f for f in loaded.features if f.upstream_table == p.writes]))
        for p in loaded.processors
    ]
    out.table(("processor", "writes", "features"), processors, numbers="features")
    if loaded.models:
        out.line("")
        models = [(name, len(wanted)) for name, wanted in loaded.models.items()]
        out.table(("model", "features"), models, numbers="features")
    out.document(loaded.model_dump(mode="json") | {"version_hash": loaded.version_hash})


@app.command()
def check(
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Your TOML file, or a shipped contract.")
    ],
    as_json: JsonOpt = False,
) -> None:
    """Check a contract: list every problem, and exit with status 2 if there is one."""
    loaded, out = load_contract(path), Output(as_json)
    out.line(f"{path} is valid: {_title(loaded)}")
    out.document(
        {
            "contract": path,
            "sound": True,
            "name": loaded.name,
            "features": len(loaded.features),
            "version_hash": loaded.version_hash,
        }
    )


@app.command()
def diff(a: ContractArg, b: ContractArg, as_json: JsonOpt = False) -> None:
    """Print how two contracts differ; - marks what one does not have."""
    out = Output(as_json)
    left, right = (load_contract(c).model_dump(mode="json") for c in (a, b))
    differences = _find_differences(left, right)
    if differences:
        rows = [(d["place"], _cell(d["a"]), _cell(d["b"])) for d in differences]
        out.table(("place", a, b), rows)
    out.line(plural(len(differences), "difference"))
    out.document({"a": a, "b": b, "same": not differences, "differences": differences})


def _title(contract: Contract) -> str:
    return f"{contract.name}, {len(contract.features)} features, version {contract.version_hash}"


def _role(feature: Feature) -> str | None:
    return "critical" if feature.critical else "optional" if feature.optional else None


def _cell(value: Any) -> str | None:
    if isinstance(value, dict):
        return "defined"
    return None if value is None else str(value)


def _find_differences(a: Any, b: Any, place: str = "") -> list[dict[str, Any]]:
    """Where two contracts differ; what only one has counts as one difference."""
    left, right = _table_entries(a), _table_entries(b)
    if left is None or right is None:
        return [] if a == b else [{"place": place, "a": a, "b": b}]
    return [
        difference
        for key in dict.fromkeys([*left, *right])
        for difference in _find_differences(
            left.get(key), right.get(key), f"{place}.{key}" if place else key
        )
    ]


def _table_entries(value: Any) -> dict[str, Any] | None:
    """The entries of a table, or of a list of tables by name or position; None of other values."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(v, dict) for v in value):
        return {str(v.get("name", i)): v for i, v in enumerate(value)}
    return None
