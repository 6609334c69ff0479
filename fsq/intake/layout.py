"""Layout: what the names and types of an input's columns say, before any row is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from fsq.contract import Contract
from fsq.errors import short
from fsq.intake.formats import (
    PROVENANCE,
    WRITTEN_ONLY,
    Form,
    carried_columns,
    detect_form,
    wide_columns,
)
from fsq.schema.columns import COLUMN_NAMES, KEYS, LEGACY_FIELDS

_MOMENTS = ("last_updated", "computed_at", "as_of", "updated_at", "created_at")


@dataclass(frozen=True)
class Layout:
    """What the column names of an input say, before any row is read."""

    form: Form
    carried: list[str]
    needed: list[str]
    contract: Contract
    schema: pl.Schema


@lru_cache(maxsize=32)
def infer_layout(
    columns: tuple[tuple[str, pl.DataType], ...], contract: Contract
) -> tuple[Layout, tuple[str, ...]]:
    """How to read columns of these names and types, and what is wrong with them."""
    schema = pl.Schema(columns)
    form = detect_form(schema, contract)
    carried = carried_columns(schema, form, contract)
    problems = [*find_key_problems(schema), *_type_problems(schema, contract, form)]
    if form == "wide":
        problems = [*_missing(schema, contract), *problems]
        may = {*LEGACY_FIELDS, *contract.names}
        if taken := [c for c in schema if c in COLUMN_NAMES and c not in may]:
            problems.append(f"columns bear an output's name: {taken}; rename or drop them")
    problems += _name_problems(schema)
    if form == "legacy" and "feature_sources" not in schema:
        problems.append("no column feature_sources; without it nothing says where values came from")
    layout = Layout(form, carried, _needed(schema, contract, form), contract, schema)
    return layout, tuple(problems)


def _needed(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that scoring reads, whatever else the input has."""
    wanted = {
        *KEYS,
        *wide_columns(contract),
        *LEGACY_FIELDS,
        "computed_at",
        "as_of",
        "pipeline_run_id",
        "processors_completed",
        "feature_quality_detail",
        "features",
        "feature_store_values",
        "feature_names",
        "updated_at",
        "created_at",
    }
    wanted |= {f"feature_{i}_{w}" for i in range(len(contract.names)) for w in ("value", "source")}
    wanted |= {
        f"{p}_{w}" for p in contract.legacy_prefixes.values() for w in ("last_updated", "hash")
    }
    if form != "wide":
        wanted -= set(contract.names)  # has_vegas_line is an output's name too
    if form != "scored":
        wanted -= {"feature_quality_detail"}
    return [c for c in schema if c in wanted]


def columns_for_rules(plan: Layout) -> list[str]:
    """Columns that scoring reads if no detail is wanted: none that are only written out."""
    if plan.form != "wide":
        return plan.needed
    ends = tuple(f"__{suffix}" for suffix in WRITTEN_ONLY)
    return [c for c in plan.needed if c in plan.contract.names or not c.endswith(ends)]


def _name_problems(schema: pl.Schema) -> list[str]:
    """Names, of nested fields too, that neither Arrow nor any file can hold."""
    wrong = [short(c) for c, kind in schema.items() if any("\0" in n for n in (c, *_fields(kind)))]
    return [f"NUL in the name of a column or its fields: {wrong}; rename it"] if wrong else []


def _fields(kind: pl.DataType) -> Iterator[str]:
    if isinstance(kind, pl.List | pl.Array):
        yield from _fields(kind.inner)  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        for field in kind.fields:
            yield field.name
            yield from _fields(field.dtype)  # type: ignore[arg-type]


def _missing(schema: pl.Schema, contract: Contract) -> list[str]:
    lacking = [n for n in contract.names if n not in schema]
    if "feature_sources" not in schema:
        lacking += [f"{n}__source" for n in contract.names if f"{n}__source" not in schema]
    return [f"missing columns: {lacking}; {contract.name} needs them all"] if lacking else []


def find_key_problems(schema: pl.Schema, keys: Iterable[str] = KEYS) -> list[str]:
    """Key columns that are missing or of a wrong type."""
    out = [f"missing key column {k!r}; every row needs it" for k in keys if k not in schema]
    if (
        "player_lookup" in keys
        and "player_lookup" in schema
        and not is_text(schema["player_lookup"])
    ):
        out.append(f"player_lookup is {schema['player_lookup']}; make it a string")
    if "game_date" in keys and "game_date" in schema and schema["game_date"] != pl.Date:
        out.append(f"game_date is {schema['game_date']}; cast it to a date")
    return out


def is_text(kind: pl.DataType) -> bool:
    """Whether a column of this type holds words."""
    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def accepts(suffix: str, kind: pl.DataType) -> bool:
    """Whether a column that is called so may have this type."""
    if isinstance(kind, pl.Null):
        return True
    if suffix in ("", "original_value"):
        return kind.is_numeric() or kind == pl.Boolean
    if suffix in ("sample_size", "duration_ms"):
        return kind.is_numeric()
    if suffix in _MOMENTS:
        return isinstance(kind, pl.Datetime)
    if suffix in ("game_ids", "processors_completed"):
        return isinstance(kind, pl.List | pl.Array) and (
            is_text(kind.inner) or isinstance(kind.inner, pl.Null)  # type: ignore[arg-type]
        )
    if suffix == "feature_sources":
        return is_text(kind) or _is_map(kind)
    if suffix in ("numbers", "names", "detail"):
        inner = kind.inner if isinstance(kind, pl.List | pl.Array) else None
        if inner is None or suffix == "detail":
            return isinstance(inner, pl.Struct) and not _wrong_fields(inner)
        return accepts("" if suffix == "numbers" else "name", inner)  # type: ignore[arg-type]
    return is_text(kind)


def _is_map(kind: pl.DataType) -> bool:
    """Whether words by position can be read from it: a struct, or a list of keys and words."""
    pairs = isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct)
    struct = kind.inner if pairs else kind  # type: ignore[attr-defined]
    if not isinstance(struct, pl.Struct) or (pairs and len(struct.fields) != 2):
        return False
    return all(accepts("word", f.dtype) for f in struct.fields)  # type: ignore[arg-type]


def _wrong_fields(detail: pl.Struct) -> list[str]:
    """Fields of a scored detail whose type none of fsq's writers gives them."""
    suffixes = {field: suffix for suffix, field in PROVENANCE.items()}
    suffixes |= {"feature_value": "", "feature_name": "name", "source_type": "word"}
    return [
        f.name
        for f in detail.fields
        if f.name in suffixes and not accepts(suffixes[f.name], f.dtype)  # type: ignore[arg-type]
    ]


def _type_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    checks = {c: c for c in ("computed_at", "as_of", "processors_completed", "pipeline_run_id")}
    checks |= {c: c for c in LEGACY_FIELDS}
    if form == "wide":
        checks |= {c: c.partition("__")[2] for c in wide_columns(contract)}
    elif form == "legacy":
        checks |= dict.fromkeys(("features", "feature_store_values"), "numbers")
        checks |= {"feature_names": "names"}
    elif form == "hybrid":
        checks |= {f"feature_{i}_value": "" for i in range(len(contract.names))}
        checks |= {f"feature_{i}_source": "source" for i in range(len(contract.names))}
    else:
        checks |= {"feature_quality_detail": "detail"}
    if form in ("hybrid", "scored"):  # these read a shared column where their own says nothing
        checks |= {c: c.partition("__")[2] for c in wide_columns(contract) if "__" in c}
    if form in ("legacy", "hybrid"):
        checks |= {c: c for c in ("updated_at", "created_at")}
        prefixes = contract.legacy_prefixes.values()
        checks |= {f"{p}_last_updated": "last_updated" for p in prefixes}
        checks |= {f"{p}_hash": "data_hash" for p in prefixes}
    wrong = {c: schema[c] for c, s in checks.items() if c in schema and not accepts(s, schema[c])}
    expected = {
        "": "a number",
        "original_value": "a number",
        "sample_size": "an integer",
        "duration_ms": "an integer",
        "game_ids": "a list of strings",
        "numbers": "an array of numbers",
        "names": "an array of strings",
        "detail": "what fsq.score gave",
        "processors_completed": "a list of strings",
        "feature_sources": "JSON text or a map",
        **dict.fromkeys(_MOMENTS, "a timestamp"),
    }
    return [
        f"wrong type: {c} is {kind}; make it {expected.get(checks[c], 'a string')}"
        for c, kind in wrong.items()
    ]
