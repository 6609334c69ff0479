"""Polars frames as the table contents of Google's reference evaluator, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from zetasql.wasi._pb2.zetasql.local_service.local_service_pb2 import TableContent
from zetasql.wasi._pb2.zetasql.public import type_pb2

_EPOCH = date(1970, 1, 1)
# By the types of the REST API: how a value is set.
_SET = {
    "STRING": "string_value", "INTEGER": "int64_value", "INT64": "int64_value",
    "FLOAT": "double_value", "FLOAT64": "double_value", "BOOLEAN": "bool_value",
    "BOOL": "bool_value",
}  # fmt: skip
# By the evaluator's types: what a column becomes.
_PLAIN = {
    type_pb2.TYPE_STRING: pl.String(), type_pb2.TYPE_INT64: pl.Int64(),
    type_pb2.TYPE_DOUBLE: pl.Float64(), type_pb2.TYPE_BOOL: pl.Boolean(),
    type_pb2.TYPE_DATE: pl.Date(), type_pb2.TYPE_TIMESTAMP: pl.Datetime("us", "UTC"),
}  # fmt: skip


def write_content(frame: pl.DataFrame, fields: Iterable[Mapping[str, Any]]) -> TableContent:
    """The rows of a frame, for a table with these fields of the REST API."""
    content, fields = TableContent(), list(fields)
    for row in frame.iter_rows(named=True):
        cells = content.table_data.row.add().cell
        for field in fields:
            _set(cells.add(), row[field["name"]], field)
        cells.add()  # _PARTITIONTIME, which every table has
    return content


def _set(cell: Any, value: Any, field: Mapping[str, Any]) -> None:
    kind = field["type"]
    if field.get("mode") == "REPEATED":
        cell.array_value.SetInParent()
        for item in value or ():
            _set(cell.array_value.element.add(), item, {**field, "mode": "NULLABLE"})
    elif value is None:
        pass
    elif kind in ("RECORD", "STRUCT"):
        cell.struct_value.SetInParent()
        for inner in field["fields"]:
            _set(cell.struct_value.field.add(), value[inner["name"]], inner)
    elif kind == "DATE":
        cell.date_value = (value - _EPOCH).days
    elif kind == "TIMESTAMP":
        cell.timestamp_value.FromDatetime(value)
    else:
        setattr(cell, _SET[kind], value)


def read_answer(answer: Any) -> pl.DataFrame:
    """The rows of an ``EvaluateQueryResponse``."""
    columns = answer.prepared.columns
    rows = [
        [_get(c, column.type) for c, column in zip(row.cell, columns, strict=True)]
        for row in answer.content.table_data.row
    ]
    schema = {column.name: _polars_type(column.type) for column in columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _polars_type(kind: Any) -> pl.DataType:
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return pl.List(_polars_type(kind.array_type.element_type))
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        fields = kind.struct_type.field
        return pl.Struct({f.field_name: _polars_type(f.field_type) for f in fields})
    return _PLAIN[kind.type_kind]


def _get(cell: Any, kind: Any) -> Any:
    held = cell.WhichOneof("value")
    if held is None:  # a NULL array leaves BigQuery as an empty one
        return [] if kind.type_kind == type_pb2.TYPE_ARRAY else None
    value = getattr(cell, held)
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return [_get(e, kind.array_type.element_type) for e in value.element]
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        fields = zip(value.field, kind.struct_type.field, strict=True)
        return {f.field_name: _get(v, f.field_type) for v, f in fields}
    if kind.type_kind == type_pb2.TYPE_DATE:
        return _EPOCH + timedelta(days=value)
    if kind.type_kind == type_pb2.TYPE_TIMESTAMP:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=value.seconds, microseconds=value.nanos // 1000
        )
    return value
