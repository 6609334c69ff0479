"""Validation before rows are sent: the service reports errors late and tersely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from google.cloud.bigquery import SchemaField

from fsq.errors import InputError
from fsq.schema.bigquery import fits_numeric, standard_type
from fsq.schema.output import OutputSchema

# The Arrow types that the service documents for each of its types.
_ARROW_TYPES: dict[str, tuple[pa.DataType, ...]] = {
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


def standard_type_of(field: SchemaField) -> str:
    """The name of the field's type in standard SQL.

    >>> standard_type_of(SchemaField("n", "INTEGER"))
    'INT64'
    """
    return standard_type(field.field_type)


def validate_rows(
    rows: pa.Table,
    target: Sequence[SchemaField],
    table: str,
    output: OutputSchema,
    *,
    inserts: bool,
) -> None:
    """Reject rows that the service would reject, or accept and alter.

    Args:
        rows: the rows to send.
        target: the table's fields.
        table: its name, for the message.
        output: the columns of the contract.
        inserts: whether new rows are added to the table.

    Raises:
        InputError: columns that the table lacks, or whose case, type, unit or mode differ; a
            quality column that the table lacks; NULL in a required field or in an array.
    """
    fields = {f.name: f for f in target}
    lower_case = {f.name.lower(): f.name for f in target}
    problems: list[str] = []
    unknown: list[str] = []
    for column in rows.schema:
        if column.name in fields:
            problems += _find_mismatches(column, fields[column.name], column.name)
        elif column.name.lower() in lower_case:
            name = lower_case[column.name.lower()]
            problems.append(f"column {column.name} is called {name} in the table; rename one")
        elif column.name not in output.names:
            unknown.append(column.name)
    quality = [n for n in output.names if n not in lower_case and n not in output.legacy]
    problems += describe_missing(quality, unknown)
    required = [f.name for f in target if f.mode == "REQUIRED" and f.name not in rows.column_names]
    if inserts and required:
        problems.append(f"the table requires {required}, which the rows lack; add them")
    if not problems:
        for column in rows.schema:
            for array in rows[column.name].chunks:
                problems += _find_nulls(array, fields[column.name], column.name)
    if problems:
        raise InputError(problems, f"the rows do not fit {table}; nothing was sent")


def describe_missing(quality: Sequence[str], others: Sequence[str]) -> list[str]:
    """The problems of a table that lacks quality columns, or others that the rows have."""
    problems = []
    if quality:
        cure = "add them with `fsq schema migrate`"
        problems.append(f"the table lacks the quality columns {quality}; {cure}")
    if others:
        problems.append(f"the table lacks the columns {others}; add or drop them")
    return problems


def require_quality_columns(rows: pa.Table, output: OutputSchema) -> None:
    """Reject rows that lack quality columns: a merge would keep the old values beside the new.

    Raises:
        InputError: with the missing columns.
    """
    missing = [n for n in output.names if n not in {*rows.column_names, *output.legacy}]
    if missing:
        problem = f"the rows lack the quality columns {missing}; score them with fsq.score"
        raise InputError([problem], "the rows cannot be stored")


def _find_mismatches(found: pa.Field, field: SchemaField, path: str) -> Iterator[str]:
    kind, repeated = found.type, field.mode == "REPEATED"
    if pa.types.is_list(kind) != repeated:
        expected = "an array" if repeated else "not an array"
        yield f"{path} is {kind}; it is {expected} in the table"
        return
    kind = kind.value_type if repeated else kind
    name = standard_type_of(field)
    if name == "STRUCT" and pa.types.is_struct(kind):
        inner = {f.name: f for f in field.fields}
        for part in kind:
            if part.name in inner:
                yield from _find_mismatches(part, inner[part.name], f"{path}.{part.name}")
            else:
                problem = "is not in the table; add it with `fsq schema migrate`"
                yield f"{path}.{part.name} {problem}"
    elif name == "BIGNUMERIC" and pa.types.is_decimal(kind):
        return
    elif name == "NUMERIC" and pa.types.is_decimal(kind):
        if not fits_numeric(kind):
            yield f"{path} is {kind}; NUMERIC holds 29 digits before the point and 9 after it"
    elif not any(kind == accepted for accepted in _ARROW_TYPES.get(name, ())):
        yield f"{path} is {kind}; it is {name} in the table"


def _find_nulls(array: pa.Array, field: SchemaField, path: str) -> Iterator[str]:
    """NULLs that the service does not allow: in required fields, for arrays, in arrays."""
    if field.mode == "REPEATED":
        if array.null_count:
            yield f"{path}: NULL in {array.null_count} rows; send an empty array"
        elements = array.flatten()
        if elements.null_count:
            yield f"{path}: {elements.null_count} elements are NULL; drop them"
        array = elements
    elif field.mode == "REQUIRED" and array.null_count:
        yield f"{path}: NULL in {array.null_count} rows, but required in the table"
    if standard_type_of(field) == "STRUCT":
        inner = {f.name: f for f in field.fields}
        for i, part in enumerate(array.type):
            values = pc.struct_field(array, i)
            yield from _find_nulls(values, inner[part.name], f"{path}.{part.name}")
