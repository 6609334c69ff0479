"""Reading a Delta table: by Polars, by delta-rs's engine, or single fields of its nested detail.

Polars decodes a nested column as a whole, for all rows of a file. Parquet stores each field
separately, and Arrow reads only those that you name, and only the groups of rows that may have the
dates: a few fields of a season take a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fsq.errors import StoreRefusedError
from fsq.schema.columns import DETAIL, DETAIL_TYPE
from fsq.schema.nested import detail_field, dotted_name, select_columns, selectable_names
from fsq.schema.polars_types import inner_type, struct_fields
from fsq.stores.delta.protocol import needs_engine, require_readable
from fsq.stores.delta.table import LakeTable
from fsq.stores.objects.files import open_file
from fsq.utils.frames import filter_dates, scan_batches

_ROWS_AT_ONCE = 3_000
_MOST_WASTE = 100 * 2**20  # bytes; what a check of one date reads is less


def scan_rows(
    table: LakeTable, uri: str, date_column: str, start: date | None, end: date | None
) -> pl.LazyFrame:
    """Rows from start to end, lazily, by whichever engine knows the table's features.

    Raises:
        StoreRefusedError: none does.
    """
    protocol = table.full_protocol()
    require_readable(protocol, uri)
    _require_text_values(table, uri)
    if not needs_engine(protocol):
        return filter_dates(pl.scan_delta(table), date_column, start, end)
    schema = pl.Schema(table.schema())
    dates = _to_sql(date_column, start, end)

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        columns = [c for c in schema if c in needed]
        for batch in table.scan(columns=columns, predicate=dates):
            yield pl.DataFrame(batch).cast({c: schema[c] for c in columns})

    return scan_batches(read, schema)


def _require_text_values(table: LakeTable, uri: str) -> None:
    """Refuse partitions by bytes, which Polars cannot read out of a folder's name.

    Raises:
        StoreRefusedError: with the columns.
    """
    partitions = table.metadata().partition_columns
    if not partitions:
        return
    schema = pl.Schema(table.schema())
    if wrong := [c for c in partitions if isinstance(schema[c], pl.Binary)]:
        raise StoreRefusedError(
            f"{uri} cannot be read: it is partitioned by {wrong}, which holds bytes; copy its rows "
            "into a table that is not"
        )


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
    schema = {
        c: types[c] if (f := detail_field(c)) is None else pl.List(fields[f]) for c in columns
    }
    return _scan_files(table, pl.Schema(schema), date_column, start, end)


def scan_with_fields(
    table: LakeTable,
    date_column: str,
    start: date | None,
    end: date | None,
    fields: Collection[str],
) -> pl.LazyFrame:
    """Rows from start to end, with all columns; the detail has only these fields."""
    schema = pl.Schema(table.schema())
    inside = _list_fields(schema)
    schema[DETAIL] = pl.List(pl.Struct({f: t for f, t in inside.items() if f in fields}))
    return _scan_files(table, schema, date_column, start, end)


def _scan_files(
    table: LakeTable, schema: pl.Schema, date_column: str, start: date | None, end: date | None
) -> pl.LazyFrame:
    """Rows from start to end, of the files that have any, with these columns."""
    # In the order of the log, as Polars reads them.
    paths = table.file_uris(file_pruning_predicate=_to_sql(date_column, start, end))

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        narrow, waste = pl.Schema({c: t for c, t in schema.items() if c in needed}), _Waste()
        for path in paths:
            yield from _read_file(path, narrow, date_column, start, end, waste)

    return scan_batches(read, schema, validate_schema=True)


def read_whole(table: LakeTable) -> pl.DataFrame:
    """All rows of a small table, file by file: a query over one takes twice as long to plan."""
    if not has_plain_files(table):
        return pl.scan_delta(table).collect()
    schema, waste = pl.Schema(table.schema()), _Waste()
    known = next(iter(schema))
    parts = [p for f in table.file_uris() for p in _read_file(f, schema, known, None, None, waste)]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


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


class _Waste:
    """What Polars' threads have freed stays with Arrow, and would grow with every group."""

    def __init__(self) -> None:
        self._held = 0.0

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows that were read, and give back memory now and then: it takes time."""
        self._held += rows.estimated_size()
        if self._held > _MOST_WASTE:
            pa.default_memory_pool().release_unused()
            self._held = 0.0


def _read_file(
    path: str,
    schema: pl.Schema,
    date_column: str,
    start: date | None,
    end: date | None,
    waste: _Waste,
) -> Iterator[pl.DataFrame]:
    """One file's columns and its rows of these dates; NULL where an older file lacks a column.

    A few groups of rows are read at once: their details are large.
    """
    with open_file(path) as data, pq.ParquetFile(data, pre_buffer=True) as file:
        paths = _parquet_paths(file, {*schema, date_column}, _list_fields(schema))
        for groups in _bundle(file, _find_row_groups(file, date_column, start, end)):
            rows = pl.DataFrame(file.read_row_groups(groups, columns=paths))
            fitted = _fit_rows(rows, schema, date_column).collect()
            yield _cut_dates(fitted, date_column, start, end)
            waste.add(rows)


def _cut_dates(
    rows: pl.DataFrame, column: str, start: date | None, end: date | None
) -> pl.DataFrame:
    """The rows of these dates.

    Files have them in one stretch, which is not copied, unless it would hold much else in memory.
    """
    day = pl.col(column)
    tests = [] if start is None else [day >= start]
    tests += [] if end is None else [day <= end]
    if not tests:
        return rows
    kept = rows.select(pl.all_horizontal(tests).fill_null(False)).to_series()
    places = kept.arg_true()
    count = len(places)
    stretch = count > rows.height // 4 and places[-1] - places[0] + 1 == count
    return rows.slice(places[0], count) if stretch else rows.filter(kept)


def _bundle(file: pq.ParquetFile, groups: list[int]) -> Iterator[list[int]]:
    """Groups of rows to read at once; one bundle at least, maybe without groups."""
    bundle: list[int] = []
    rows = 0
    for group in groups:
        size = file.metadata.row_group(group).num_rows
        if bundle and rows + size > _ROWS_AT_ONCE:
            yield bundle
            bundle, rows = [], 0
        bundle.append(group)
        rows += size
    yield bundle


def _fit_rows(rows: pl.DataFrame, schema: pl.Schema, date_column: str) -> pl.LazyFrame:
    """Rows of a file with the columns of a schema."""
    names = selectable_names(rows.schema)
    existing = [c for c in schema if c in names]
    missing = [_null_column(c, schema[c], existing) for c in schema if c not in names]
    unselected = [] if date_column in existing else [date_column]
    chosen = rows.lazy().select(*select_columns(existing), *unselected, *missing)
    if DETAIL in existing and rows.schema[DETAIL] != schema[DETAIL]:
        chosen = chosen.with_columns(_complete_detail(rows.schema, schema))
    return chosen.cast(schema)


def _find_row_groups(
    file: pq.ParquetFile, date_column: str, start: date | None, end: date | None
) -> list[int]:
    """The groups of rows that may have these dates, as far as the file's statistics tell."""
    whole, paths = file.metadata, [file.schema.column(i).path for i in range(len(file.schema))]
    if date_column not in paths:
        return list(range(whole.num_row_groups))

    def may_have_dates(group: int) -> bool:
        known = whole.row_group(group).column(paths.index(date_column)).statistics
        if known is None or not known.has_min_max or type(known.min) is not date:
            return True
        return (start is None or known.max >= start) and (end is None or known.min <= end)

    return [g for g in range(whole.num_row_groups) if may_have_dates(g)]


def _list_fields(schema: pl.Schema) -> dict[str, pl.DataType]:
    """The fields of the whole detail and their types; none if it is no column."""
    detail = schema.get(DETAIL)
    inside = inner_type(detail) if isinstance(detail, pl.List) else None
    return struct_fields(inside) if isinstance(inside, pl.Struct) else {}


def _complete_detail(found: pl.Schema, wanted: pl.Schema) -> pl.Expr:
    """The detail of a file that lacks some of the fields, or has them in another order."""
    existing = _list_fields(found)
    fields = (
        pl.element().struct.field(f) if f in existing else pl.lit(None, kind).alias(f)
        for f, kind in _list_fields(wanted).items()
    )
    return pl.col(DETAIL).list.eval(pl.struct(*fields))


def _null_column(column: str, kind: pl.DataType, existing: list[str]) -> pl.Expr:
    """NULL for a column that the file lacks; for a field, NULL for each feature."""
    sibling = next((c for c in existing if detail_field(c)), None)
    if detail_field(column) is None or sibling is None or not isinstance(kind, pl.List):
        return pl.lit(None, kind).alias(column)
    (values,) = select_columns([sibling])
    null = pl.when(pl.element().is_null() & pl.element().is_not_null()).then(None)
    return values.list.eval(null.cast(kind.inner)).alias(column)


def _parquet_paths(file: pq.ParquetFile, columns: set[str], fields: Collection[str]) -> list[str]:
    """The file's paths of these columns; a list of structs is column, list, element, field."""
    plain = tuple(f"{c}." for c in columns if detail_field(c) is None)  # a name may have dots, too
    out = []
    for i in range(len(file.schema)):
        path: str = file.schema.column(i).path
        column, *inner = path.split(".")
        if column == DETAIL and len(inner) > 2:
            wanted = dotted_name(inner[2]) in columns or inner[2] in fields
        else:
            wanted = f"{path}.".startswith(plain)
        if wanted:
            out.append(path)
    return out
