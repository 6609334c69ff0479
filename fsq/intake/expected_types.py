"""What scoring expects of an input's columns: which it reads, and what each must hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Literal, assert_never, get_args

import polars as pl

from fsq.contract import Contract
from fsq.intake.formats import (
    VALUE_ARRAYS,
    Form,
    list_provenance_columns,
    list_wide_columns,
)
from fsq.schema.columns import ColumnType
from fsq.schema.polars_types import inner_type, is_text, struct_fields
from fsq.schema.provenance import PROVENANCE

# What a column of the input holds: what a column of the output may, or one of the forms' arrays.
InputType = ColumnType | Literal["numbers", "labels"]
_CURES: dict[InputType, str] = {
    "float": "a number",
    "int": "an integer",
    "timestamp": "a timestamp",
    "strings": "a list of strings",
    "numbers": "a list of numbers",
    "detail": "what fsq.score returned",
    "labels": "JSON text or a map",
}


@lru_cache(maxsize=16)
def expected_types(contract: Contract, form: Form) -> Mapping[str, InputType]:
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


def list_expected_columns(contract: Contract, forms: Iterable[Form] = get_args(Form)) -> set[str]:
    """Every column that scoring reads from rows of one of these forms."""
    return set(contract.table.key).union(*(expected_types(contract, form) for form in forms))


@lru_cache(maxsize=16)
def list_number_columns(contract: Contract) -> frozenset[str]:
    """Lower-case names of the columns that are read as numbers, of rows in any form."""
    return _list_columns(contract, ("float", "int", "numbers"))


@lru_cache(maxsize=16)
def list_text_columns(contract: Contract) -> frozenset[str]:
    """Lower-case names of the columns that are read as texts, of rows in any form."""
    return _list_columns(contract, ("string",))


def _list_columns(contract: Contract, kinds: Collection[str]) -> frozenset[str]:
    expected = (expected_types(contract, form).items() for form in get_args(Form))
    return frozenset(c.lower() for items in expected for c, kind in items if kind in kinds)


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
    return isinstance(dtype, pl.List | pl.Array) and accepts(expected, inner_type(dtype))


def _is_map(dtype: pl.DataType) -> bool:
    """Whether labels by position can be read from it: a struct, or a list of keys and labels."""
    pairs = isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)
    struct = dtype.inner if pairs else dtype  # type: ignore[attr-defined]
    if not isinstance(struct, pl.Struct) or (pairs and len(struct.fields) != 2):
        return False
    return all(accepts("string", dtype) for dtype in struct_fields(struct).values())


def _mistyped_fields(detail: pl.Struct) -> list[str]:
    """Fields of a scored detail whose type none of fsq's writers gives them."""
    expected: dict[str, ColumnType] = {f.detail_field: f.type for f in PROVENANCE.values()}
    expected |= {"feature_value": "float", "feature_name": "string", "source_type": "string"}
    return [
        name
        for name, dtype in struct_fields(detail).items()
        if name in expected and not accepts(expected[name], dtype)
    ]


def find_type_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns whose type scoring cannot read, each with the type to give it."""
    return [
        f"wrong type: {column} is {schema[column]}; make it {_CURES.get(expected, 'a string')}"
        for column, expected in expected_types(contract, form).items()
        if column in schema and not accepts(expected, schema[column])
    ]
