"""The layout of an input: how to read it, and what is wrong with its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, assert_never, get_args

import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.errors import short
from fsq.intake.formats import (
    VALUE_ARRAYS,
    Form,
    detect_form,
    list_carried_columns,
    list_provenance_columns,
    list_wide_columns,
)
from fsq.intake.source_labels import is_text
from fsq.schema.columns import ColumnType
from fsq.schema.provenance import PROVENANCE
from fsq.utils.spelling import suggest_spelling

# What a column of the input holds: what a column of the output may, or one of the forms' arrays.
InputType = ColumnType | Literal["numbers", "labels"]


@dataclass(frozen=True)
class Layout:
    """How to read an input: what the names and types of its columns say, before any row is read.

    It is worked out once for an input and handed on to whatever validates or scores its rows.

    Attributes:
        form: the form of its rows.
        carried: columns that the output carries through unchanged.
        needed: columns that scoring reads.
        contract: the contract that the rows are scored with.
        schema: the input's columns and their types.
    """

    form: Form
    carried: list[str]
    needed: list[str]
    contract: Contract
    schema: pl.Schema

    @property
    def columns(self) -> list[str]:
        """The columns to read: carried ones first, then the others that scoring needs."""
        return list(dict.fromkeys([*self.carried, *self.needed]))

    def select(self, columns: Iterable[str]) -> Layout:
        """The layout of the same input with only some of its columns."""
        kept = set(columns)
        return replace(
            self,
            carried=[c for c in self.carried if c in kept],
            needed=[c for c in self.needed if c in kept],
            schema=pl.Schema({c: dtype for c, dtype in self.schema.items() if c in kept}),
        )

    def narrow(self, outputs: Collection[str], *, with_detail: bool) -> Layout:
        """The layout that suffices for some columns of the output.

        Args:
            outputs: the columns of the output that are wanted, carried ones included.
            with_detail: whether the detail is among them; without it, no column is read that is
                only written out.
        """
        carried = [c for c in self.carried if c in outputs]
        needed = self.needed
        if not with_detail and self.form == "wide":
            unread = {
                column
                for field in PROVENANCE.values()
                if not field.read_by_rules
                for feature in self.contract.features
                for column in field.columns(feature)
            }
            needed = [c for c in needed if c not in unread]
        return replace(self, carried=carried, needed=needed)


@lru_cache(maxsize=32)
def infer_layout(
    columns: tuple[tuple[str, pl.DataType], ...], contract: Contract
) -> tuple[Layout, tuple[str, ...]]:
    """How to read columns of these names and types, and what is wrong with them."""
    schema = pl.Schema(columns)
    form = detect_form(schema, contract)
    table, output = contract.table, contract.output
    problems = [*find_key_problems(schema, table), *_type_problems(schema, contract, form)]
    if form == "wide":
        problems = [*_missing_columns(schema, contract), *problems]
        allowed = {*output.legacy, *contract.names}
        if taken := [c for c in schema if c in output.names and c not in allowed]:
            problems.append(f"columns named like output columns: {taken}; rename or drop them")
    problems += _name_problems(schema)
    problems += _spelling_problems(schema, contract, form)
    if form == "legacy" and "feature_sources" not in schema:
        problems.append(
            "missing column feature_sources; add it, since legacy rows state their sources there"
        )
    carried = list_carried_columns(schema, form, contract)
    needed = _needed_columns(schema, contract, form)
    return Layout(form, carried, needed, contract, schema), tuple(problems)


def list_expected_columns(contract: Contract, forms: Iterable[Form] = get_args(Form)) -> set[str]:
    """Every column that scoring reads from rows of one of these forms."""
    return set(contract.table.key).union(*(_expected_types(contract, form) for form in forms))


def _needed_columns(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that scoring reads, whatever else the input has."""
    wanted = list_expected_columns(contract)
    if form != "wide":
        wanted -= set(contract.names)  # a feature may bear an output column's name
    if form != "scored":
        wanted -= {"feature_quality_detail"}
    return [c for c in schema if c in wanted]


def _spelling_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that may be meant by names that are missing, and in what they differ from them."""
    named = [*contract.table.key, *_list_required(contract, form)]
    hints = suggest_spelling([n for n in named if n not in schema], schema)
    return [f"the names of columns are spelt otherwise: {hints}; rename them"] if hints else []


def _list_required(contract: Contract, form: Form) -> list[str]:
    """Columns without which rows of a form are refused, besides their key."""
    if form == "legacy":
        return ["feature_sources"]
    return [*contract.names, *(f"{n}__source" for n in contract.names)] if form == "wide" else []


def _name_problems(schema: pl.Schema) -> list[str]:
    """Names, of nested fields too, that neither Arrow nor any file can hold."""
    wrong = [
        short(c)
        for c, dtype in schema.items()
        if any("\0" in name for name in (c, *_nested_names(dtype)))
    ]
    return (
        [f"NUL character in the name of a column or its fields: {wrong}; rename it"]
        if wrong
        else []
    )


def _nested_names(dtype: pl.DataType) -> Iterator[str]:
    if isinstance(dtype, pl.List | pl.Array):
        yield from _nested_names(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield field.name
            yield from _nested_names(field.dtype)  # type: ignore[arg-type]


def _missing_columns(schema: pl.Schema, contract: Contract) -> list[str]:
    missing = [n for n in contract.names if n not in schema]
    if "feature_sources" not in schema and contract.unlabelled is None:
        missing += [f"{n}__source" for n in contract.names if f"{n}__source" not in schema]
    return [f"missing columns: {missing}; {contract.name} needs them all"] if missing else []


def find_key_problems(
    schema: pl.Schema, table: Table, columns: Collection[str] | None = None
) -> list[str]:
    """Key columns that are missing or have the wrong type; of all keys, or of these columns."""
    keys = [k for k in table.key if columns is None or k in columns]
    out = [f"missing key column {k!r}; every row needs it" for k in keys if k not in schema]
    for key in keys:
        dtype = schema.get(key)
        if dtype is None:
            continue
        if key == table.date and dtype != pl.Date:
            out.append(f"{key} is {dtype}; cast it to a date")
        elif key == table.time and not isinstance(dtype, pl.Datetime):
            out.append(f"{key} is {dtype}; make it a timestamp")
        elif key in table.keys and not (is_text(dtype) or dtype.is_integer()):
            out.append(f"{key} is {dtype}; make it a string or an integer")
    return out


def accepts(expected: InputType, dtype: pl.DataType) -> bool:
    """Whether a column of this Polars type can be read as what is expected of it."""
    if isinstance(dtype, pl.Null):
        return True
    match expected:
        case "float":
            return dtype.is_numeric() or dtype == pl.Boolean
        case "int":
            return dtype.is_numeric()
        case "timestamp":
            return isinstance(dtype, pl.Datetime)
        case "strings":
            return _is_list_of("string", dtype)
        case "numbers":
            return _is_list_of("float", dtype)
        case "detail":
            structs = dtype.inner if isinstance(dtype, pl.List | pl.Array) else None
            return isinstance(structs, pl.Struct) and not _mistyped_fields(structs)
        case "labels":
            return is_text(dtype) or _is_map(dtype)
        case _:
            return is_text(dtype)


def _is_list_of(expected: InputType, dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List | pl.Array) and accepts(expected, dtype.inner)  # type: ignore[arg-type]


def _is_map(dtype: pl.DataType) -> bool:
    """Whether labels by position can be read from it: a struct, or a list of keys and labels."""
    pairs = isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)
    struct = dtype.inner if pairs else dtype  # type: ignore[attr-defined]
    if not isinstance(struct, pl.Struct) or (pairs and len(struct.fields) != 2):
        return False
    return all(accepts("string", f.dtype) for f in struct.fields)  # type: ignore[arg-type]


def _mistyped_fields(detail: pl.Struct) -> list[str]:
    """Fields of a scored detail whose type none of fsq's writers gives them."""
    expected: dict[str, ColumnType] = {f.detail_field: f.type for f in PROVENANCE.values()}
    expected |= {"feature_value": "float", "feature_name": "string", "source_type": "string"}
    return [
        f.name
        for f in detail.fields
        if f.name in expected and not accepts(expected[f.name], f.dtype)  # type: ignore[arg-type]
    ]


def _expected_types(contract: Contract, form: Form) -> dict[str, InputType]:
    """The columns that scoring reads from rows of a form, and what each must hold."""
    positions = range(len(contract.names))
    out: dict[str, InputType] = {
        "computed_at": "timestamp",
        "as_of": "timestamp",
        "processors_completed": "strings",
        "pipeline_run_id": "string",
        **dict.fromkeys(contract.output.legacy, "string"),
        "feature_sources": "labels",
    }
    match form:
        case "wide":
            out |= list_wide_columns(contract)
        case "legacy":
            out |= dict.fromkeys(VALUE_ARRAYS, "numbers")
            out["feature_names"] = "strings"
        case "hybrid":
            out |= {f"feature_{i}_value": "float" for i in positions}
            out |= {f"feature_{i}_source": "string" for i in positions}
        case "scored":
            out["feature_quality_detail"] = "detail"
        case _:
            assert_never(form)
    if form in ("hybrid", "scored"):  # these read a shared column where their own says nothing
        out |= list_provenance_columns(contract)
    if form in ("legacy", "hybrid"):
        out |= {"updated_at": "timestamp", "created_at": "timestamp"}
        out |= {
            f"{prefix}_{field.legacy_suffix}": field.type
            for prefix in (contract.legacy.prefixes if contract.legacy else {}).values()
            for field in PROVENANCE.values()
            if field.legacy_suffix
        }
    return out


def list_moment_columns(layout: Layout) -> list[str]:
    """The columns of moments that scoring reads."""
    expected = _expected_types(layout.contract, layout.form)
    names = {c for c, kind in expected.items() if kind == "timestamp"}
    names |= {layout.contract.table.time or ""}
    schema = layout.schema.items()
    return [c for c, dtype in schema if c in names and isinstance(dtype, pl.Datetime)]


@lru_cache(maxsize=16)
def list_number_columns(contract: Contract) -> frozenset[str]:
    """Lower-case names of the columns that are read as numbers, of rows in any form."""
    expected = [*(_expected_types(contract, form).items() for form in get_args(Form))]
    numbers = ("float", "int", "numbers")
    return frozenset(c.lower() for items in expected for c, kind in items if kind in numbers)


_CURES: dict[InputType, str] = {
    "float": "a number",
    "int": "an integer",
    "timestamp": "a timestamp",
    "strings": "a list of strings",
    "numbers": "a list of numbers",
    "detail": "what fsq.score returned",
    "labels": "JSON text or a map",
}


def _type_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    return [
        f"wrong type: {column} is {schema[column]}; make it {_CURES.get(expected, 'a string')}"
        for column, expected in _expected_types(contract, form).items()
        if column in schema and not accepts(expected, schema[column])
    ]
