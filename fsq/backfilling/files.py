"""Files as sources: Parquet, CSV, NDJSON and Arrow, compressed or not, in folders or alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from itertools import groupby

import polars as pl
import pyarrow.parquet as pq

from fsq.backfilling.data_files import DataFile, find_files, list_endings
from fsq.backfilling.file_schemas import Part, combine_parts, prepare_parts
from fsq.backfilling.hive import infer_value_types, parse_value, read_folder_values
from fsq.contract import Contract
from fsq.errors import FsqError, InputError, StoreError
from fsq.intake.expected_types import list_number_columns
from fsq.intake.preparation import prepare_rows
from fsq.schema.arrow import from_arrow
from fsq.stores.objects.bucket import read_object
from fsq.stores.objects.errors import describe_object_error
from fsq.stores.objects.files import open_file
from fsq.stores.objects.uri import is_object_uri
from fsq.stores.read_errors import first_line, is_read_error

Scan = Callable[[Sequence[str]], pl.LazyFrame]

_TEXTS = ("CSV", "TSV", "NDJSON")
_PARTED = {"CSV": "commas", "TSV": "tabs"}
_DIGITS = 38  # of a decimal, with which Polars computes


def _scan_parquet(files: Sequence[str]) -> pl.LazyFrame:
    return pl.scan_parquet(
        list(files), glob=False, hive_partitioning=False, credential_provider=None
    )


def _scan_streams(files: Sequence[str]) -> pl.LazyFrame:
    """Arrow files, or Arrow streams, which have no footer and are read at once."""
    try:
        rows = pl.scan_ipc(list(files), glob=False, credential_provider=None)
        rows.collect_schema()
    except pl.exceptions.ComputeError:
        rows = pl.concat([pl.read_ipc_stream(_read_whole(f)) for f in files]).lazy()
    return rows


def _read_whole(file: str) -> str | BytesIO:
    return BytesIO(read_object(file)) if is_object_uri(file) else file


# Without Polars' own search for credentials: those of the environment are read, as delta-rs does.
_scan_csv = partial(
    pl.scan_csv,
    glob=False,
    infer_schema_length=None,
    try_parse_dates=True,
    credential_provider=None,
)
_FORMATS: dict[str, Scan] = {
    "Parquet": _scan_parquet,
    "CSV": _scan_csv,
    "TSV": partial(_scan_csv, separator="\t"),
    "NDJSON": partial(pl.scan_ndjson, infer_schema_length=None, credential_provider=None),
    "Arrow": _scan_streams,
}


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
    parts = _open_parts(_drop_empty(files, str(found)), str(found), contract)
    if contract is not None:
        parts = prepare_parts(parts, lambda rows: prepare_rows(rows, contract))
    return combine_parts(parts, contract)


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


def _open_parts(files: list[DataFile], name: str, contract: Contract | None) -> list[Part]:
    """The files in their order; neighbours with the same columns are one part.

    Raises:
        InputError: a file cannot be read.
    """
    numbers = list_number_columns(contract) if contract is not None else frozenset[str]()
    hive = [read_folder_values(file.folders) for file in files]
    kinds = infer_value_types(hive)
    opened = [_open_file(file.path, name, numbers) for file in files]
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
        parts.append(Part(files[members[0]].path, rows.with_columns(columns)))
    return parts


def _open_file(file: str, name: str, numbers: Iterable[str]) -> pl.LazyFrame:
    """One file's rows, lazily, once its columns are known.

    Raises:
        InputError: it cannot be read.
        StoreError: its bucket cannot be read.
    """
    try:
        rows = _FORMATS[name]([file])
        if name in _PARTED and len(columns := rows.collect_schema().names()) == 1:
            _require_columns(file, name, columns[0])
        if _has_wide_decimals(rows.collect_schema()):
            return from_arrow(pq.read_table(open_file(file)), frozenset(numbers)).lazy()
        return _untype_empty_columns(rows) if name in _TEXTS else rows
    except FsqError:
        raise
    except BaseException as error:
        if not isinstance(error, pl.exceptions.PolarsError) and not is_read_error(error):
            raise
        if (reason := describe_object_error(str(error))) is not None:
            raise StoreError(f"{file} cannot be read: {reason}") from error
        cure = "check that its ending names its format, or write it again"
        if name in _PARTED:
            cure = (
                f"part the columns of a {name} file by {_PARTED[name]}, and give each row as many"
            )
        raise InputError([f"{file} cannot be read: {first_line(error)}; {cure}"]) from error


def _require_columns(file: str, name: str, only: str) -> None:
    """Refuse a file whose columns are parted in another way, so that it seems to have only one."""
    other = next((s for s in (";", "|", "\t", ",") if s in only), None)
    if other is not None:
        problem = f"{file} is no {name} file: {other!r} parts its columns"
        raise InputError([f"{problem}; part them by {_PARTED[name]}, or name it after its format"])


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
    return any(
        isinstance(d, pl.Decimal) and (d.precision or 0) > _DIGITS
        for dtype in schema.values()
        for d in (dtype, getattr(dtype, "inner", None))
    )
