"""What is sent is checked here, because the service tells of a fault late and in few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud.bigquery import SchemaField

from fsq.errors import InputError
from fsq.schema.bigquery import standard_type
from fsq.schema.columns import COLUMN_NAMES, LEGACY_FIELDS

# The Arrow types that the service documents for each of its types.
_ARROW: dict[str, tuple[pa.DataType, ...]] = {
    "STRING": (pa.string(),),
    "JSON": (pa.string(),),
    "GEOGRAPHY": (pa.string(),),
    "BYTES": (pa.binary(),),
    "INT64": (pa.int64(), pa.int32(), pa.int16(), pa.int8()),
    "FLOAT64": (pa.float64(), pa.float32()),
    "BOOL": (pa.bool_(),),
    "DATE": (pa.date32(),),
    "TIME": (pa.time64("us"),),
    "DATETIME": (pa.timestamp("us"),),
    "TIMESTAMP": (pa.timestamp("us", "UTC"),),
}


def type_of(field: SchemaField) -> str:
    """The field's type by its one name in standard SQL.

    >>> type_of(SchemaField("n", "INTEGER"))
    'INT64'
    """
    return standard_type(field.field_type)


def validate_rows(
    rows: pa.Table, target: Sequence[SchemaField], table: str, *, inserts: bool
) -> None:
    """Refuse rows that the table would refuse, or take and change.

    Args:
        rows: what is to be sent.
        target: the table's fields.
        table: its name, for the message.
        inserts: whether rows that the table lacks are added to it.

    Raises:
        InputError: columns that the table lacks, or whose case, type, unit or mode differ; a
            quality column that the table lacks; NULL where the table has none, or in an array.
    """
    fields = {f.name: f for f in target}
    folded = {f.name.lower(): f.name for f in target}
    problems: list[str] = []
    strangers: list[str] = []
    for column in rows.schema:
        if column.name in fields:
            problems += _find_mismatches(column, fields[column.name], column.name)
        elif column.name.lower() in folded:
            there = folded[column.name.lower()]
            problems.append(f"column {column.name} is called {there} there; rename one")
        else:
            strangers.append(column.name)
    quality = [n for n in COLUMN_NAMES if n not in folded and n not in LEGACY_FIELDS]
    if quality:
        cure = "add them with `fsq schema migrate`"
        problems.append(f"the table lacks the quality columns {quality}; {cure}")
    strangers = [n for n in strangers if n not in COLUMN_NAMES]
    if strangers:
        problems.append(f"the table lacks the columns {strangers}; add or drop them")
    required = [f.name for f in target if f.mode == "REQUIRED" and f.name not in rows.column_names]
    if inserts and required:
        problems.append(f"the table requires {required}, which the rows lack; add them")
    if not problems:
        for column in rows.schema:
            for array in rows[column.name].chunks:
                problems += _find_nulls(array, fields[column.name], column.name)
    if problems:
        raise InputError(problems, f"the rows do not fit {table}; nothing was sent")


def require_quality_columns(rows: pa.Table) -> None:
    """Refuse rows that lack quality columns: a merge would leave the old ones beside the new.

    Raises:
        InputError: with the columns that are lacking.
    """
    lacking = [n for n in COLUMN_NAMES if n not in {*rows.column_names, *LEGACY_FIELDS}]
    if lacking:
        problem = f"the rows lack the quality columns {lacking}; score them with fsq.score"
        raise InputError([problem], "the rows cannot be stored")


def _find_mismatches(found: pa.Field, field: SchemaField, place: str) -> Iterator[str]:
    kind, repeated = found.type, field.mode == "REPEATED"
    if pa.types.is_list(kind) != repeated:
        yield f"{place} is {kind}; it is {'an array' if repeated else 'no array'} there"
        return
    kind = kind.value_type if repeated else kind
    name = type_of(field)
    if name == "STRUCT" and pa.types.is_struct(kind):
        inner = {f.name: f for f in field.fields}
        for part in kind:
            if part.name in inner:
                yield from _find_mismatches(part, inner[part.name], f"{place}.{part.name}")
            else:
                yield f"{place}.{part.name} is not there; add it with `fsq schema migrate`"
    elif name in ("NUMERIC", "BIGNUMERIC") and pa.types.is_decimal(kind):
        return
    elif not any(kind == fits for fits in _ARROW.get(name, ())):
        yield f"{place} is {kind}; it is {name} there"


def _find_nulls(array: pa.Array, field: SchemaField, place: str) -> Iterator[str]:
    """NULLs where the service has none: required fields, arrays and their elements."""
    if field.mode == "REPEATED":
        if array.null_count:
            yield f"{place}: NULL in {array.null_count} rows; send an empty array"
        elements = array.flatten()
        if elements.null_count:
            yield f"{place}: {elements.null_count} elements are NULL; drop them"
        array = elements
    elif field.mode == "REQUIRED" and array.null_count:
        yield f"{place}: NULL in {array.null_count} rows, and required there"
    if type_of(field) == "STRUCT":
        inner = {f.name: f for f in field.fields}
        for i, part in enumerate(array.type):
            values = pc.struct_field(array, i)
            yield from _find_nulls(values, inner[part.name], f"{place}.{part.name}")
