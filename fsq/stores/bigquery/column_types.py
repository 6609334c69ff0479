"""The types of a BigQuery table's columns, and whether rows fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
import pyarrow as pa
from google.cloud.bigquery import SchemaField

from fsq.intake.formats import list_moments
from fsq.schema.arrow import arrow_schema, exact_type
from fsq.schema.bigquery import field_for_arrow
from fsq.schema.output import OutputSchema
from fsq.stores.bigquery.columns import PLAIN_TYPES, polars_type
from fsq.stores.bigquery.validate import describe_missing, standard_type_of
from fsq.stores.column_fit import ColumnFit, fit_columns

_TYPES = PLAIN_TYPES | {"NUMERIC": pl.Decimal(38, 9), "BIGNUMERIC": pl.Decimal(38, 9)}
# Digits before and after the point.
_DIGITS = {"NUMERIC": (29, 9), "BIGNUMERIC": (38, 38)}


def bigquery_type(dtype: pl.DataType) -> pl.DataType | None:
    """The type of a new column for values of this type; None if fsq knows none in BigQuery.

    >>> bigquery_type(pl.UInt8()), bigquery_type(pl.Duration())
    (Int64, None)
    >>> bigquery_type(pl.Decimal(38, 2)), bigquery_type(pl.Decimal(38, 20)) is None
    (Decimal(precision=38, scale=9), True)
    """
    if dtype.is_integer() and not isinstance(dtype, pl.Int8 | pl.Int16 | pl.Int32):
        dtype = pl.Int64()
    if isinstance(dtype, pl.Float16):
        dtype = pl.Float32()
    if isinstance(dtype, pl.Decimal):
        dtype = _fit_decimal(dtype, "NUMERIC") or dtype
    try:
        plain = arrow_schema(pl.Schema({"c": dtype}), exact_type).field("c")
        field_for_arrow(plain)
    except (KeyError, pl.exceptions.PolarsError, pa.ArrowException):
        return None
    return pl.DataFrame(pa.schema([plain]).empty_table()).schema["c"]


def table_type(field: SchemaField, found: pl.DataType | None = None) -> pl.DataType:
    """A field's type; Object where Polars has nothing like it.

    Args:
        field: of the table.
        found: the rows' type; decimals are sent as they are where they have room.
    """
    name = standard_type_of(field)
    if isinstance(found, pl.Decimal) and name in _DIGITS:
        return _fit_decimal(found, name) or _TYPES[name]
    if name == "STRUCT":
        inner: pl.DataType = pl.Struct({f.name: table_type(f) for f in field.fields})
    else:
        inner = _TYPES.get(name, pl.Object())
    return pl.List(inner) if field.mode == "REPEATED" else inner


def _fit_decimal(found: pl.Decimal, name: str) -> pl.DataType | None:
    """The type itself if it has room, else the widest; None if it has more decimals than that."""
    before, after = _DIGITS[name]
    if found.scale > after:
        return None
    return found if (found.precision or 38) - found.scale <= before else _TYPES[name]


def fit_to_table(
    uri: str,
    columns: Mapping[str, pl.DataType],
    target: Sequence[SchemaField] | None,
    output: OutputSchema,
    source: Mapping[str, SchemaField] | None = None,
) -> ColumnFit:
    """How rows of these columns fit a table.

    Args:
        uri: the table.
        columns: the rows' columns and their types.
        target: the table's fields; None if there is no table yet.
        output: the columns of the contract.
        source: fields that a new table copies for the columns that are carried along.
    """
    moments = list_moments(columns)
    if target is None:
        own = {*output.names, *(c.name for c in output.keys)}
        copied = {
            name: table_type(field, columns[name])
            for name, field in (source or {}).items()
            if name in columns and name not in own and polars_type(field) is not None
        }
        return replace(fit_columns(uri, columns, copied, bigquery_type, moments), added=())
    existing = {f.name: table_type(f, columns.get(f.name)) for f in target}
    names = {n.lower() for n in existing}
    dropped = {n for n in output.legacy if n.lower() not in names}
    sent = {c: dtype for c, dtype in columns.items() if c not in dropped}
    fit = fit_columns(uri, sent, existing, bigquery_type, moments)
    return _refuse_new_columns(fit, output)


def _refuse_new_columns(fit: ColumnFit, output: OutputSchema) -> ColumnFit:
    """The same fit with missing columns as problems: a write adds none to the table."""
    quality = [c for c in fit.added if c in output.names]
    others = [c for c in fit.added if c not in output.names]
    return replace(fit, added=(), problems=(*fit.problems, *describe_missing(quality, others)))
