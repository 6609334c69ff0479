"""Carried columns keep their type: in Arrow, and in a new table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import pyarrow as pa
from google.cloud.bigquery import SchemaField

from fsq.errors import InputError, short
from fsq.schema.arrow import exact_type, to_arrow
from fsq.schema.bigquery import fits_numeric, standard_type

_NUMERIC = pa.decimal128(38, 9)
_BIGNUMERIC = pa.decimal256(76, 38)
# Properties that belong to a column's values, not to the table it is in.
_COPIED = (
    "type", "mode", "fields", "description", "maxLength", "precision", "scale", "collation",
    "roundingMode", "policyTags", "rangeElementType", "timestampPrecision",
)  # fmt: skip


def to_service_arrow(frame: pl.DataFrame) -> pa.Table:
    """Convert a frame to an Arrow table of the types that BigQuery documents.

    Raises:
        InputError: a value does not fit, such as a time of nanoseconds.
    """
    with_problem = "the rows cannot be stored in BigQuery"
    try:
        return to_arrow(frame, convert=exact_type)
    except pa.ArrowInvalid as error:
        raise InputError([f"{short(error, 200)}; round or drop it"], with_problem) from error


def widen_decimals(rows: pa.Table, target: Iterable[SchemaField]) -> pa.Table:
    """Give decimals the digits of the table's type, which must have room for them.

    Other differences are left for ``validate_rows`` to report.
    """
    fields = {f.name: f for f in target}
    types = {f.name: _widen(f.type, fields.get(f.name)) for f in rows.schema}
    return rows.cast(pa.schema([pa.field(n, t) for n, t in types.items()]))


def _widen(dtype: pa.DataType, field: SchemaField | None) -> pa.DataType:
    if field is None:
        return dtype
    if pa.types.is_list(dtype):
        return pa.list_(pa.field("element", _widen(dtype.value_type, field)))
    if pa.types.is_struct(dtype):
        inner = {f.name: f for f in field.fields}
        return pa.struct([pa.field(f.name, _widen(f.type, inner.get(f.name))) for f in dtype])
    if pa.types.is_decimal(dtype):
        name = standard_type(field.field_type)
        if name == "NUMERIC" and fits_numeric(dtype):
            return _NUMERIC
        if name == "BIGNUMERIC":
            return _BIGNUMERIC
    return dtype


def copy_fields(source: Sequence[SchemaField]) -> Mapping[str, SchemaField]:
    """A source's columns for a new table: with type and description, but none is REQUIRED."""
    return {f.name: SchemaField.from_api_repr(_copy(f)) for f in source}


def _copy(field: SchemaField) -> dict[str, object]:
    found = field.to_api_repr()
    out = {k: found[k] for k in _COPIED if k in found}
    out |= {"name": field.name, "fields": [_copy(f) for f in field.fields]}
    if field.mode == "REQUIRED":
        out["mode"] = "NULLABLE"
    return out if field.fields else {k: v for k, v in out.items() if k != "fields"}
