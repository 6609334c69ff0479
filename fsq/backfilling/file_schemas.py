"""One schema for files that were written at different times.

Types drift harmlessly: an int where a column had no fraction that day, no type where it had no
value, another unit of time. Such files are read as one table, if every value survives; what
would be lost or guessed is refused, with the file and the column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from typing import cast

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.intake.expected_types import list_number_columns
from fsq.intake.formats import VALUE_ARRAYS, list_moments
from fsq.schema.polars_types import inner_type, is_text, struct_fields

_SHOWN = 3  # columns that a problem names


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring files with one schema.

    Attributes:
        name: of the first file, for messages.
        rows: their rows, lazily.
    """

    name: str
    rows: pl.LazyFrame

    @property
    def schema(self) -> pl.Schema:
        """The files' columns and their types."""
        return self.rows.collect_schema()


def combine_parts(parts: Sequence[Part], contract: Contract | None) -> pl.LazyFrame:
    """The rows of all parts, in their order, under one schema.

    Args:
        parts: at least one.
        contract: whose features are numbers, whatever type they have; None if it is unknown.

    Raises:
        InputError: a column has types that do not go together, or a file lacks a column that is
            not optional.
    """
    if all(part.schema == parts[0].schema for part in parts):
        return pl.concat([part.rows for part in parts])
    filled = [part for part in parts if not _is_empty(part)] or parts[:1]
    columns = list(dict.fromkeys(c for part in filled for c in part.schema))
    problems = _find_missing(filled, contract)
    types: dict[str, pl.DataType] = {}
    for column in columns:
        try:
            types[column] = _unify_column(filled, column, contract)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems, "the files do not fit together")
    for part in filled:
        problems += _find_losses(part, types, contract)
    if problems:
        raise InputError(problems, "the files do not fit together")
    return pl.concat([_conform(part, types) for part in filled])


def _is_empty(part: Part) -> bool:
    return bool(part.rows.select(pl.len()).collect().item() == 0)


def _find_missing(parts: Sequence[Part], contract: Contract | None) -> list[str]:
    """Files that lack a column that every row needs: NULL would pass for a default.

    A feature that rows may do without may be new: earlier files have neither it nor its source.
    """
    if contract is None:
        return []
    optional = {f.name: (f.name, f"{f.name}__source") for f in contract.features if f.optional}
    names = {*contract.table.key, *contract.names, *(f"{n}__source" for n in contract.names)}
    names |= {*VALUE_ARRAYS, "feature_names", "feature_sources", "feature_quality_detail"}
    names |= {
        f"feature_{i}_{end}" for i in range(len(contract.names)) for end in ("value", "source")
    }
    holders = {c: part.name for part in reversed(parts) for c in part.schema if c in names}
    problems = []
    for part in parts:
        new = {c for n, own in optional.items() if n not in part.schema for c in own}
        if lacking := [c for c in holders if c not in part.schema and c not in new]:
            others = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            problems.append(
                f"{part.name} lacks {', '.join(lacking[:_SHOWN])}{others}, which "
                f"{holders[lacking[0]]} has; write it again with the same columns"
            )
    return problems


def _unify_column(parts: Sequence[Part], column: str, contract: Contract | None) -> pl.DataType:
    """The type that holds a column's values from every file.

    Raises:
        InputError: there is none.
    """
    is_number = contract is not None and column.lower() in list_number_columns(contract)
    found = [(p, p.schema[column]) for p in parts if column in p.schema]
    unified = _reduce([dtype for _, dtype in found], is_number)
    if unified is None:  # without a value, the type is the writer's guess
        found = [(p, dtype if _has_values(p, column) else pl.Null()) for p, dtype in found]
        unified = _reduce([dtype for _, dtype in found], is_number)
    if unified is not None:
        return unified
    first, other = next(
        pair
        for pair in combinations(found, 2)
        if unify_types(pair[0][1], pair[1][1], is_number) is None
    )
    problem = f"{column} is {first[1]} in {first[0].name} and {other[1]} in {other[0].name}"
    raise InputError([f"{problem}; write both with one type"])


def _has_values(part: Part, column: str) -> bool:
    return bool(part.rows.select(pl.col(column).is_not_null().any()).collect().item())


def _reduce(kinds: Sequence[pl.DataType], is_number: bool) -> pl.DataType | None:
    def unify(a: pl.DataType | None, b: pl.DataType | None) -> pl.DataType | None:
        return None if a is None or b is None else unify_types(a, b, is_number)

    return reduce(unify, kinds[1:], cast("pl.DataType | None", kinds[0]))


def unify_types(a: pl.DataType, b: pl.DataType, is_number: bool = False) -> pl.DataType | None:
    """The type for values of two; None if they are not of one kind.

    Args:
        a: one of them.
        b: the other.
        is_number: the column is read as floats, whatever its numbers are.

    >>> unify_types(pl.Int64(), pl.Float64()), unify_types(pl.Int64(), pl.String())
    (Float64, None)
    """
    if a == b or isinstance(b, pl.Null):
        return a
    if isinstance(a, pl.Null):
        return b
    if is_text(a) and is_text(b):
        return pl.String()
    if isinstance(a, pl.Datetime) and isinstance(b, pl.Datetime):
        zone = a.time_zone if a.time_zone == b.time_zone else "UTC"
        unit = a.time_unit if a.time_unit == b.time_unit else "us"
        return pl.Datetime(unit, zone)
    if isinstance(a, pl.List | pl.Array) and isinstance(b, pl.List | pl.Array):
        inner = unify_types(inner_type(a), inner_type(b), is_number)
        return None if inner is None else pl.List(inner)
    if isinstance(a, pl.Struct) and isinstance(b, pl.Struct):
        return _unify_structs(a, b)
    numeric = [_is_numeric(dtype, is_number) for dtype in (a, b)]
    return _unify_numbers(a, b, is_number) if all(numeric) else None


def _unify_structs(a: pl.Struct, b: pl.Struct) -> pl.DataType | None:
    left, right = (struct_fields(s) for s in (a, b))
    fields = {
        name: unify_types(left.get(name, pl.Null()), right.get(name, pl.Null()))
        for name in dict.fromkeys((*left, *right))
    }
    known = {name: dtype for name, dtype in fields.items() if dtype is not None}
    return pl.Struct(known) if len(known) == len(fields) else None


def _unify_numbers(a: pl.DataType, b: pl.DataType, is_number: bool) -> pl.DataType | None:
    if a.is_integer() and b.is_integer():
        large = isinstance(a, pl.Int128 | pl.UInt128) or isinstance(b, pl.Int128 | pl.UInt128)
        return pl.Int128() if large else pl.Int64()
    decimals = [d for d in (a, b) if isinstance(d, pl.Decimal)]
    if is_number or not decimals:
        return pl.Float64()
    if a.is_float() or b.is_float():
        return None
    return pl.Decimal(38, max(d.scale for d in decimals))


def _is_numeric(dtype: pl.DataType, is_number: bool) -> bool:
    return dtype.is_numeric() or (is_number and isinstance(dtype, pl.Boolean))


def _find_losses(part: Part, types: dict[str, pl.DataType], contract: Contract | None) -> list[str]:
    """Values of a part that the common types cannot hold."""
    schema = part.schema
    harmless = {c for c in schema if c.endswith("__last_updated")} | {*list_moments(schema)}
    if contract is not None:
        numbers = list_number_columns(contract)
        harmless |= {c for c in schema if c.lower() in numbers}
    doubtful = [
        c
        for c, dtype in schema.items()
        if types[c] != dtype
        and c not in harmless
        and not isinstance(types[c], pl.String)
        and _is_same_kind(dtype, types[c])
    ]
    if not doubtful:
        return []
    lost = part.rows.select(
        _is_lost(pl.col(c), schema[c], types[c]).any().alias(c) for c in doubtful
    )
    return [
        f"{c} is {schema[c]} in {part.name}, and some of its values do not survive as "
        f"{types[c]}, its type in other files; write all files with one type"
        for c, is_lost in lost.collect().row(0, named=True).items()
        if is_lost
    ]


def _is_lost(value: pl.Expr, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Whether a value is another one when it comes back from a type."""
    there = _convert(value, found, wanted, strict=False)
    return _convert(there, wanted, found, strict=False).ne_missing(value)


def _conform(part: Part, types: dict[str, pl.DataType]) -> pl.LazyFrame:
    """The part's rows with all columns, NULL where it lacks one, and the common types."""
    schema = part.schema
    return part.rows.select(
        _convert(pl.col(c), schema[c], dtype).alias(c)
        if c in schema and _is_same_kind(schema[c], dtype)
        else pl.lit(None, dtype).alias(c)  # it lacks the column, or has no value in it
        for c, dtype in types.items()
    )


def _is_same_kind(found: pl.DataType, wanted: pl.DataType) -> bool:
    return unify_types(found, wanted, is_number=True) is not None


def _convert(
    value: pl.Expr, found: pl.DataType, wanted: pl.DataType, *, strict: bool = True
) -> pl.Expr:
    """Values as another type; a struct gets the fields that it lacks, which no cast does."""
    if found == wanted:
        return value
    if isinstance(wanted, pl.Struct) and isinstance(found, pl.Struct):
        present = struct_fields(found)
        fields = [
            _convert(value.struct.field(name), present[name], dtype, strict=strict).alias(name)
            if name in present
            else pl.lit(None, dtype).alias(name)
            for name, dtype in struct_fields(wanted).items()
        ]
        return pl.when(value.is_not_null()).then(pl.struct(fields))
    if isinstance(wanted, pl.List) and isinstance(found, pl.List | pl.Array):
        inner, target = inner_type(found), inner_type(wanted)
        lists = value.arr.to_list() if isinstance(found, pl.Array) else value
        return lists.list.eval(_convert(pl.element(), inner, target, strict=strict))
    return value.cast(wanted, strict=strict)


def prepare_parts(
    parts: Sequence[Part], prepare: Callable[[pl.LazyFrame], pl.LazyFrame]
) -> list[Part]:
    """The parts with the contract's names and dates.

    Raises:
        InputError: a part cannot be prepared; with several, the message says which.
    """
    out, problems = [], []
    for part in parts:
        try:
            out.append(replace(part, rows=prepare(part.rows)))
        except InputError as error:
            prefix = f"{part.name}: " if len(parts) > 1 else ""
            problems += [f"{prefix}{p}" for p in error.problems]
    if problems:
        raise InputError(problems)
    return out
