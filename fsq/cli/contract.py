"""``fsq contract``: draft, show, check and compare contracts."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsq.cli._completion import complete_contract
from fsq.cli._options import CONTRACT, SOURCES, JsonOpt, UntrustedOpt
from fsq.cli._output import Output
from fsq.errors import InputError
from fsq.utils.files import write_atomically
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.contract import Contract, Feature

app = typer.Typer(help="Draft, show, check and compare contracts.", rich_markup_mode=None)
ContractArg = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH",
        autocompletion=complete_contract,
        help="A shipped contract, or your own TOML file.",
    ),
]


@app.command()
def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help=f"{SOURCES}.")],
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column that names the entity. Repeat it for several."),
    ] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of dates.")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Timestamp that is part of the key.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column that models predict; not a feature."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the contract; by default the file's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Where to write it; by default stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    untrusted: UntrustedOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Draft a contract from data; each line says what it was read from."""
    from fsq.backfilling.source import scan_source, source_read_errors, spilled_to_disk
    from fsq.backfilling.untrusted import read_apart
    from fsq.contract.drafting import draft_contract
    from fsq.contract.loading import parse_contract

    if out is not None:
        _require_target(out, force)
    with read_apart(wanted=untrusted), source_read_errors(data):
        found = scan_source(data)
        with spilled_to_disk(found, data, found.collect_schema().names()) as rows:
            text = draft_contract(
                rows,
                keys=key or (),
                date=date,
                time=time,
                label=label,
                name=name or _make_name(out.stem if out is not None else data),
            )
    contract, screen = parse_contract(text, str(out or "the draft")), Output(as_json)
    if out is None and not as_json:
        sys.stdout.write(text)
    if out is not None:
        write_atomically(out, text)
        screen.line(f"{out}: {_title(contract)}")
        screen.line("Each line says what it was read from: look at each, then run")
        screen.line(f"  fsq contract check {shlex.quote(str(out))}")
        store = f"warehouse/{contract.name}"
        words = ["--source", data, "--store", store, "--contract", str(out)]
        screen.line(f"  fsq backfill {shlex.join(words)}")
        screen.line(f"  fsq check --store {shlex.quote(store)}")
    screen.document(
        {
            "contract": None if out is None else str(out),
            "name": contract.name,
            "features": len(contract.features),
            "identities": len(contract.identities),
            "version_hash": contract.version_hash,
            "toml": text,
        }
    )


def _require_target(path: Path, force: bool) -> None:
    headline = "the contract cannot be drafted"
    if path.suffix != ".toml":
        raise InputError([f"--out {path}: the name must end in .toml"], headline)
    if path.exists() and not force:
        cure = "name another file, or add --force to replace it"
        raise InputError([f"--out {path}: the file exists; {cure}"], headline)


def _make_name(text: str) -> str:
    """A contract's name from that of a file or table.

    >>> _make_name("data/flights 2013.parquet"), _make_name("bigquery://p.d.my_table")
    ('flights_2013', 'my_table')
    """
    last = re.sub(r"\.[A-Za-z]\w{0,9}$", "", text.rstrip("/").rpartition("/")[2])
    last = text.rpartition(".")[2] if text.startswith("bigquery://") else last
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", last).strip("_-")[:60]
    return plain if plain[:1].isalpha() else f"c_{plain}".rstrip("_")


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Where to write it; else stdout.")
    ] = None,
) -> None:
    """Print the JSON Schema of contracts, for editors to complete and check."""
    from fsq.contract.json_schema import make_json_schema

    text = json.dumps(make_json_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    write_atomically(out, text)
    Output().line(f'{out} is written; begin your contract with "#:schema {out}"')


@app.command()
def show(
    contract: ContractArg = CONTRACT,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print the whole contract as TOML, merged.")
    ] = False,
    as_json: JsonOpt = False,
) -> None:
    """Print a contract's features, processors and models."""
    from fsq.contract import load_contract
    from fsq.contract.toml import to_toml

    loaded, out = load_contract(contract), Output(as_json)
    if toml:
        if as_json:
            raise InputError(["--toml and --json: choose one"], "the contract cannot be shown")
        sys.stdout.write(to_toml(loaded))
        return
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
    """List every problem of a contract.

    If there is one, the exit status is 2.
    """
    from fsq.contract import load_contract

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
    """Print how two contracts differ; - marks what one of them lacks."""
    from fsq.contract import load_contract

    out = Output(as_json)
    left, right = (load_contract(c).model_dump(mode="json") for c in (a, b))
    differences = _find_differences(left, right)
    if differences:
        rows = [(d["place"], _cell(d["a"]), _cell(d["b"])) for d in differences]
        out.table(("place", a, b), rows)
    out.line(plural(len(differences), "difference"))
    out.document({"a": a, "b": b, "same": not differences, "differences": differences})


def _title(contract: Contract) -> str:
    features = plural(len(contract.features), "feature")
    return f"{contract.name}, {features}, version {contract.version_hash}"


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
