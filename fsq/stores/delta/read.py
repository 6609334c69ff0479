"""Reading a Delta table: by Polars, by delta-rs's engine, or single fields of its nested detail.

Polars decodes a nested column as a whole. Parquet stores each field separately, and Arrow reads
only those that you name: a few fields of a season take a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl
import pyarrow.parquet as pq

from fsq.schema.columns import DETAIL, DETAIL_TYPE
from fsq.schema.nested import detail_field, dotted_name, select_columns, selectable_names
from fsq.stores.delta.protocol import needs_engine, require_readable
from fsq.stores.delta.table import LakeTable
from fsq.stores.objects.files import open_file
from fsq.utils.frames import filter_dates, scan_batches


def scan_rows(
    table: LakeTable, uri: str, date_column: str, start: date | None, end: date | None
) -> pl.LazyFrame:
    """Rows from start to end, lazily, by whichever engine knows the table's features.

    Raises:
        StoreRefusedError: none does.
    """
    protocol = table.full_protocol()
    require_readable(protocol, uri)
    if not needs_engine(protocol):
        return filter_dates(pl.scan_delta(table), date_column, start, end)
    schema = pl.Schema(table.schema())
    dates = _to_sql(date_column, start, end)

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        columns = [c for c in schema if c in needed]
        for batch in table.scan(columns=columns, predicate=dates):
            yield pl.DataFrame(batch).cast({c: schema[c] for c in columns})

    return scan_batches(read, schema)


def scan_detail_fields(
    table: LakeTable,
    date_column: str,
    start: date | None,
    end: date | None,
    columns: Sequence[str],
) -> pl.LazyFrame:
    """Rows from start to end; of the detail, only the fields that ``columns`` names."""
    types = pl.Schema(table.schema())
    fields = DETAIL_TYPE.to_schema()
    schema = pl.Schema(
        {c: types[c] if (f := detail_field(c)) is None else pl.List(fields[f]) for c in columns}
    )
    paths = sorted(table.file_uris(file_pruning_predicate=_to_sql(date_column, start, end)))

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        narrow = pl.Schema({c: t for c, t in schema.items() if c in needed})
        for path in paths:
            rows = _read_file(path, narrow, date_column)
            yield filter_dates(rows, date_column, start, end).collect()

    return scan_batches(read, schema, validate_schema=True)


def has_plain_files(table: LakeTable) -> bool:
    """Whether the table's files hold exactly its rows and columns, under the same names."""
    protocol = table.protocol()
    plain = not protocol.reader_features and not needs_engine(protocol)
    return plain and not table.metadata().partition_columns


def _to_sql(column: str, start: date | None, end: date | None) -> str | None:
    """The dates as SQL, so that files without them are not opened."""
    tests = [f"\"{column}\" >= '{start}'"] if start is not None else []
    tests += [f"\"{column}\" <= '{end}'"] if end is not None else []
    return " AND ".join(tests) or None


def _read_file(path: str, schema: pl.Schema, date_column: str) -> pl.LazyFrame:
    """One file's columns; NULL where an older file lacks one."""
    with open_file(path) as data, pq.ParquetFile(data, pre_buffer=True) as file:
        rows = pl.DataFrame(file.read(columns=_parquet_paths(file, {*schema, date_column})))
    names = selectable_names(rows.schema)
    existing = [c for c in schema if c in names]
    missing = [_null_column(c, schema[c], existing) for c in schema if c not in names]
    unselected = [] if date_column in existing else [date_column]
    return rows.lazy().select(*select_columns(existing), *unselected, *missing).cast(schema)


def _null_column(column: str, kind: pl.DataType, existing: list[str]) -> pl.Expr:
    """NULL for a column that the file lacks; for a field, NULL for each feature."""
    sibling = next((c for c in existing if detail_field(c)), None)
    if detail_field(column) is None or sibling is None or not isinstance(kind, pl.List):
        return pl.lit(None, kind).alias(column)
    (values,) = select_columns([sibling])
    null = pl.when(pl.element().is_null() & pl.element().is_not_null()).then(None)
    return values.list.eval(null.cast(kind.inner)).alias(column)


def _parquet_paths(file: pq.ParquetFile, columns: set[str]) -> list[str]:
    """The file's paths of these columns; a list of structs is column, list, element, field."""
    plain = tuple(f"{c}." for c in columns if detail_field(c) is None)  # a name may have dots, too
    out = []
    for i in range(len(file.schema)):
        path: str = file.schema.column(i).path
        column, *inner = path.split(".")
        if column == DETAIL and len(inner) > 2:
            wanted = dotted_name(inner[2]) in columns
        else:
            wanted = f"{path}.".startswith(plain)
        if wanted:
            out.append(path)
    return out
