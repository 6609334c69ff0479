"""Files as sources: Parquet, CSV, NDJSON and Arrow, compressed or not, in folders or alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import groupby

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fsq.backfilling.arrow_files import scan_arrow
from fsq.backfilling.data_files import DataFile, count_given, find_files, list_endings
from fsq.backfilling.file_schemas import Part, combine_parts, prepare_parts
from fsq.backfilling.hive import (
    Pairs,
    infer_value_types,
    parse_value,
    read_folder_values,
    require_dates,
)
from fsq.backfilling.text_files import (
    SEPARATORS,
    choose_cure,
    find_altered,
    find_texts,
    require_header,
    scan_text,
)
from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.errors import FsqError, InputError, StoreError
from fsq.intake.expected_types import list_number_columns, list_text_columns
from fsq.intake.preparation import prepare_rows
from fsq.schema.arrow import find_unreadable, from_arrow
from fsq.schema.polars_types import inner_type, is_pattern, struct_fields
from fsq.stores.objects.errors import describe_object_error
from fsq.stores.objects.files import open_file
from fsq.stores.read_errors import first_line, is_read_error

_TEXTS = ("CSV", "TSV", "NDJSON")
_DIGITS = 38  # of a decimal, with which Polars computes


def scan_files(uri: str, contract: Contract | None = None) -> pl.LazyFrame:
    """Open a file, a folder or a glob of files lazily.

    The ending tells the format; CSV and NDJSON may be compressed with gzip or zstd. In folders,
    names that begin with ``_`` or ``.`` are skipped, and ``name=value`` folders give a column.
    Files whose types drifted harmlessly are read as one table.

    Args:
        uri: the file, folder or glob; on disk, or in a bucket such as ``s3://bucket/rows/*.csv``.
        contract: whose names and dates the columns are to have; None to leave them as they are.

    Raises:
        InputError: nothing is there, formats are mixed, a file cannot be read, files differ in
            their columns, or they are those of a lake table.
    """
    files = find_files(uri)
    formats = {f.format for f in files}
    if None in formats:
        if len(files) > 1:
            raise InputError([f"{uri}: the format of some files is unknown; name {list_endings()}"])
        formats = {"Parquet"}  # a single file may have any name
    if len(formats) > 1:
        raise InputError([f"{uri}: holds {sorted(map(str, formats))} files; name one format"])
    (found,) = formats
    files = _drop_empty(files, str(found))
    above = count_given(uri, files)
    hive = [read_folder_values(file.folders, above) for file in files]
    parts = _open_parts(files, hive, str(found), contract)
    if contract is not None:
        parts = prepare_parts(parts, lambda rows: prepare_rows(rows, contract))
        inside = [folder for file in files for folder in file.folders[above:]]
        _require_date(uri, parts, contract.table, hive, inside)
    return combine_parts(parts, contract)


def _require_date(
    uri: str, parts: list[Part], table: Table, hive: list[Pairs], folders: list[str]
) -> None:
    """Refuse files without dates where their folders may say them, under other names.

    Args:
        uri: of the source.
        parts: the files, opened.
        table: which columns a contract's rows have.
        hive: what the folders of each file say.
        folders: names of the folders inside the source.

    Raises:
        InputError: with the names that the folders have.
    """
    if any({table.date, table.time} & {*part.schema} for part in parts):
        return
    said = dict.fromkeys(f"{name}=" for pairs in hive for name, _ in pairs)
    if names := list(said) or folders[:1]:
        cure = f"name the folders {table.date}=2026-02-06, or write the column"
        what = ", ".join(names)
        raise InputError([f"{uri}: no column {table.date}, and the folders say {what}; {cure}"])


def _drop_empty(files: list[DataFile], name: str) -> list[DataFile]:
    """The files without those of zero bytes, which Spark leaves where a text file has no rows.

    Raises:
        InputError: a file has zero bytes, which its format does not allow.
    """
    empty = [f for f in files if f.size == 0]
    kept = [f for f in files if f not in empty]
    if empty and (not kept or name not in _TEXTS):
        raise InputError([f"{f.path} is empty; write it again or remove it" for f in empty[:20]])
    return kept


def _open_parts(
    files: list[DataFile], hive: list[Pairs], name: str, contract: Contract | None
) -> list[Part]:
    """The files in their order; neighbours with the same columns are one part.

    Args:
        files: of one format.
        hive: what the folders of each say.
        name: of the format.
        contract: whose names and dates the columns are to have.

    Raises:
        InputError: a file cannot be read.
    """
    numbers = list_number_columns(contract) if contract is not None else frozenset[str]()
    date = contract.table.date.lower() if contract is not None else ""
    texts = list_text_columns(contract) if contract is not None else frozenset[str]()
    kinds = infer_value_types(hive, [date], numbers, texts)
    opened = [_open_file(file.path, name, numbers) for file in files]
    if name in SEPARATORS:
        schemas = [rows.collect_schema() for rows in opened]
        if wrong := find_texts(schemas, numbers, texts):
            opened = [_open_file(file.path, name, numbers, wrong) for file in files]
    parts = []
    keys = [(tuple(r.collect_schema().items()), h) for r, h in zip(opened, hive, strict=True)]
    for (schema, values), group in groupby(range(len(files)), key=lambda i: keys[i]):
        members = list(group)
        rows = opened[members[0]]
        if len(members) > 1:
            plain = name == "Parquet" and not _has_wide_decimals(dict(schema))
            rows = (
                _scan_parquet([files[i].path for i in members])
                if plain
                else pl.concat([opened[i] for i in members])
            )
        present = dict(schema)
        columns = [parse_value(v, kinds[c]).alias(c) for c, v in values if c not in present]
        for column, value in values:
            if contract is not None and column == contract.table.date and column in present:
                require_dates(rows, column, value, files[members[0]].path)
        parts.append(Part(files[members[0]].path, rows.with_columns(columns)))
    return parts


def _open_file(
    file: str, name: str, numbers: Collection[str], texts: Collection[str] = ()
) -> pl.LazyFrame:
    """One file's rows, lazily, once its columns are known.

    Raises:
        InputError: it cannot be read.
        StoreError: its bucket cannot be read.
    """
    try:
        rows = _scan(file, name, numbers, texts)
        if patterns := [c for c in rows.collect_schema() if is_pattern(c)]:
            raise InputError([f"{file}: columns named like patterns: {patterns}; rename them"])
        return _untype_empty_columns(rows) if name in _TEXTS else rows
    except FsqError:
        raise
    except BaseException as error:
        if not isinstance(error, pl.exceptions.PolarsError) and not is_read_error(error):
            raise
        if (reason := describe_object_error(str(error))) is not None:
            raise StoreError(f"{file} cannot be read: {reason}") from error
        raise InputError(_describe_failure(file, name, error)) from error


def _scan(file: str, name: str, numbers: Collection[str], texts: Collection[str]) -> pl.LazyFrame:
    if name in SEPARATORS:
        require_header(file, name)
        rows = scan_text(file, name, texts)
        altered = find_altered(file, name, rows, numbers)
        return scan_text(file, name, altered, rows.collect_schema()) if altered else rows
    if name == "NDJSON":
        return pl.scan_ndjson([file], infer_schema_length=None, credential_provider=None)
    if name == "Arrow":
        return scan_arrow(file, numbers)
    rows = _scan_parquet([file])
    if _has_wide_decimals(rows.collect_schema()):
        return from_arrow(pq.read_table(open_file(file)), numbers).lazy()
    return rows


def _scan_parquet(files: Sequence[str]) -> pl.LazyFrame:
    # Without Polars' own search for credentials: those of the environment are read, as delta-rs
    # does.
    return pl.scan_parquet(
        list(files), glob=False, hive_partitioning=False, credential_provider=None
    )


def _describe_failure(file: str, name: str, error: BaseException) -> list[str]:
    """Why a file cannot be read: the columns of types that Polars does not know, if it has any."""
    if name == "Parquet":
        with suppress(OSError, ValueError, pa.ArrowException):
            if unread := find_unreadable(pq.read_schema(open_file(file))):
                return [f"{file}: {problem}" for problem in unread]
    reason = first_line(error)
    cure = choose_cure(error, "check that its ending names its format, or write it again")
    if name in _TEXTS and "utf" in reason.lower():
        cure = "write it as UTF-8"
    return [f"{file} cannot be read: {reason}; {cure}"]


def _untype_empty_columns(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of a text file; a column without any value has no type."""
    texts = [c for c, dtype in rows.collect_schema().items() if isinstance(dtype, pl.String)]
    if not texts:
        return rows
    counts = rows.select(pl.col(texts).null_count(), pl.len().alias("#rows")).collect()
    count = counts["#rows"][0]
    empty = [c for c in texts if count and counts[c][0] == count]
    return rows.with_columns(pl.lit(None).alias(c) for c in empty)


def _has_wide_decimals(schema: Mapping[str, pl.DataType]) -> bool:
    """Whether a column has decimals of more digits than Polars computes with."""
    return any(map(_is_wide, schema.values()))


def _is_wide(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return _is_wide(inner_type(dtype))
    if isinstance(dtype, pl.Struct):
        return any(map(_is_wide, struct_fields(dtype).values()))
    return isinstance(dtype, pl.Decimal) and (dtype.precision or 0) > _DIGITS
