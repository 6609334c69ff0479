"""The layout of an input: how to read it, and what is wrong with its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.errors import short
from fsq.intake.expected_types import (
    expected_types,
    find_type_problems,
    list_expected_columns,
)
from fsq.intake.formats import (
    Form,
    detect_form,
    list_carried_columns,
)
from fsq.schema.polars_types import inner_type, is_pattern, is_text, struct_fields
from fsq.schema.provenance import PROVENANCE
from fsq.utils.spelling import suggest_spelling


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
    """How to read columns of these names and types, and every problem with them."""
    schema = pl.Schema(columns)
    form = detect_form(schema, contract)
    table, output = contract.table, contract.output
    problems = [*find_key_problems(schema, table), *find_type_problems(schema, contract, form)]
    if form == "wide":
        missing = _missing_columns(schema, contract)
        problems = [*_find_other_table(schema, contract), *missing, *problems]
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


def _needed_columns(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that scoring reads, whatever else the input has."""
    wanted = list_expected_columns(contract)
    if form != "wide":
        wanted -= set(contract.names)  # a feature may bear an output column's name
    if form != "scored":
        wanted -= {"feature_quality_detail"}
    return [c for c in schema if c in wanted]


def _spelling_problems(schema: pl.Schema, contract: Contract, form: Form) -> list[str]:
    """Columns that missing names may mean, and how they differ from those."""
    named = [*contract.table.key, *_list_required(contract, form)]
    hints = suggest_spelling([n for n in named if n not in schema], schema)
    return [f"column names are spelled differently: {hints}; rename them"] if hints else []


def _list_required(contract: Contract, form: Form) -> list[str]:
    """Columns without which rows of a form are refused, besides their key."""
    if form == "legacy":
        return ["feature_sources"]
    return [*contract.names, *(f"{n}__source" for n in contract.names)] if form == "wide" else []


def _name_problems(schema: pl.Schema) -> list[str]:
    """Names that no file can hold, nested fields' too, or that Polars takes for patterns."""
    wrong = [
        short(c)
        for c, dtype in schema.items()
        if any("\0" in name for name in (c, *_nested_names(dtype)))
    ]
    out = []
    if wrong:
        out.append(f"NUL character in the name of a column or its fields: {wrong}; rename it")
    if patterns := [short(c) for c in schema if is_pattern(c)]:
        out.append(f"columns named like patterns of names: {patterns}; rename them")
    return out


def _nested_names(dtype: pl.DataType) -> Iterator[str]:
    if isinstance(dtype, pl.List | pl.Array):
        yield from _nested_names(inner_type(dtype))
    if isinstance(dtype, pl.Struct):
        for name, inner in struct_fields(dtype).items():
            yield name
            yield from _nested_names(inner)


def _find_other_table(schema: pl.Schema, contract: Contract) -> list[str]:
    """Whether a table has nothing that the contract names, so that it must be another one."""
    named = {c.lower() for c in (*contract.table.key, *contract.names)}
    if not schema or named & {c.lower() for c in schema}:
        return []
    return [
        f"not a table that {contract.name} describes: none of its keys and features is there; name "
        "the contract of your table (--contract), or draft one (fsq contract init)"
    ]


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


def list_moment_columns(layout: Layout) -> list[str]:
    """The columns of moments that scoring reads."""
    expected = expected_types(layout.contract, layout.form)
    names = {c for c, kind in expected.items() if kind == "timestamp"}
    names |= {layout.contract.table.time or ""}
    schema = layout.schema.items()
    return [c for c, dtype in schema if c in names and isinstance(dtype, pl.Datetime)]
