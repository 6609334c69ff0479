"""Which types of a table's columns can hold rows' values, and whether they hold all of them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from fsq.schema.polars_types import inner_type, is_text, struct_fields

# What a new column of some type becomes in a store; None if the store has nothing like it.
StoreType = Callable[[pl.DataType], pl.DataType | None]


def match_type(found: pl.DataType, held: pl.DataType, store_type: StoreType) -> pl.DataType | None:
    """The type that values get in a table's column; None if it can never hold them.

    Only values of one kind match: numbers, moments, texts, and lists and structs of such.
    """
    if found == held or isinstance(found, pl.Null):
        return held
    if isinstance(found, pl.List | pl.Array) and isinstance(held, pl.List):
        inner = match_type(inner_type(found), inner_type(held), store_type)
        return None if inner is None else pl.List(inner)
    if isinstance(found, pl.Struct) and isinstance(held, pl.Struct):
        present = struct_fields(held)
        fields = {
            name: match_type(dtype, present[name], store_type)
            if name in present
            else store_type(dtype)
            for name, dtype in struct_fields(found).items()
        }
        known = {name: dtype for name, dtype in fields.items() if dtype is not None}
        return pl.Struct(known) if len(known) == len(fields) else None
    if is_text(found) and isinstance(held, pl.String):
        return held
    if isinstance(found, pl.Datetime | pl.Time) and type(found) is type(held):
        return held
    if found.is_integer() and held.is_numeric():
        return held
    if found.is_float() and (held.is_float() or held.is_integer()):
        return held
    if found.is_decimal() and (held.is_decimal() or held.is_integer()):
        return held
    return None


def always_fits(found: pl.DataType, held: pl.DataType) -> bool:
    """Whether a cast between matching types loses nothing, whatever the values."""
    if found == held or isinstance(found, pl.Null) or is_text(found):
        return True
    if isinstance(found, pl.List | pl.Array) and isinstance(held, pl.List):
        return always_fits(inner_type(found), inner_type(held))
    if isinstance(found, pl.Struct) and isinstance(held, pl.Struct):
        inside = struct_fields(held)
        return all(always_fits(d, inside[n]) for n, d in struct_fields(found).items())
    if isinstance(found, pl.Datetime) and isinstance(held, pl.Datetime):
        return found.time_unit == held.time_unit
    if found.is_signed_integer() and held.is_unsigned_integer():
        return False
    if found.is_integer() and (held.is_integer() or held.is_float()):
        return _bits(found) < _bits(held)
    if found.is_float() and held.is_float():
        return _bits(found) < _bits(held)
    return False


def _bits(dtype: pl.DataType) -> float:
    """Bits of the largest number up to which a type holds every positive integer."""
    name = str(dtype)
    if dtype.is_float():
        return {"Float16": 11.5, "Float32": 24.5, "Float64": 53.5}[name]
    size = int(name.lstrip("UInt"))
    return size if name.startswith("U") else size - 1


def changes_encoding_only(found: pl.DataType, held: pl.DataType) -> bool:
    """Whether a cast changes only how the same kind of value is encoded."""
    if isinstance(found, pl.List | pl.Array) and isinstance(held, pl.List):
        return changes_encoding_only(inner_type(found), inner_type(held))
    if isinstance(found, pl.Datetime) and isinstance(held, pl.Datetime):
        return True  # only their units differ
    return is_text(found) or isinstance(found, pl.Null) or found == held
